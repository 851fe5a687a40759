"""The world's ads and paid notes as the marketing API writes them: text with commas, fen and yuan."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec

from shelftide_sdk.testing.world.abroad import exchanged
from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Brand, Creator, Video, stable_id
from shelftide_xiaohongshu.values import SHANGHAI

Row = dict[str, Any]
NETWORK = "xiaohongshu-juguang"
LEVELS = {"campaign": "campaign", "unit": "ad_group", "creativity": "ad"}
ORDERED_BEFORE = timedelta(days=5)
SLOW_MODERATION = timedelta(hours=36)
_CENT = Decimal("0.01")
_COUNTS = {
    "impression": "impressions",
    "click": "clicks",
    "like": "likes",
    "comment": "comments",
    "share": "shares",
    "follow": "follows",
    "success_goods_order": "conversions",
}
# Shares of a cut in thousandths.
PLACEMENTS = ((1, 700), (2, 260), (7, 40))
HOURS = tuple((hour, 10 + 5 * min(hour, 24 - abs(20 - hour))) for hour in range(24))
# Off-platform orders by window: so many of a hundred of the platform's own.
_OUTSIDE = {"7": 10, "15": 14, "30": 20}


class Totals(msgspec.Struct):
    """What a row of a report adds up, in yuan."""

    fee: Decimal = Decimal(0)
    revenue: Decimal = Decimal(0)
    counts: dict[str, int] = {}

    def add(self, figures: AdFigures, currency: str) -> None:
        """Add a day of an ad."""
        self.fee += exchanged(figures.spend, currency)
        self.revenue += exchanged(figures.revenue, currency)
        for name, source in _COUNTS.items():
            self.counts[name] = self.counts.get(name, 0) + getattr(figures, source)


def entity_id(entity_key: str) -> int:
    """An id of a campaign, unit or creative."""
    return stable_id("juguang-entity", entity_key, 9)


def local(at: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss` in Shanghai."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def campaign_row(entity: AdEntity, brand: Brand) -> Row:
    """A campaign."""
    return {
        "campaign_id": entity_id(entity.key),
        "campaign_name": entity.name,
        "campaign_filter_state": 1,
        "campaign_create_time": local(entity.created_at),
        "campaign_enable": int(entity.status == "active"),
        "marketing_target": 3 if entity.objective == "PRODUCT_SALES" else 4,
        "placement": 4,
        "optimize_target": 1,
        "promotion_target": 1,
        "bidding_strategy": 2,
        "limit_day_budget": 1,
        "campaign_day_budget": int(exchanged(entity.daily_budget, brand.currency) * 100),
        "start_time": f"{entity.created_at.astimezone(SHANGHAI):%Y-%m-%d}",
        "expire_time": "2099-12-31",
        "build_type": 0,
    }


def unit_row(entity: AdEntity, notes: Sequence[Video]) -> Row:
    """A unit."""
    return {
        "id": entity_id(entity.key),
        "campaign_id": entity_id(entity.parent_key),
        "name": entity.name,
        "enable": int(entity.status == "active"),
        "event_bid": 2500,
        "item_ids": [],
        "note_ids": [note.public_id for note in notes[:1]],
        "target_position": 1,
        "target_goal": 2,
        "create_time": local(entity.created_at),
        "update_time": local(entity.created_at),
        "target_config": {"target_age": "18-32", "target_city": "all", "keywords": ["护肤"]},
    }


def creative_row(entity: AdEntity, parents: Mapping[str, AdEntity], advertiser: int, notes: Sequence[Video]) -> Row:
    """A creative."""
    note = notes[stable_id("creative-note", entity.key, 6) % len(notes)] if notes else None
    return {
        "advertiser_id": advertiser,
        "campaign_id": entity_id(parents[entity.parent_key].parent_key),
        "unit_id": entity_id(entity.parent_key),
        "creative_id": entity_id(entity.key),
        "creative_name": entity.name,
        "creativity_enable": int(entity.status == "active"),
        "creativity_status": 1,
        "creativity_create_time": local(entity.created_at),
        "note_id": note.public_id if note else "",
        "title": note.caption if note else "",
        "bar_content": "立即购买",
        "jump_url": "",
    }


def by_level(
    figures: Iterable[AdFigures], ads: Mapping[str, AdEntity], level: str, currency: str
) -> dict[tuple[str, date], Totals]:
    """Totals of each entity of a level on each day; the keys are the world's."""
    found: dict[tuple[str, date], Totals] = defaultdict(lambda: Totals(counts={}))
    for row in figures:
        key = row.ad_key
        for _ in range({"ad": 0, "ad_group": 1, "campaign": 2}[level]):
            key = ads[key].parent_key
        found[key, row.day].add(row, currency)
    return dict(found)


def cut(totals: Totals, buckets: Sequence[tuple[int, int]]) -> dict[int, Totals]:
    """Totals in buckets; each figure's buckets add up to it."""
    weights = [share for _, share in buckets]
    fees = _parts(int(totals.fee * 100), weights)
    counts = {name: _parts(value, weights) for name, value in totals.counts.items()}
    return {
        bucket: Totals(
            fee=Decimal(fees[place]) / 100,
            revenue=Decimal(0),
            counts={name: parts[place] for name, parts in counts.items()},
        )
        for place, (bucket, _) in enumerate(buckets)
    }


def _parts(whole: int, weights: Sequence[int]) -> list[int]:
    total = sum(weights)
    parts = [whole * weight // total for weight in weights]
    parts[weights.index(max(weights))] += whole - sum(parts)
    return parts


def metrics(totals: Totals) -> Row:
    """Metrics as text, with thousands commas; rates with or without a sign; what is undefined is empty."""
    impressions, clicks = totals.counts["impression"], totals.counts["click"]
    orders = totals.counts["success_goods_order"]
    row: Row = {name: f"{value:,}" for name, value in totals.counts.items()}
    row |= {
        "fee": f"{totals.fee:,.2f}",
        "ctr": f"{Decimal(100 * clicks) / impressions:.2f}%" if impressions else "-",
        "acp": f"{totals.fee / clicks:.2f}" if clicks else "",
        "cpm": f"{1000 * totals.fee / impressions:.2f}" if impressions else "",
        "goods_order": f"{orders:,}",
        "purchase_order_gmv_7d": f"{totals.revenue:,.2f}",
        "purchase_order_roi_7d": f"{totals.revenue / totals.fee:.2f}" if totals.fee else "-",
    }
    for days, share in _OUTSIDE.items():
        row[f"external_goods_order_{days}"] = f"{orders * share // 100:,}"
        row[f"external_rgmv_{days}"] = f"{(totals.revenue * share / 100).quantize(_CENT, ROUND_DOWN):,.2f}"
    return row


def dimensions(entity: AdEntity, ads: Mapping[str, AdEntity], level: str) -> Row:
    """The ids and names of a row."""
    row: Row = {}
    found: AdEntity | None = entity
    while found is not None:
        name = next(wire for wire, world in LEVELS.items() if world == found.level)
        row |= {f"{name}_id": str(entity_id(found.key)), f"{name}_name": found.name}
        found = ads.get(found.parent_key)
    return row


# -- paid notes -------------------------------------------------------------------------------------------------------


class Paid(msgspec.Struct, frozen=True):
    """A note that a creator was paid for."""

    note: Video
    creator: Creator


def paid_notes(videos: Sequence[Video], creators: Sequence[Creator]) -> list[Paid]:
    """Half of a brand's notes were made by its creators for money. The world knows the notes and the creators; which
    of them belong together follows from their keys."""
    if not creators:
        return []
    return [
        Paid(note, creators[stable_id("pugongying-creator", note.key, 6) % len(creators)])
        for note in videos
        if stable_id("pugongying-paid", note.key, 6) % 2 == 0
    ]


def kol_id(creator: Creator) -> str:
    """A creator's id."""
    return f"{stable_id('red-kol', creator.key, 18):024x}"


def public_at(note: Video, *, slow: bool) -> datetime:
    """When moderation lets a note out."""
    return max(note.public_at, note.posted_at + SLOW_MODERATION) if slow else note.public_at


def price(creator: Creator) -> Decimal:
    """What a creator gets for a note, in yuan."""
    return Decimal(300 + creator.followers // 20)


def note_row(paid: Paid, end: datetime, day: str, *, out: bool, unripe: bool) -> Row:
    """A row of note data at the end of a day."""
    note, creator = paid.note, paid.creator
    row: Row = {
        "date_key": day,
        "kol_nick_name": creator.name,
        "kol_id": kol_id(creator),
        "kol_fan_num": creator.followers,
        "note_id": "",
        "order_id": str(stable_id("pugongying-order", note.key, 15)),
        "order_create_time": local(note.posted_at - ORDERED_BEFORE),
        "kol_price": f"{price(creator):.2f}",
        "total_platform_price": f"{price(creator) * Decimal('1.1'):.2f}",
    }
    if not out:
        return row
    totals = note.totals(end)
    views = totals.views * 9 // 10 if unripe else totals.views
    engaged = totals.likes + totals.comments + totals.saves + totals.shares
    return row | {
        "note_id": note.public_id,
        "note_title": f"{note.caption} {' '.join('#' + tag for tag in note.hashtags)}",
        "note_link": f"https://www.xiaohongshu.com/explore/{note.public_id}",
        "note_publish_time": local(note.posted_at),
        "imp_num": views * 3,
        "read_num": views,
        "read_uv": totals.reach,
        "engage_num": engaged,
        "engage_rate": f"{Decimal(100 * engaged) / views:.2f}" if views else "",
        "like_num": totals.likes,
        "fav_num": totals.saves,
        "cmt_num": totals.comments,
        "share_num": totals.shares,
    }


def kol_row(creator: Creator) -> Row:
    """A row of creators' data."""
    return {
        "kol_nick_name": creator.name,
        "red_id": str(stable_id("red-id", creator.key, 9)),
        "kol_fan_num": creator.followers,
        "kol_id": kol_id(creator),
        "kol_operate_state": 1,
        "kol_credit_level": 4,
        "mcn_name": "",
        "video_price": f"{price(creator) * 2:.2f}",
        "price": f"{price(creator):.2f}",
    }
