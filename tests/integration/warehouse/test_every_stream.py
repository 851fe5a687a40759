"""Every stream of every connector arrives in both engines as it was read: rows, sums and checksums."""

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Numeric, func, select
from tests.connectors.test_scenarios import WITHOUT, suite_of

from shelftide.warehouse.fields import Kind, columns_of, fields_of
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse, Warehouses
from shelftide_sdk import Page
from shelftide_sdk.connector import Connector
from shelftide_sdk.installed import Installed
from shelftide_sdk.pseudonyms import pseudonym
from shelftide_sdk.records import Record, RecordType, record_type
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.bench import Key

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SHOP = UUID("00000000-0000-4000-8000-000000000001")
OURS = {"shelftide_shopify", "shelftide_tiktok", "shelftide_meta", "shelftide_amazon", "shelftide_xiaohongshu"}
_AT_ONCE = 40
HABITS = ("throttle", "expire", "duplicate", "shuffle")
_NUMBERS = {Kind.MONEY, Kind.INTEGER, Kind.DECIMAL}


async def read(connector: type[Connector], habits: tuple[str, ...]) -> tuple[list[Page], dict[Key, Record]]:
    """All pages of all streams over a platform with these habits, and the rows that they come to."""
    with pytest.MonkeyPatch.context() as patch:
        suite = suite_of(connector, patch)
        pages: list[Page] = []
        state: dict[Key, Record] = {}
        async with Bench(suite.wiring(), habits) as bench:
            for stream in connector.streams:
                reading = await bench.read(stream)
                assert reading.error is None, f"{stream.name}: {reading.error}"
                state = reading.state(state)
                pages += reading.pages
    return pages, state


async def store(warehouse: Warehouse, tenant_id: UUID, pages: list[Page]) -> None:
    """Write the pages as a sync does: some at once, records before deletes."""
    stamp = Stamp(
        tenant_id=tenant_id,
        connection_id=SHOP,
        platform="platform",
        fetched_at=NOW,
        observed_at=NOW,
        pseudonym=pseudonym(b"0" * 32),
    )
    for first in range(0, len(pages), _AT_ONCE):
        some = pages[first : first + _AT_ONCE]
        records = [record for page in some for record in page.records]
        deletes = [delete for page in some for delete in page.deletes]
        if records or deletes:
            change = await warehouse.write(Batch(stamp=stamp, records=records, deletes=deletes))
            assert not change.rejects


def by_type(state: dict[Key, Record]) -> dict[RecordType, list[Record]]:
    found = defaultdict(list)
    for record in state.values():
        found[record_type(record)].append(record)
    return found


def sums(kind: RecordType, records: list[Record]) -> dict[str, Decimal]:
    """The sum of each column of numbers."""
    found = {}
    for field in fields_of(kind):
        if field.kind in _NUMBERS:
            values = [getattr(record, field.name) for record in records]
            plain = [Decimal(getattr(value, "amount", value)) for value in values if value is not None]
            found[columns_of(field)[0]] = sum(plain, Decimal(0))
    return found


async def stored_sums(warehouse: Warehouse, kind: RecordType, names: list[str]) -> dict[str, Decimal]:
    if not names:
        return {}
    rows = known(table_of(kind))
    chosen = [func.coalesce(func.sum(rows.c[name].cast(Numeric(38, 6))), 0).label(name) for name in names]
    answer = await warehouse.query(select(*chosen))
    return {name: Decimal(answer.column(name)[0].as_py()) for name in names}


def test_every_connector_is_here() -> None:
    """Those of the workspace at least; plugins of outsiders bring their own proofs."""
    ours = {name for name, found in Installed().connectors.items() if found.__module__.split(".")[0] in OURS}
    assert {connector.info.name for connector in WITHOUT} >= ours


@pytest.mark.parametrize("connector", WITHOUT, ids=lambda connector: connector.info.name)
async def test_what_is_read_is_what_both_engines_hold(
    connector: type[Connector], lakes: Warehouses, postgres: Warehouses
) -> None:
    _, truth = await read(connector, ())
    pages, _ = await read(connector, HABITS)
    assert truth, "the platform has nothing to read"
    prints: list[dict[str, str]] = []
    tenant_id = uuid4()
    for engine in (lakes, postgres):
        warehouse = engine.of(tenant_id)
        await store(warehouse, tenant_id, pages)
        kinds = by_type(truth)
        counts = await warehouse.counts()
        assert {name: count for name, count in counts.items() if count} == {
            kind.table: len(records) for kind, records in kinds.items()
        }
        for kind, records in kinds.items():
            expected = sums(kind, records)
            assert await stored_sums(warehouse, kind, list(expected)) == expected, kind.name
        prints.append({kind.name: await warehouse.fingerprint(table_of(kind)) for kind in kinds})
    assert prints[0] == prints[1]
