"""A platform's export against a brand's facts, from file to result, on both engines; findings of a zone's change."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

from shelftide.analytics.breaks import find_breaks
from shelftide.analytics.reconciliation.causes import Cause
from shelftide.core.errors import InvalidInputError
from shelftide.core.vault import Vault
from shelftide.ingest.files import Options
from shelftide.jobs.import_file import Order as FileOrder
from shelftide.jobs.job import JobContext
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.reconcile import ExportReport, reconcile, reconcile_for_tenant
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.ids import new_id
from shelftide.store.repositories.reconciliations import list_reconciliations
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.warehouse import Batch, Stamp
from shelftide_sdk import Money
from shelftide_sdk.records import AdDay, AdLevel, ChannelKind, Order, OrderStatus, Payout, Record, Refund
from tests.conftest import House, MakeHouse

ROME = "Europe/Rome"
FIRST = date(2026, 3, 20)
DAYS = [FIRST + timedelta(days=n) for n in range(12)]
EARLY = datetime(2026, 4, 5, tzinfo=UTC)


def euros(amount: Decimal | int) -> Money:
    return Money(Decimal(amount), "EUR")


def make_orders() -> list[Order]:
    random = Random(3)
    return [
        Order(
            source_id=f"o{number}",
            placed_at=datetime(2026, 3, 18, tzinfo=UTC) + timedelta(seconds=random.randrange(16 * 86_400)),
            zone=ROME,
            status=OrderStatus.OPEN,
            channel_kind=ChannelKind.OWN_SHOP,
            total=euros(Decimal(random.randrange(1_000, 9_000)).scaleb(-2)),
            shipping=euros(Decimal("4.90")),
        )
        for number in range(150)
    ]


class Shop:
    """A brand with a shop, in one engine."""

    def __init__(self, services: Services, house: House, folder: Path) -> None:
        self.services = services
        self.house = house
        self.folder = folder
        self.connection_id = new_id()
        self.warehouse = services.warehouses.of(house.tenant_ids[0])

    async def write(self, records: list[Record], at: datetime) -> None:
        stamp = Stamp(
            tenant_id=self.house.tenant_ids[0],
            connection_id=self.connection_id,
            platform="shopify",
            fetched_at=at,
            observed_at=at,
            pseudonym=lambda _: None,
        )
        await self.warehouse.write(Batch(stamp=stamp, records=records))

    async def reconcile(self) -> dict[str, Any]:
        context = SimpleNamespace(
            services=self.services,
            unit_of_work=lambda: UnitOfWork(self.services.database, self.house.on()),
            guard=_nothing,
            finish=_nothing,
        )
        found = await reconcile.work(cast(JobContext, context), tenant_id=str(self.house.tenant_ids[0]))
        assert found is not None
        async with UnitOfWork(self.services.database, self.house.on()) as uow:
            return {saved.kind: saved.result for saved in await list_reconciliations(uow)}

    async def compare(self, said: dict[date, Decimal], *, as_of: str = "") -> ExportReport:
        path = self.folder / "export.csv"
        path.write_text("Day,Revenue,Currency\n" + "".join(f"{day},{value},EUR\n" for day, value in said.items()))
        order = FileOrder(path=path, kind="revenue", as_of=as_of, options=Options(zone=ROME))
        return await reconcile_for_tenant(self.services, order, tenant=str(self.house.tenant_ids[0]))


async def _nothing(*_: Any) -> None:
    pass


@pytest.fixture(params=["postgres", "ducklake"])
async def shop(
    request: pytest.FixtureRequest,
    installation: Dsns,
    database: Database,
    vault: Vault,
    make_house: MakeHouse,
    tmp_path: Path,
) -> AsyncIterator[Shop]:
    warehouses = make_warehouses(
        request.param,
        app_dsn=installation.app,
        lakes_dsn=installation.lakes,
        folder=tmp_path / "files",
        secrets=VaultLakeSecrets(database, vault),
    )
    clock = SimpleNamespace(now=lambda: EARLY)
    services = SimpleNamespace(database=database, warehouses=warehouses, clock=clock, refresh_clock=_nothing)
    yield Shop(cast(Services, services), await make_house(1), tmp_path)
    await warehouses.close()


def said(orders: list[Order], zone: str, *, shipping: bool = True) -> dict[date, Decimal]:
    days = dict.fromkeys(DAYS, Decimal(0))
    for order in orders:
        day = order.placed_at.astimezone(ZoneInfo(zone)).date()
        if day in days and order.shipping is not None:
            days[day] += order.total.amount - (0 if shipping else order.shipping.amount)
    return days


async def test_an_export_that_agrees_has_no_difference_and_is_kept(shop: Shop, database: Database) -> None:
    orders = make_orders()
    await shop.write([*orders], EARLY)
    report = await shop.compare(said(orders, ROME))
    (found,) = report.comparisons
    assert (found.differences, found.unknown, found.days) == ((), 0, 12)
    assert found.claimed == found.ours == sum(said(orders, ROME).values())
    assert found.fresh_at == EARLY
    async with UnitOfWork(database, shop.house.on()) as uow:
        (saved,) = await list_reconciliations(uow)
    assert (saved.kind, saved.subject) == ("export", "export.csv")


async def test_causes_planted_together_are_found_and_the_rest_is_unknown(shop: Shop) -> None:
    orders = make_orders()
    refund = Refund(
        source_id="r1",
        order_id="o1",
        refunded_at=datetime(2026, 3, 25, 12, tzinfo=UTC),
        zone=ROME,
        amount=euros(5),
    )
    await shop.write([*orders, refund], EARLY)
    claimed = said(orders, "Asia/Shanghai", shipping=False)
    claimed[DAYS[5]] -= 5
    claimed[DAYS[9]] += 77
    (found,) = (await shop.compare(claimed)).comparisons
    causes = {cause for cause, _ in found.because}
    assert causes == {Cause.SHIPPING, Cause.ZONE, Cause.REFUND}
    assert found.unknown == 1
    (open_day,) = [day for day in found.differences if Cause.UNKNOWN in day.causes]
    assert (open_day.day, open_day.unexplained) == (DAYS[9], Decimal(77))
    (refunded,) = [day for day in found.differences if Cause.REFUND in day.causes]
    assert refunded.day == DAYS[5]


async def test_what_was_restated_after_the_export_is_told_by_its_date(shop: Shop) -> None:
    orders = make_orders()
    await shop.write([*orders], EARLY)
    claimed = said(orders, ROME)
    changed = next(o for o in orders if o.placed_at.astimezone(ZoneInfo(ROME)).date() == DAYS[4])
    edited = msgspec.structs.replace(changed, total=euros(changed.total.amount + 20))
    await shop.write([edited], EARLY + timedelta(days=3))
    (found,) = (await shop.compare(claimed)).comparisons
    assert [(day.day, day.causes) for day in found.differences] == [(DAYS[4], (Cause.UNKNOWN,))]
    (found,) = (await shop.compare(claimed, as_of="2026-04-06")).comparisons
    assert [(day.day, day.causes) for day in found.differences] == [(DAYS[4], (Cause.RESTATEMENT,))]


async def test_a_file_without_figures_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidInputError, match="no line that can be compared"):
        await shop.compare({})


async def test_the_job_keeps_settlements_and_claims_of_every_platform(shop: Shop) -> None:
    orders = make_orders()
    total = sum(order.total.amount for order in orders)
    payout = Payout(
        source_id="p1",
        settled_at=datetime(2026, 4, 4, 21, tzinfo=UTC),
        zone=ROME,
        amount=euros(total - 100),
        fees=euros(60),
        status="paid",
    )
    ad = AdDay(
        level=AdLevel.AD,
        entity_id="a",
        day=DAYS[0],
        window="default",
        zone=ROME,
        account_id="x",
        revenue=euros(total),
    )
    await shop.write([*orders, payout, ad], EARLY)
    found = await shop.reconcile()
    (settled,) = found["settlement"]
    assert Decimal(settled["paid"]) == total - 100
    assert {step["cause"]: Decimal(step["amount"]) for step in settled["steps"]} == {
        "fee": 60,
        "pending": sum(o.total.amount for o in orders if _local(o) > date(2026, 4, 1)),
        "unknown": 40 - sum(o.total.amount for o in orders if _local(o) > date(2026, 4, 1)),
    }
    assert found["claim"]["over"] == [str(DAYS[0])]
    assert Decimal(found["claim"]["share"]) == 1


def _local(order: Order) -> date:
    return order.placed_at.astimezone(ZoneInfo(ROME)).date()


async def test_an_account_that_changes_its_zone_is_noticed(shop: Shop) -> None:
    orders = make_orders()
    moved = [o for o in orders if o.placed_at >= datetime(2026, 3, 28, tzinfo=UTC)]
    others = [msgspec.structs.replace(o, zone="America/New_York") for o in moved]
    await shop.write([*[o for o in orders if o not in moved], *others], EARLY)
    found = await find_breaks(shop.warehouse, shop.connection_id, {"Order", "Campaign"}, date(2026, 4, 10))
    assert [(b.flaw, b.before, b.after) for b in found if b.flaw != "hole"] == [
        ("zone_change", ROME, "America/New_York")
    ]
    assert [(b.day, b.rows) for b in found if b.flaw == "hole"] == [(date(2026, 4, 3), 5)]
