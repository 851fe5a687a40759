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
from tests.bench.lean import KEYS, WALL, rows_of
from tests.bench.measure import TABLES, Report, read_task


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
        if self._seen >= WALL:
            request.json["variables"] |= {"after": None, "query": f"updated_at:>='{self._newest}'"}
            self._seen = 0


def make_source(task: dict[str, Any]) -> Any:
    """One resource for all four tables, so that every page is fetched once."""
    client = RESTClient(base_url=task["source"], headers={"Host": task["shop"]}, data_selector="data.orders.nodes")

    @dlt.resource(name="shop")  # type: ignore[untyped-decorator]  # dlt lives in another environment
    def pages() -> Iterator[Any]:
        variables = {"first": 10, "after": None, "query": f"updated_at:>='{task['since']}'"}
        body = {"query": task["query"], "variables": variables}
        for page in client.paginate(task["path"], method="POST", json=body, paginator=PastTheWall("orders")):
            for table, items in rows_of(page).items():
                yield dlt.mark.with_hints(
                    items,
                    dlt.mark.make_hints(table_name=table, primary_key=KEYS[table], write_disposition="merge"),
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
        destination = dlt.destinations.postgres(_credentials(task["owner_dsn"]))
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
