"""What was compared over HTTP: rows of streams, and an export that somebody drops in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role
from shelftide.jobs.services import Services
from shelftide.store.repositories.connections import save_stream
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.warehouse import Batch, Stamp
from shelftide_sdk import Money
from shelftide_sdk.records import ChannelKind, Order, OrderStatus
from tests.conftest import make_connection

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    who: Caller
    tenant_id: UUID

    async def board(self) -> Any:
        return (await self.who.request("GET", f"/api/v1/tenants/{self.tenant_id}/reconciliations")).json()

    async def drop(self, text: str, path: str) -> Any:
        return await self.who.http.post(
            path.format(self.tenant_id),
            files={"file": ("shop export.csv", text.encode(), "text/csv")},
            headers={"x-csrf-token": self.who.csrf},
        )


@pytest.fixture
async def desk(app: Litestar, services: Services, agencies: tuple[Agency, Agency]) -> AsyncIterator[Desk]:
    house = agencies[0].house
    connection_id = await make_connection(services.database, house.on(), "shop", platform="shopify")
    async with UnitOfWork(services.database, house.on()) as uow:
        for name, told in (
            ("orders", {"promised": 12, "came": 10, "stored": 9, "repeated": 0, "rejected": 1}),
            ("stock", {"came": 5, "stored": 3, "repeated": 1}),
            ("videos", None),
        ):
            await save_stream(uow, connection_id, name, {"coverage": told, "synced_at": datetime.now(UTC)})
        await uow.commit()
    orders = [
        Order(
            source_id=f"o{n}", placed_at=START + timedelta(days=n), zone="UTC", status=OrderStatus.OPEN,
            channel_kind=ChannelKind.STORE, total=Money(Decimal(10 * (n + 1)), "EUR"),
        )
        for n in range(3)
    ]  # fmt: skip
    stamp = Stamp(
        tenant_id=house.tenant_ids[0], connection_id=connection_id, platform="shopify", fetched_at=START,
        observed_at=START, pseudonym=lambda _: None,
    )  # fmt: skip
    await services.warehouses.of(house.tenant_ids[0]).write(Batch(stamp=stamp, records=orders))
    who = Caller(app)
    assert (await who.sign_in(agencies[0].people[Role.ACCOUNT_MANAGER])).status_code == 201
    yield Desk(who=who, tenant_id=house.tenant_ids[0])
    await who.http.aclose()


EXPORT = "date,revenue,currency\n2026-05-01,10.00,EUR\n2026-05-02,25.00,EUR\n2026-05-03,30.00,EUR\n"


async def test_rows_that_did_not_come_and_rows_that_got_lost_are_told(desk: Desk) -> None:
    found = {each["stream"]: each for each in (await desk.board())["streams"]}
    assert {name: (each["missing"], each["lost"]) for name, each in found.items()} == {
        "orders": (2, 0), "stock": (None, 1), "videos": (None, 0)
    }  # fmt: skip
    assert found["videos"]["coverage"] is None
    page = await desk.who.request("GET", f"/console/brands/{desk.tenant_id}/reconcile")
    assert page.status_code == 200
    assert "2 rows did not come" in page.text
    assert "1 row lost" in page.text


async def test_an_export_is_compared_kept_and_not_imported(desk: Desk) -> None:
    reply = await desk.drop(EXPORT, "/api/v1/tenants/{}/reconciliations?kind=revenue")
    assert reply.status_code == 200, reply.text
    (money,) = [each for each in reply.json()["comparisons"] if each["metric"] == "revenue"]
    assert (Decimal(money["claimed"]), Decimal(money["ours"])) == (Decimal("65.00"), Decimal(60))
    (day,) = money["differences"]
    assert (day["day"], Decimal(day["difference"]), day["causes"]) == ("2026-05-02", Decimal(5), ["unknown"])
    board = await desk.board()
    assert [each["file"] for each in board["exports"]] == ["shop export.csv"]
    again = await desk.drop(EXPORT, "/api/v1/tenants/{}/reconciliations?kind=revenue")
    assert Decimal(again.json()["comparisons"][0]["ours"]) == 60, "nothing of the file came in"
    page = await desk.who.request("GET", f"/console/brands/{desk.tenant_id}/reconcile")
    assert "1 day is an open question" in page.text


async def test_what_is_no_table_is_told_in_its_place(desk: Desk) -> None:
    assert (await desk.drop("\x00\x01", "/api/v1/tenants/{}/reconciliations")).status_code == 400
    page = await desk.drop("a,b\n1,2\n", "/console/brands/{}/reconcile")
    assert page.status_code == 200
    assert 'role="alert"' in page.text
