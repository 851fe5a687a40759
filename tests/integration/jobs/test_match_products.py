"""From the warehouse to the queue, on both engines, and a person's word back into it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from shelftide.core.errors import NotFoundError
from shelftide.core.vault import Vault
from shelftide.jobs.job import JobContext
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.match_products import match_products
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.products import add_alias, list_items, list_links
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouses
from shelftide.web.products import ItemDecision, LinkDecision, read_queue, say_item, say_link
from shelftide_sdk.records import (
    Content,
    ContentKind,
    ContentSnapshot,
    LinkKind,
    Listing,
    Product,
    ProductLink,
    Record,
    Variant,
)
from tests.conftest import House, MakeHouse, make_connection

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Desk:
    """A brand with a shop and a marketplace."""

    def __init__(self, database: Database, house: House, warehouses: Warehouses, shop: UUID, market: UUID) -> None:
        self.database = database
        self.house = house
        self.warehouses = warehouses
        self.shop = shop
        self.market = market
        self.services = cast(
            Services,
            SimpleNamespace(
                database=database, warehouses=warehouses, clock=SimpleNamespace(now=lambda: NOW), refresh_clock=_nothing
            ),
        )

    async def write(self, connection_id: UUID, platform: str, records: list[Record]) -> None:
        stamp = Stamp(
            tenant_id=self.house.tenant_ids[0], connection_id=connection_id, platform=platform, fetched_at=NOW,
            observed_at=NOW, pseudonym=lambda _customer: None,
        )  # fmt: skip
        await self.warehouses.of(self.house.tenant_ids[0]).write(Batch(stamp=stamp, records=records))

    async def match(self) -> dict[str, Any]:
        context = SimpleNamespace(
            services=self.services,
            unit_of_work=lambda: UnitOfWork(self.database, self.house.on()),
            guard=_nothing,
            finish=_nothing,
        )
        found = await match_products.work(cast(JobContext, context), tenant_id=str(self.house.tenant_ids[0]))
        assert found is not None
        return dict(found)

    async def items(self) -> dict[str, tuple[str, str | None, int]]:
        async with UnitOfWork(self.database, self.house.on()) as uow:
            found = await list_items(uow)
        return {self.short(i.item): (i.state, self.short(i.anchor) if i.anchor else None, i.quantity) for i in found}

    async def links(self) -> dict[tuple[str, str], tuple[str, bool]]:
        async with UnitOfWork(self.database, self.house.on()) as uow:
            found = await list_links(uow)
        return {(x.content_id, self.short(x.product_id)): (x.kind, x.applied) for x in found}

    def short(self, key: str) -> str:
        return key.replace(str(self.shop), "shop").replace(str(self.market), "market")


async def _nothing(*_: Any) -> None:
    pass


@pytest.fixture(params=["ducklake", "postgres"])
async def desk(
    request: pytest.FixtureRequest,
    installation: Dsns,
    database: Database,
    vault: Vault,
    make_house: MakeHouse,
    tmp_path: Path,
) -> AsyncIterator[Desk]:
    house = await make_house(1)
    ids = sorted([await make_connection(database, house.on(), account=name) for name in ("shop", "market")])
    warehouses = make_warehouses(
        request.param,
        app_dsn=installation.app,
        lakes_dsn=installation.lakes,
        folder=tmp_path,
        secrets=VaultLakeSecrets(database, vault),
    )
    found = Desk(database, house, warehouses, *ids)
    await found.write(found.shop, "shopify", _shop())
    await found.write(found.market, "amazon", _market())
    yield found
    await warehouses.close()


def video(name: str, caption: str, at: datetime = NOW) -> Content:
    return Content(
        source_id=name, profile_id="me", kind=ContentKind.VIDEO, published_at=at, zone="UTC", caption=caption
    )


def _shop() -> list[Record]:
    return [
        Product(source_id="p1", title="Cica Patch", status="active"),
        Product(source_id="p2", title="Night Serum 30 ml", status="active"),
        Variant(source_id="v1", product_id="p1", title="24 pcs", sku="CICA-24", barcode="4006381333931"),
        Variant(source_id="v2", product_id="p2", title="", sku="NS-30"),
        video("c1", "露贴 day"),
        video("c2", "wow"),
        video("c3", "old", NOW - timedelta(days=400)),
        video("c4", "tagged"),
        ProductLink(content_id="c4", product_id="p2", kind=LinkKind.TAG, confidence=1.0),
        *(
            ContentSnapshot(content_id=name, captured_at=NOW - timedelta(hours=age), zone="UTC", views=views)
            for name, age, views in (("c1", 5, 10), ("c2", 30, 900_000), ("c2", 2, 2_100_000), ("c3", 2, 5_000_000))
        ),
    ]  # fmt: skip


def _market() -> list[Record]:
    return [
        Product(source_id="b1", title="CICA patch for face", status="active"),
        Variant(source_id="m1", product_id="b1", title="", sku="AMZ-1", barcode="4006381333931"),
        Listing(source_id="l1", marketplace="US", title="Two patches", status="active", sku="CICA-24x2"),
        Listing(source_id="l2", marketplace="US", title="Night Serum, 30 ml", status="active", sku="AMZ-2"),
    ]


async def test_rules_match_and_the_rest_waits_for_a_person(desk: Desk) -> None:
    report = await desk.match()
    assert await desk.items() == {
        "shop:v1": ("anchor", None, 1),
        "shop:v2": ("anchor", None, 1),
        "market:m1": ("matched", "shop:v1", 1),
        "market:l1": ("matched", "shop:v1", 2),
        "market:l2": ("suggested", "shop:v2", 1),
    }
    assert await desk.links() == {("c4", "shop:p2"): ("tag", True)}
    queue = await read_queue(desk.services, desk.house.on())
    assert [desk.short(item.item) for item in queue.items] == ["market:l2"]
    assert [(piece.content_id, piece.views) for piece in queue.unlinked] == [("c2", 2_100_000)]
    assert report["matched"] == 2


async def test_a_word_is_kept_over_the_next_matching(desk: Desk) -> None:
    await desk.match()
    scope = desk.house.on()
    await say_item(desk.services, scope, ItemDecision(item=f"{desk.market}:l2", anchor=f"{desk.shop}:v2"))
    await say_item(desk.services, scope, ItemDecision(item=f"{desk.market}:m1"))
    await say_link(desk.services, scope, LinkDecision(content_id="c2", product_id=f"{desk.shop}:p1", yes=True))
    async with UnitOfWork(desk.database, scope) as uow:
        await add_alias(uow, "product", f"{desk.shop}:p1", "露貼")
        await uow.commit()
    await desk.match()
    items = await desk.items()
    assert items["market:l2"] == ("matched", "shop:v2", 1)
    assert items["market:m1"] == ("anchor", None, 1)
    links = await desk.links()
    assert links["c2", "shop:p1"] == ("person", True)
    assert (await read_queue(desk.services, scope)).unlinked == []


async def test_a_word_on_what_is_not_the_brands_is_refused(desk: Desk) -> None:
    await desk.match()
    scope = desk.house.on()
    for said in (ItemDecision(item="x:y"), ItemDecision(item=f"{desk.shop}:v1", anchor="x:y")):
        with pytest.raises(NotFoundError):
            await say_item(desk.services, scope, said)
    with pytest.raises(NotFoundError):
        await say_link(desk.services, scope, LinkDecision(content_id="c99", product_id="p", yes=True))
