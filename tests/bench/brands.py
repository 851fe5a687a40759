"""Brands with facts, for the benchmarks of reading: two years of order lines on three channels each.

Facts lie by brand and day, the layout that suits a read over facts best.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from shelftide.analytics.rollup import roll_up
from shelftide.core.scope import Role, Scope
from shelftide.core.vault import MasterKeys, Vault
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.store.ids import new_id
from shelftide.store.migrate import migrate
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.postgres_engine import PostgresWarehouses
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse
from shelftide_sdk import Money
from shelftide_sdk.records import OrderLine, Record
from tests.conftest import House, brand_values, make_connection, make_person

FIRST, DAYS = date(2024, 11, 24), 730
LAST = FIRST + timedelta(days=DAYS - 1)
CHANNELS = ("shopify", "amazon", "tiktok")
_AT = datetime(2026, 11, 24, tzinfo=UTC)
_VAULT = Vault(MasterKeys("k1", {"k1": b"0" * 32}))
# By day, so that a day's lines of a brand lie together.
_LINES = """
insert into warehouse.order_lines (tenant_id, connection_id, platform, local_day, fetched_at, observed_at, row_hash,
    order_id, source_id, placed_at, zone, quantity, total_amount, total_currency, sku, cancelled)
select $1, ($2::uuid[])[1 + n % 3], ($3::text[])[1 + n % 3], at.day, $4, $4, n, 'o' || n, '1',
    at.day + interval '10 hours', 'UTC', 1 + n % 4, (n * 7919 % 100000) / 100.0, 'EUR', 'sku-' || n % 50, n % 37 = 0
from generate_series(0, $5::bigint - 1) n, lateral (select $6::date + (n * $7 / $5)::int as day) at
"""


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant with its channels' connections."""

    tenant_id: UUID
    connections: tuple[UUID, ...]


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """An agency and its brands on a server of their own."""

    dsns: Dsns
    database: Database
    agency_id: UUID
    client_id: UUID
    brands: tuple[Brand, ...]

    @property
    def scope(self) -> Scope:
        """All brands."""
        return Scope(agency_id=self.agency_id, tenant_ids=tuple(brand.tenant_id for brand in self.brands))

    def on(self, brand: Brand) -> Scope:
        """One brand."""
        return self.scope.narrow(brand.tenant_id)


@asynccontextmanager
async def installation(home: Path) -> AsyncIterator[Dsns]:
    """A migrated server."""
    server = EmbeddedPostgres(place_for(home, home))
    try:
        dsns = await server.start()
        await migrate(dsns)
        yield dsns
    finally:
        await asyncio.to_thread(server.stop)


async def found_town(dsns: Dsns, database: Database, brands: int) -> Town:
    """An agency with empty brands."""
    agency_id = new_id()
    async with UnitOfWork(database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
        await add_agency(uow, name="Bench", colour="#2f5d62", locale="en")
        client_id = await add_client(uow, "Client")
        await uow.commit()
    found = [await _brand(database, agency_id, client_id) for _ in range(brands)]
    return Town(dsns=dsns, database=database, agency_id=agency_id, client_id=client_id, brands=tuple(found))


async def _brand(database: Database, agency_id: UUID, client_id: UUID) -> Brand:
    tenant_id = new_id()
    scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
    async with UnitOfWork(database, scope) as uow:
        await add_tenant(uow, _VAULT, brand_values(client_id, f"bench-{tenant_id}"))
        await uow.commit()
    connections = [
        await make_connection(database, scope, account=f"{channel}.example", platform=channel) for channel in CHANNELS
    ]
    return Brand(tenant_id=tenant_id, connections=tuple(connections))


async def add_reader(town: Town, password_hash: str) -> str:
    """An analyst of all brands; the e-mail address."""
    house = House(agency_id=town.agency_id, client_id=town.client_id, tenant_ids=town.scope.tenant_ids)
    email = "reader@bench.example"
    await make_person(town.database, house, email, Role.ANALYST, house.tenant_ids, password_hash)
    return email


async def fill(town: Town, lines: int) -> None:
    """So many order lines for each brand, into Postgres, by its own role."""
    connection = await asyncpg.connect(town.dsns.app)
    try:
        for brand in town.brands:
            async with connection.transaction():
                tenant = str(brand.tenant_id)
                await connection.execute(
                    "select set_config('app.tenant', $1, true), set_config('app.tenants', $1, true)", tenant
                )
                channels = (list(brand.connections), list(CHANNELS))
                await connection.execute(_LINES, brand.tenant_id, *channels, _AT, lines, FIRST, DAYS)
    finally:
        await connection.close()
    await settle(town)


async def settle(town: Town) -> None:
    """What autovacuum does in quiet minutes. `backup` may read the roll-up, as a program without tenants would."""
    connection = await asyncpg.connect(town.dsns.owner)
    await connection.execute("grant select on metric_daily to backup")
    for table in ("metric_daily", "warehouse.order_lines"):
        await connection.execute(f"vacuum (analyze) {table}")
    await connection.close()


async def roll_up_all(town: Town) -> int:
    """Every brand's roll-up, by the product; its rows."""
    warehouses, rows = PostgresWarehouses(town.dsns.app), 0
    for brand in town.brands:
        async with UnitOfWork(town.database, town.on(brand)) as uow:
            for connection_id, channel in zip(brand.connections, CHANNELS, strict=True):
                report = await roll_up(warehouses.of(brand.tenant_id), uow, connection_id, platform=channel)
                rows += report.rows
            await uow.commit()
    await warehouses.close()
    await settle(town)
    return rows


def lines_of(count: int, *, key: str = "o", first: int = 0) -> Sequence[Record]:
    """The same lines as records."""
    start = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(hours=10)
    return [
        OrderLine(
            order_id=f"{key}{n}",
            source_id="1",
            placed_at=start + timedelta(days=n * DAYS // count),
            zone="UTC",
            quantity=1 + n % 4,
            total=Money(Decimal(n * 7919 % 100_000) / 100, "EUR"),
            sku=f"sku-{n % 50}",
            cancelled=n % 37 == 0,
        )
        for n in range(first, count)
    ]


async def write(warehouse: Warehouse, brand: Brand, records: Sequence[Record], *, at: datetime = _AT) -> None:
    """Records of a brand's first channel, in batches as a sync writes them."""
    stamp = Stamp(
        tenant_id=brand.tenant_id,
        connection_id=brand.connections[0],
        platform=CHANNELS[0],
        fetched_at=at,
        observed_at=at,
        pseudonym=lambda _: None,
    )
    for start in range(0, len(records), 50_000):
        await warehouse.write(Batch(stamp=stamp, records=records[start : start + 50_000]))
