"""A Singer tap of the shop's orders, written with its SDK: one fetch, four streams, values as they come.

The streams of lines, refunds and touches emit what the orders' pages held: of itself, Singer shares a fetch by child
streams only, which take a call for each parent.
"""

from collections.abc import Iterable
from typing import Any

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.streams import RESTStream
from tests.bench.lean import KEYS, WALL, rows_of

_NUMBERS = {"quantity": th.IntegerType, "current_quantity": th.IntegerType, "customer_order_index": th.IntegerType}
_TYPES = {**_NUMBERS, "closed": th.BooleanType, "journey_ready": th.BooleanType}
_MONEYS = ("total", "current_total", "subtotal", "discount", "shipping", "tax", "refunded", "presentment_total")
COLUMNS = {
    "orders": (
        "source_id", "name", "placed_at", "updated_at", "cancelled_at", "cancel_reason", "closed", "source_name",
        "promo_codes", "financial_status", "platform_status", "channel", "country", "customer_id", "email", "phone",
        "customer_order_index", "journey_ready",
        *(f"{name}_{part}" for name in _MONEYS for part in ("amount", "currency")),
    ),
    "order_lines": (
        "order_id", "placed_at", "source_id", "title", "sku", "quantity", "current_quantity", "product_id",
        "variant_id", "unit_price_amount", "unit_price_currency", "total_amount", "total_currency",
    ),
    "refunds": (
        "order_id", "source_id", "refunded_at", "updated_at", "reason", "quantity", "amount_amount", "amount_currency",
    ),
    "touches": (
        "order_id", "source_id", "occurred_at", "landingPage", "referrerUrl", "referralCode", "source", "sourceType",
        "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
    ),
}  # fmt: skip
_MOMENTS = ("placed_at", "updated_at", "cancelled_at", "refunded_at", "occurred_at")


def _schema(names: Iterable[str]) -> dict[str, Any]:
    kinds = {name: th.DateTimeType if name in _MOMENTS else _TYPES.get(name, th.StringType) for name in names}
    schema: dict[str, Any] = th.PropertiesList(*(th.Property(name, kind) for name, kind in kinds.items())).to_dict()
    return schema


class Rows(RESTStream):  # type: ignore[misc]  # the SDK lives in another environment
    """A table. Whichever stream the SDK asks first reads the pages and holds what belongs to the others."""

    path = ""
    replication_key = None

    @property
    def primary_keys(self) -> list[str]:
        """What tells a row apart."""
        return KEYS[self.name]

    @property
    def url_base(self) -> str:
        """Where the shop is."""
        address: str = self.config["source"]
        return address

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:
        """All pages, past the wall of 25,000 rows by beginning anew at the newest time; or what they held."""
        held: dict[str, list[dict[str, Any]]] = self._tap.held
        if held:
            yield from held.pop(self.name)
            return
        held |= {name: [] for name in COLUMNS if name != self.name}
        after, since, seen, more = None, self.config["since"], 0, True
        while more:
            found = self._page(after, since)
            page, info = found["nodes"], found["pageInfo"]
            rows = rows_of(page)
            for name, others in held.items():
                others.extend(rows[name])
            yield from rows[self.name]
            seen, after, more = seen + len(page), info["endCursor"], info["hasNextPage"]
            if seen >= WALL:
                after, since, seen = None, page[-1]["updatedAt"], 0

    def _page(self, after: str | None, since: str) -> dict[str, Any]:
        variables = {"first": 10, "after": after, "query": f"updated_at:>='{since}'"}
        reply = self.requests_session.post(
            self.config["source"] + self.config["path"],
            json={"query": self.config["query"], "variables": variables},
            headers={"Host": self.config["shop"]},
            timeout=60,
        )
        reply.raise_for_status()
        orders: dict[str, Any] = reply.json()["data"]["orders"]
        return orders


class Shop(Tap):  # type: ignore[misc]  # the SDK lives in another environment
    """The shop."""

    name = "tap-shop"
    config_jsonschema = th.PropertiesList(
        *(th.Property(name, th.StringType, required=True) for name in ("source", "path", "query", "shop", "since"))
    ).to_dict()

    def discover_streams(self) -> list[Any]:
        """One a table."""
        self.held: dict[str, list[dict[str, Any]]] = {}
        return [Rows(self, name=name, schema=_schema(columns)) for name, columns in COLUMNS.items()]


if __name__ == "__main__":
    Shop.cli()
