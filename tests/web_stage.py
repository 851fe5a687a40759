"""A small installation for tests of the pages: two agencies, their brands and people, sixty days of figures."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shelftide.core.scope import Role, Scope
from shelftide.core.settings import Settings
from shelftide.jobs.services import Services
from shelftide.jobs.wiring import open_services
from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.store.ids import new_id
from shelftide.store.migrate import migrate
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.repositories.alerts import Trouble, raise_alerts
from shelftide.store.repositories.connections import add_connection, save_rejects, save_stream, set_health
from shelftide.store.repositories.people import Person, add_domain, add_person
from shelftide.store.repositories.rollup import replace_days, replace_stock
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.warehouse import Batch, Stamp
from shelftide.web.auth.sessions import hash_password
from shelftide_sdk import Money
from shelftide_sdk.records import OrderLine

PASSWORD = "correct horse battery"
DAYS = 60


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are."""

    home: str
    north: UUID
    ponte: UUID
    luxi: UUID
    quiet: UUID
    corrente: UUID
    luxi_connection: UUID
    quiet_connection: UUID
    north_host: str
    ponte_host: str


@contextmanager
def postgres() -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A server of its own in a short temporary folder."""
    home = Path(mkdtemp(prefix="st-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(place_for(home, home))
    try:
        yield server, home
    finally:
        server.stop()
        rmtree(home, ignore_errors=True)


async def prepare(server: EmbeddedPostgres, home: Path) -> tuple[Dsns, Stage]:
    """Start, migrate, fill."""
    dsns = await server.start()
    await migrate(dsns)
    services = await open_services(Settings(data_dir=str(home), engine="postgres"), dsns=dsns)
    try:
        return dsns, await _fill(services, home)
    finally:
        await services.close()


async def _fill(services: Services, home: Path) -> Stage:
    token = home.name.removeprefix("st-").replace("_", "x").lower()
    north_host, ponte_host = f"north-{token}.localhost", f"ponte-{token}.localhost"
    north, luxi_client, other_client = await _agency(services, "North Pier", "#0f4c81", "en", north_host)
    ponte, corrente_client, _ = await _agency(services, "Ponte Lungo", "#ffd54f", "it", ponte_host)
    luxi = await _brand(services, north, luxi_client, "luxi", "Luxi 露晞", "#2a9d8f", "America/New_York", "USD")
    quiet = await _brand(services, north, other_client, "quiet", "Quiet Wool", "#6d597a", "Europe/Rome", "EUR")
    corrente = await _brand(services, ponte, corrente_client, "corrente", "Corrente", "#1d3557", "Europe/Rome", "EUR")
    luxi_connection = await _connection(services, north, luxi, "luxi-shop")
    quiet_connection = await _connection(services, north, quiet, "quiet-shop")
    corrente_connection = await _connection(services, ponte, corrente, "corrente-shop")
    await _figures(services, north, luxi, luxi_connection, "USD")
    await _orders(services, luxi, luxi_connection)
    await _figures(services, ponte, corrente, corrente_connection, "EUR")
    await _trouble(services, north, quiet, quiet_connection)
    await _people(services, north, "north", [luxi, quiet], luxi_client, [luxi], "zh_Hans")
    await _people(services, ponte, "ponte", [corrente], corrente_client, [corrente], "it")
    return Stage(
        home=str(home), north=north, ponte=ponte, luxi=luxi, quiet=quiet, corrente=corrente,
        luxi_connection=luxi_connection, quiet_connection=quiet_connection, north_host=north_host,
        ponte_host=ponte_host,
    )  # fmt: skip


async def _agency(services: Services, name: str, colour: str, locale: str, host: str) -> tuple[UUID, UUID, UUID]:
    agency_id = new_id()
    async with UnitOfWork(services.database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
        await add_agency(uow, name=name, colour=colour, locale=locale)
        await add_domain(uow, host)
        clients = (await add_client(uow, f"{name} first client"), await add_client(uow, f"{name} second client"))
        await uow.commit()
    return agency_id, *clients


async def _brand(
    services: Services, agency: UUID, client: UUID, slug: str, name: str, colour: str, zone: str, currency: str
) -> UUID:
    tenant_id = new_id()
    async with UnitOfWork(services.database, _scope(agency, tenant_id)) as uow:
        values = {
            "client_id": client, "slug": slug, "name": name, "aliases": [slug.upper()], "currency": currency,
            "zone": zone, "market": zone[:2].upper(), "locale": "en", "colour": colour, "niche": "things",
        }  # fmt: skip
        await add_tenant(uow, services.vault, values)
        await uow.commit()
    return tenant_id


def _scope(agency: UUID, tenant: UUID) -> Scope:
    return Scope(agency_id=agency, tenant_ids=(tenant,), tenant_id=tenant)


async def _connection(services: Services, agency: UUID, tenant: UUID, name: str) -> UUID:
    now = datetime.now(UTC)
    async with UnitOfWork(services.database, _scope(agency, tenant)) as uow:
        connection_id = await add_connection(
            uow,
            {
                "connector": "shopify", "platform": "shopify", "account_id": f"{name}.myshopify.com",
                "account_name": name, "zone": "UTC", "currency": "USD",
                "settings": {"shop": f"{name}.myshopify.com"},
            },
        )  # fmt: skip
        for stream in ("orders", "products", "stock", "locations"):
            values = {"synced_at": now - timedelta(minutes=5), "promise_seconds": 86400, "rows_seen": 10}
            await save_stream(uow, connection_id, stream, {**values, "rows_written": 10})
        late = Trouble(
            kind="stream.late", subject=f"{connection_id}:orders", title=f"{name}: orders is older than promised",
            text="Promised every 1 h, last read never.", evidence={},
        )  # fmt: skip
        await raise_alerts(uow, [late.kind], [late])
        await uow.commit()
    return connection_id


async def _figures(services: Services, agency: UUID, tenant: UUID, connection: UUID, currency: str) -> None:
    today = datetime.now(UTC).date()
    dates = [today - timedelta(days=i) for i in range(DAYS)]
    rows = []
    for i, day in enumerate(dates):
        orders = 12 + round(5 * math.sin(i / 3))
        for metric, value, money in (
            ("orders", Decimal(orders), ""), ("units", Decimal(2 * orders), ""),
            ("revenue", Decimal(orders) * Decimal("24.50"), currency), ("views", Decimal(900 + 20 * i), ""),
            ("followers", Decimal(5000 - i), ""),
        ):  # fmt: skip
            rows.append({"metric": metric, "day": day, "currency": money, "value": value, "rows": 1})
    skus = [
        {"day": day, "sku": sku, "currency": currency, "units": units, "revenue": Decimal("24.50") * units, "orders": 3}
        for day in dates
        for sku, units in (("PATCH-24", 8), ("SERUM-30", 3))
    ]
    shelf = [
        {"stock_item_id": sku, "location_id": "1", "sku": sku, "title": title, "location_name": "Main", "available": n,
         "incoming": 0, "observed_at": datetime.now(UTC)}
        for sku, title, n in (("PATCH-24", "Cica Patch, 24 pcs", 30), ("SERUM-30", "Dew Serum, 30 ml", 400))
    ]  # fmt: skip
    days = {"OrderLine": dates, "Order": dates, "ProfileDay": dates}
    async with UnitOfWork(services.database, _scope(agency, tenant)) as uow:
        await replace_days(uow, connection, days, rows, skus, platform="shopify")
        await replace_stock(uow, connection, shelf)
        await uow.commit()


async def _orders(services: Services, tenant: UUID, connection: UUID) -> None:
    """An order at each noon of the brand's days in the warehouse; a line of two days ago was restated today."""
    now = datetime.now(UTC)
    noon = now.astimezone(ZoneInfo("America/New_York")).replace(hour=12, minute=0)

    def line(back: int, amount: str) -> OrderLine:
        return OrderLine(
            order_id=f"o{back}", source_id="1", placed_at=(noon - timedelta(days=back)).astimezone(UTC), zone="UTC",
            quantity=2, total=Money(Decimal(amount), "USD"), sku="PATCH-24",
        )  # fmt: skip

    told = [line(back, "24.50") for back in range(1, 41)]
    for at, lines in ((now - timedelta(hours=30), told), (now, [line(2, "20.00")])):
        stamp = Stamp(
            tenant_id=tenant, connection_id=connection, platform="shopify", fetched_at=at, observed_at=at,
            pseudonym=lambda _: None,
        )  # fmt: skip
        await services.warehouses.of(tenant).write(Batch(stamp=stamp, records=lines))


async def _trouble(services: Services, agency: UUID, tenant: UUID, connection: UUID) -> None:
    async with UnitOfWork(services.database, _scope(agency, tenant)) as uow:
        await set_health(uow, connection, state="reconnect", reason="The token was revoked.", step="Connect again.")
        reject = {
            "fingerprint": "f1", "connection_id": connection, "stream": "orders", "record": "Order",
            "reason": "total has no currency", "raw": '{"id": "<script>alert(1)</script>"}',
        }  # fmt: skip
        await save_rejects(uow, [reject])
        await uow.commit()


async def _people(
    services: Services, agency: UUID, key: str, tenants: Sequence[UUID], client: UUID, own: Sequence[UUID], locale: str
) -> None:
    password = hash_password(PASSWORD)
    listed = (
        ("owner", Role.OWNER, None, tuple(tenants), "en"),
        ("analyst", Role.ANALYST, None, tuple(tenants), "en"),
        ("client", Role.CLIENT, client, tuple(own), locale),
    )
    async with UnitOfWork(services.database, Scope(agency_id=agency, tenant_ids=())) as uow:
        for name, role, client_id, tenant_ids, spoken in listed:
            person = Person(
                agency_id=agency, user_id=new_id(), email=f"{name}@{key}.example", name=f"{name} of {key}",
                locale=spoken, password_hash=password,
            )  # fmt: skip
            await add_person(uow, person, role=role, client_id=client_id, tenant_ids=tenant_ids)
        await uow.commit()
