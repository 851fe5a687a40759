"""Xiaohongshu's connectors keep the promises of every connector."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from shelftide_sdk.connector import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.world.model import Brand, Channel, Network, Order, WorldView
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.emulator_ark_facts import ASKED_BEFORE, SETTLED_AFTER, staff_sales
from shelftide_xiaohongshu.emulator_mapi_facts import NETWORK, ORDERED_BEFORE, PLACEMENTS, paid_notes
from shelftide_xiaohongshu.juguang import XiaohongshuJuguang
from shelftide_xiaohongshu.mapping_juguang import OUTSIDE
from shelftide_xiaohongshu.pugongying import XiaohongshuPugongying
from shelftide_xiaohongshu.values import midnight, shanghai_day

SINCE = days(14)
OVERLAP = timedelta(hours=1)


def _reply(message: str, code: int = -1, *, success: bool = False) -> str:
    return json.dumps({"success": success, "error_code": code, "error_msg": message, "data": None})


ERRORS = (
    _reply("accessToken 已过期"),
    _reply("签名错误"),
    _reply("请求过于频繁，已触发限流"),
    _reply("系统异常，请稍后重试"),
    _reply("该应用没有此接口的权限"),
    _reply("商家信息获取失败", -1010001),
    _reply("从未见过的错误", -987654),
    _reply("", 0, success=True),
    json.dumps({"success": True, "code": 5, "msg": "bad", "data": {}}),
)


def _brand(world: WorldView, connector: str) -> Brand:
    return next(brand for brand in world.brands if brand.accounts.get(connector))


class TestArk(ConnectorConformance):
    connector = XiaohongshuArk
    since = SINCE
    loopback = True
    error_replies = ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = _brand(world, "xiaohongshu-ark")
        now, first = world.now, world.now - SINCE
        sold = list(world.orders(brand.key, Channel.XIAOHONGSHU))
        refunds = [refund for order in sold for refund in order.refunds if refund.at <= now]
        places = {place.key for place in brand.places if Channel.XIAOHONGSHU in place.channels}
        counts = {
            "orders": sum(o.placed_at >= first or o.updated_at(now) >= now - OVERLAP for o in sold),
            "refunds": sum(r.at - ASKED_BEFORE >= first or r.at >= now - OVERLAP for r in refunds),
            "products": len(brand.products),
            "stock": sum(state.place_key in places for state in world.stock(brand.key)),
            "locations": len(places),
            **self._daily(world, brand, sold),
        }
        return counts[stream]

    def _daily(self, world: WorldView, brand: Brand, sold: list[Order]) -> dict[str, int]:
        """What belongs to finished Shanghai days."""
        first = midnight(shanghai_day(world.now - SINCE))
        today = midnight(shanghai_day(world.now))
        settled = [o.completed_at + SETTLED_AFTER for o in sold if o.completed_at]
        settled += [refund.at + SETTLED_AFTER for o in sold for refund in o.refunds]
        notes = world.videos(brand.key, Network.XIAOHONGSHU)
        placed = [order for order in sold if first <= order.placed_at < today]
        return {
            "payouts": sum(first <= at < today for at in settled),
            "fees": sum(first <= o.shipped_at < today for o in sold if o.shipped_at),
            "staff_sales": sum(len(list(staff_sales(order, brand, notes, ""))) for order in placed),
        }


class TestJuguang(ConnectorConformance):
    connector = XiaohongshuJuguang
    since = days(4)  # an hourly report takes a call a day
    loopback = True
    error_replies = ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = _brand(world, NETWORK)
        ads = {entity.key: entity for entity in world.ads(brand.key, NETWORK)}
        first, today = shanghai_day(world.now - self.since), shanghai_day(world.now)
        shown = [figures for figures in world.ad_days(brand.key, NETWORK) if first <= figures.day <= today]
        groups = {(ads[figures.ad_key].parent_key, figures.day) for figures in shown}
        campaigns = {(ads[group].parent_key, day) for group, day in groups}
        levels = Counter(entity.level for entity in ads.values())
        counts = {
            "campaigns": levels["campaign"],
            "ad_groups": levels["ad_group"],
            "ads": levels["ad"],
            "ad_days": (len(shown) + len(groups) + len(campaigns)) * (1 + len(OUTSIDE)),
            "ad_breakdown_days": sum(day < today for _, day in campaigns) * (len(PLACEMENTS) + 24),
        }
        return counts[stream]


class TestPugongying(ConnectorConformance):
    connector = XiaohongshuPugongying
    since = SINCE
    loopback = True
    error_replies = ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = _brand(world, "xiaohongshu-pugongying")
        paid = paid_notes(world.videos(brand.key, Network.XIAOHONGSHU), world.creators(brand.key))
        first, today = shanghai_day(world.now - SINCE), midnight(shanghai_day(world.now))
        ordered = [p for p in paid if shanghai_day(p.note.posted_at - ORDERED_BEFORE) >= first]
        ordered = [p for p in ordered if p.note.posted_at - ORDERED_BEFORE < today]
        public = [p for p in paid if shanghai_day(p.note.posted_at) >= first and p.note.public_at < today]
        counts = {
            "creators": len({p.creator.key for p in ordered}),
            "notes": len(public),
            "deals": len(ordered),
        }
        return counts[stream]


@pytest.mark.worlds
class TestArkInAnotherWorld(TestArk):
    seed = 11


@pytest.mark.worlds
class TestArkInAThirdWorld(TestArk):
    seed = 23


@pytest.mark.worlds
class TestJuguangInAnotherWorld(TestJuguang):
    seed = 11


@pytest.mark.worlds
class TestPugongyingInAnotherWorld(TestPugongying):
    seed = 11
