"""Xiaohongshu end to end: what is in the world arrives, once, with its money and days."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.xiaohongshu.bench import a_world, bench_of, brand_of

from shelftide_sdk.records import (
    AdDay,
    AdLevel,
    ContentSnapshot,
    Creator,
    Deal,
    Order,
    OrderLine,
    Payout,
    Product,
    Record,
    Refund,
    StockLevel,
)
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.abroad import exchanged
from shelftide_sdk.testing.world.model import Channel, Network
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.emulator_mapi_facts import NETWORK
from shelftide_xiaohongshu.juguang import XiaohongshuJuguang
from shelftide_xiaohongshu.pugongying import XiaohongshuPugongying
from shelftide_xiaohongshu.values import shanghai_day


def of(reading: Reading, kind: type[Record]) -> list[Any]:
    assert reading.error is None
    assert reading.rejects == []
    return [record for record in reading.state().values() if type(record) is kind]


@pytest.mark.parametrize("seed", [7, 11])
async def test_sales_equal_the_truth_to_the_fen_per_shanghai_day_and_sku(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_world(seed)
    brand = brand_of(world, XiaohongshuArk)
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        reading = await bench.read(XiaohongshuArk.streams[0])
    found: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, Decimal(0), 0])
    for line in of(reading, OrderLine):
        row = found[shanghai_day(line.placed_at), line.sku, line.total.currency]
        row[0] += 1
        row[1] += line.quantity
        row[2] += line.total.amount
        row[3] += line.quantity if line.cancelled else 0
    wanted = {
        (row.day, row.sku_code, row.currency): [row.orders, row.units, row.revenue, row.cancelled_units]
        for row in world.truth().daily(brand.key)
        if row.channel == Channel.XIAOHONGSHU and row.orders
    }
    assert wanted
    assert dict(found) == wanted
    for order in of(reading, Order):
        rest = order.shipping.amount + order.tax.amount - order.platform_discount.amount
        assert order.total.amount == order.subtotal.amount + rest


async def test_refunds_stock_and_payouts_equal_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    world.advance(timedelta(days=45))  # refunds take their time
    brand = brand_of(world, XiaohongshuArk)
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        readings = {stream.name: await bench.read(stream) for stream in XiaohongshuArk.streams}
    totals = [row for row in world.truth().totals(brand.key) if row.channel == Channel.XIAOHONGSHU]
    refunds = of(readings["refunds"], Refund)
    assert len(refunds) == sum(row.refunds for row in totals) >= 1
    assert sum(refund.amount.amount for refund in refunds) == sum(row.refunded for row in totals)
    places = {place.key for place in brand.places if Channel.XIAOHONGSHU in place.channels}
    codes = {sku.key: sku.code for sku in brand.skus}
    shelf = {codes[s.sku_key]: (s.available, s.committed) for s in world.stock(brand.key) if s.place_key in places}
    assert {s.sku: (s.available, s.committed) for s in of(readings["stock"], StockLevel)} == shelf
    for payout in of(readings["payouts"], Payout):
        assert payout.amount.currency == "CNY"
        assert (payout.amount.amount < 0) == (payout.fees.amount < 0 or payout.revenue.amount < 0)


async def test_products_carry_their_names_in_both_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    brand = brand_of(world, XiaohongshuArk)
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        products = of(await bench.read(XiaohongshuArk.streams[2]), Product)
    named = {product.title: product.aliases for product in products}
    patch = next(product for product in brand.products if product.title == "Cica Patch")
    assert named["积雪草贴"] == ("Cica Patch", "Centella Patch")
    assert {patch.title, *patch.aliases} == {"积雪草贴", *named["积雪草贴"]}


async def test_an_order_that_changes_later_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    orders = XiaohongshuArk.streams[0]
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        first = await bench.read(orders)
        world.advance(timedelta(days=2))
        bench.clock.advance(timedelta(days=2))
        second = await bench.read(orders, first.cursor)
    assert first.error is None
    assert second.error is None
    brand = brand_of(world, XiaohongshuArk)
    state = second.state(first.state())
    found = {r.source_id: r.updated_at for r in state.values() if isinstance(r, Order) and r.updated_at}
    assert len(found) == len(world.orders(brand.key, Channel.XIAOHONGSHU))
    changed = [o.updated_at(world.now) for o in world.orders(brand.key, Channel.XIAOHONGSHU)]
    assert sorted(found.values()) == sorted(changed)
    windows = [x for x in second.exchanges if b"getOrderList" in x.asked]
    assert len(windows) == 2 * (48 + 1)  # two days and the overlap, half an hour each


async def test_spend_of_ads_equals_the_world_and_levels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    brand = brand_of(world, XiaohongshuJuguang)
    stream = next(stream for stream in XiaohongshuJuguang.streams if stream.name == "ad_days")
    async with bench_of(XiaohongshuJuguang, world, monkeypatch) as bench:
        found = of(await bench.read(stream), AdDay)
    own = [row for row in found if row.window == "default"]
    shown = world.ad_days(brand.key, NETWORK)
    spend = sum(exchanged(row.spend, brand.currency) for row in shown)
    for level in (AdLevel.CAMPAIGN, AdLevel.AD_GROUP, AdLevel.AD):
        rows = [row for row in own if row.level is level]
        assert sum(row.spend.amount for row in rows) == spend
        assert sum(row.impressions for row in rows) == sum(row.impressions for row in shown)
        assert sum(row.conversions for row in rows) == sum(row.conversions for row in shown)


async def test_late_orders_of_ads_ripen_to_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    stream = next(stream for stream in XiaohongshuJuguang.streams if stream.name == "ad_days")
    async with bench_of(XiaohongshuJuguang, world, monkeypatch, ["restate"]) as bench:
        early = await bench.read(stream)
        bench.emulator.scenarios.clear()
        late = await bench.read(stream, early.cursor)
        calm = await bench.read(stream)
    assert early.state() != calm.state()
    assert late.state(early.state()) == calm.state()


async def test_three_days_of_notes_are_kept_and_each_is_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    brand = brand_of(world, XiaohongshuPugongying)
    creators, notes, deals = XiaohongshuPugongying.streams
    async with bench_of(XiaohongshuPugongying, world, monkeypatch) as bench:
        reading, agreed, people = await bench.read(notes), await bench.read(deals), await bench.read(creators)
    shots = of(reading, ContentSnapshot)
    days = {shot.captured_at for shot in shots}
    assert len(days) == 3
    assert all(shanghai_day(day) - shanghai_day(day - timedelta(seconds=1)) == timedelta(days=1) for day in days)
    videos = {video.public_id: video for video in world.videos(brand.key, Network.XIAOHONGSHU)}
    for shot in shots:
        totals = videos[shot.content_id].totals(shot.captured_at)
        assert (shot.views, shot.likes, shot.saves) == (totals.views, totals.likes, totals.saves)
    known = {creator.source_id for creator in of(people, Creator)}
    assert known == {deal.creator_id for deal in of(agreed, Deal)}
    assert all(deal.fee.amount > 0 for deal in of(agreed, Deal))


async def test_chinese_text_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    world: World = a_world()
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        lines = of(await bench.read(XiaohongshuArk.streams[0]), OrderLine)
    assert "积雪草贴" in {line.title for line in lines}
