"""Contestant: dlt reading the same pages, as its documentation shows it. Runs in the benchmark's own environment.

RESTClient with a paginator for cursors in JSON bodies, one resource that yields rows for four tables, merge by primary
key. Lean: the members that our mapping keeps, one level deep, values as they come. Files between the steps are Parquet
for DuckDB and CSV (COPY) for Postgres: dlt's fastest of its own formats.
"""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from tests.bench.measure import TABLES, Report, read_task

_WALL = 25_000
_VISIT = ("landingPage", "referrerUrl", "referralCode", "source", "sourceType")
_UTM = ("source", "medium", "campaign", "content", "term")
_MONEYS = {
    "total": "totalPriceSet",
    "current_total": "currentTotalPriceSet",
    "subtotal": "subtotalPriceSet",
    "discount": "totalDiscountsSet",
    "shipping": "totalShippingPriceSet",
    "tax": "totalTaxSet",
    "refunded": "totalRefundedSet",
}
_KEYS = {
    "orders": ["source_id"],
    "order_lines": ["order_id", "source_id"],
    "refunds": ["source_id"],
    "touches": ["source_id"],
}


class PastTheWall(JSONResponseCursorPaginator):  # type: ignore[misc]  # dlt lives in another environment
    """Shopify pages through 25,000 rows at most; then the query begins at the newest time seen."""

    def __init__(self, root: str) -> None:
        super().__init__(
            cursor_path=f"data.{root}.pageInfo.endCursor",
            cursor_body_path="variables.after",
            has_more_path=f"data.{root}.pageInfo.hasNextPage",
        )
        self._seen = 0
        self._newest = ""

    def update_state(self, response: Any, data: Any = None) -> None:
        """Note how far the read is."""
        super().update_state(response, data)
        self._seen += len(data)
        self._newest = data[-1]["updatedAt"]

    def update_request(self, request: Any) -> None:
        """Ask for the next page."""
        super().update_request(request)
        if self._seen >= _WALL:
            request.json["variables"] |= {"after": None, "query": f"updated_at:>='{self._newest}'"}
            self._seen = 0


def _money(row: dict[str, Any], name: str, bag: str) -> dict[str, Any]:
    shop = row[bag]["shopMoney"]
    return {f"{name}_amount": shop["amount"], f"{name}_currency": shop["currencyCode"]}


def _order(row: dict[str, Any]) -> dict[str, Any]:
    customer, journey = row["customer"] or {}, row["customerJourneySummary"] or {}
    presentment = row["totalPriceSet"]["presentmentMoney"]
    order = {
        "source_id": row["id"],
        "name": row["name"],
        "placed_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "cancelled_at": row["cancelledAt"],
        "cancel_reason": row["cancelReason"],
        "closed": row["closed"],
        "source_name": row["sourceName"],
        "promo_codes": ",".join(row["discountCodes"]),
        "financial_status": row["displayFinancialStatus"],
        "platform_status": row["displayFulfillmentStatus"],
        "channel": (row["attribution"] or {}).get("handle"),
        "country": (row["shippingAddress"] or {}).get("countryCodeV2"),
        "customer_id": customer.get("id"),
        "email": (customer.get("defaultEmailAddress") or {}).get("emailAddress"),
        "phone": (customer.get("defaultPhoneNumber") or {}).get("phoneNumber"),
        "presentment_total_amount": presentment["amount"],
        "presentment_total_currency": presentment["currencyCode"],
        "customer_order_index": journey.get("customerOrderIndex"),
        "journey_ready": journey.get("ready"),
    }
    for name, bag in _MONEYS.items():
        order |= _money(row, name, bag)
    return order


def _line(row: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": row["id"],
        "placed_at": row["createdAt"],
        "source_id": line["id"],
        "title": line["title"],
        "sku": line["sku"],
        "quantity": line["quantity"],
        "current_quantity": line["currentQuantity"],
        "product_id": (line["product"] or {}).get("id"),
        "variant_id": (line["variant"] or {}).get("id"),
        **_money(line, "unit_price", "originalUnitPriceSet"),
        **_money(line, "total", "discountedTotalSet"),
    }


def _refund(row: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": row["id"],
        "source_id": refund["id"],
        "refunded_at": refund["createdAt"],
        "updated_at": refund["updatedAt"],
        "reason": refund["note"],
        "quantity": sum(line["quantity"] for line in refund["refundLineItems"]["nodes"]),
        **_money(refund, "amount", "totalRefundedSet"),
    }


def _touches(row: dict[str, Any]) -> list[dict[str, Any]]:
    journey = row["customerJourneySummary"]
    if journey is None:
        return []
    moments = (journey["moments"] or {}).get("nodes", ())
    visits = {visit["id"]: visit for visit in (journey["firstVisit"], *moments, journey["lastVisit"]) if visit}
    return [_touch(row, visit) for visit in visits.values()]


def _touch(row: dict[str, Any], visit: dict[str, Any]) -> dict[str, Any]:
    utm = visit["utmParameters"] or {}
    return {
        "order_id": row["id"],
        "source_id": f"{row['id']}-{visit['id']}",
        "occurred_at": visit["occurredAt"],
        **{name: visit[name] for name in _VISIT},
        **{f"utm_{name}": utm.get(name) for name in _UTM},
    }


def make_source(task: dict[str, Any]) -> Any:
    """One resource for all four tables, so that every page is fetched once."""
    client = RESTClient(base_url=task["source"], headers={"Host": task["shop"]}, data_selector="data.orders.nodes")

    @dlt.resource(name="shop")  # type: ignore[untyped-decorator]  # dlt lives in another environment
    def pages() -> Iterator[Any]:
        variables = {"first": 10, "after": None, "query": f"updated_at:>='{task['since']}'"}
        body = {"query": task["query"], "variables": variables}
        for page in client.paginate(task["path"], method="POST", json=body, paginator=PastTheWall("orders")):
            rows = [row for row in page if not row["test"]]
            found = {
                "orders": [_order(row) for row in rows],
                "order_lines": [_line(row, line) for row in rows for line in row["lineItems"]["nodes"]],
                "refunds": [_refund(row, refund) for row in rows for refund in row["refunds"]],
                "touches": [touch for row in rows for touch in _touches(row)],
            }
            for table, items in found.items():
                yield dlt.mark.with_hints(
                    items,
                    dlt.mark.make_hints(table_name=table, primary_key=_KEYS[table], write_disposition="merge"),
                    create_table_variant=True,
                )

    return pages


def _credentials(dsn: str) -> str:
    """dlt wants the host where a host stands; libpq takes a socket's folder there, percent-encoded."""
    parts = urlsplit(dsn)
    return (
        f"postgresql://{parts.netloc.rpartition('@')[0]}@{quote(parse_qs(parts.query)['host'][0], safe='')}{parts.path}"
    )


def load(pipeline: Any, task: dict[str, Any]) -> None:
    """One run of the pipeline, all three steps."""
    pipeline.extract(make_source(task), loader_file_format="parquet" if task["engine"] == "duckdb" else "csv")
    pipeline.normalize()
    pipeline.load()


def landed(pipeline: Any) -> dict[str, Any]:
    """Rows by table and two sums, read back."""
    with pipeline.sql_client() as client:

        def ask(text: str) -> Any:
            return client.execute_sql(text)[0][0]

        return {
            "rows": {table: ask(f"select count(*) from {table}") for table in TABLES},
            "total": f"{ask('select sum(cast(total_amount as decimal(20, 6))) from orders'):.2f}",
            "pieces": int(ask("select sum(quantity) from order_lines")),
        }


def main() -> None:
    """First load, then everything again."""
    task, report = read_task(), Report()
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": f"{task['folder']}/dlt",
    }
    if task["engine"] == "duckdb":
        destination = dlt.destinations.duckdb(f"{task['folder']}/dlt.duckdb")
    else:
        destination = dlt.destinations.postgres(_credentials(task["dsn"]))
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name="bench_dlt", pipelines_dir=task["folder"])
    for name in ("first", "again"):
        with report.phase(name):
            load(pipeline, task)
    report.facts |= landed(pipeline)
    names = ("dlt", "duckdb", "psycopg2-binary", "pyarrow")
    report.facts["versions"] = {n: version(n) for n in names} | {"python": sys.version.split()[0]}
    report.send()


if __name__ == "__main__":
    main()
