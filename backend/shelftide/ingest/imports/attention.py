"""Kinds of files about attention: content, competitors, creators, links from content to products, and spend."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from shelftide.ingest.imports.kind import (
    CURRENCY,
    DAY_NAMES,
    SKU_NAMES,
    Kind,
    Setting,
    Values,
    day,
    moment,
    money,
    number,
    rate,
    text,
    whole,
)
from shelftide_sdk import DataError
from shelftide_sdk.records import (
    AdDay,
    AdLevel,
    Content,
    ContentKind,
    ContentSnapshot,
    Creator,
    Deal,
    LinkKind,
    OffPlatformSpend,
    ProductLink,
    Profile,
    ProfileDay,
    ProfileKind,
    Record,
    Sample,
    SourceKind,
)

_FORMS = {
    **{kind.value: kind for kind in ContentKind},
    "视频": ContentKind.VIDEO,
    "图文": ContentKind.NOTE,
    "photo": ContentKind.IMAGE,
    "直播": ContentKind.LIVE,
}
_AD_FIGURES: tuple[Any, ...] = (
    "spend",
    "impressions",
    "clicks",
    "reach",
    "video_views",
    "likes",
    "comments",
    "shares",
    "follows",
    "conversions",
    "revenue",
)
_LINKS = {kind.value: kind for kind in LinkKind}


def _content(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    published = row["published_at"]
    own = row["content_id"] or row["url"]
    if not own:
        if not (row["title"] and published):
            raise DataError("the line names no content: neither content_id nor url nor title with published_at")
        # Exports without ids: a title and the minute of its publication name a piece well enough.
        known = f"{row['title']}|{published.astimezone(UTC):%Y-%m-%dT%H:%M}"
        own = f"title:{hashlib.sha256(known.encode()).hexdigest()[:20]}"
    captured = row["captured_at"] or setting.as_of
    if captured is None:
        raise DataError("captured_at is empty")
    if published:
        yield Content(
            source_id=own,
            profile_id=row["profile"] or setting.defaults.get("profile", "own"),
            kind=_FORMS.get((row["kind"] or "").casefold(), ContentKind.OTHER),
            published_at=published,
            zone=setting.zone,
            caption=row["title"],
            url=row["url"],
            source_kind=SourceKind.FILE,
        )
    figures = ("views", "reach", "likes", "comments", "shares", "saves", "new_followers", "profile_views")
    average = row["average_watch_seconds"]
    yield ContentSnapshot(
        content_id=own,
        captured_at=captured,
        zone=setting.zone,
        average_watch_seconds=None if average is None else float(average),
        source_kind=SourceKind.FILE,
        **{name: row[name] for name in figures},
    )


def _competitor(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    on = row["day"] or (setting.as_of.date() if setting.as_of else None)
    if on is None:
        raise DataError("day is empty")
    handle = row["handle"].removeprefix("@")
    own = ":".join(filter(None, [row["platform"], handle]))
    yield Profile(
        source_id=own,
        kind=ProfileKind.COMPETITOR,
        handle=handle,
        name=row["name"],
        url=row["url"],
        zone=setting.zone,
        followers=row["followers"],
        following=row["following"],
        likes=row["likes"],
        contents=row["contents"],
        source_kind=SourceKind.FILE,
        updated_at=datetime.combine(on, time(), ZoneInfo(setting.zone)),
    )
    yield ProfileDay(profile_id=own, day=on, zone=setting.zone, followers=row["followers"], source_kind=SourceKind.FILE)


def _link(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    sure = row["confidence"]
    kind = _LINKS.get((row["kind"] or "person").casefold())
    if kind is None:
        raise DataError(f"kind is {row['kind']!r}; use one of {', '.join(_LINKS)}")
    if sure is not None and sure < 0:
        raise DataError("confidence is negative")
    yield ProductLink(
        content_id=row["content_id"],
        product_id=row["product_id"],
        kind=kind,
        confidence=1.0 if sure is None else float(sure),
        linked_at=row["linked_at"],
    )


def _deal(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    creator = row["creator"].removeprefix("@")
    agreed = row["agreed_at"]
    named = "|".join([creator, agreed.date().isoformat() if agreed else "", row["content_id"] or ""])
    yield Creator(source_id=creator, handle=row["handle"] or creator, followers=row["followers"])
    yield Deal(
        source_id=row["deal_id"] or f"deal:{hashlib.sha256(named.encode()).hexdigest()[:20]}",
        creator_id=creator,
        kind=row["kind"] or "other",
        status=row["status"] or "agreed",
        agreed_at=agreed,
        content_id=row["content_id"],
        promo_code=row["promo_code"],
        fee=row["fee"],
        commission_rate=row["commission_rate"],
    )


def _sample(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    creator = row["creator"].removeprefix("@")
    named = f"{creator}|{row['sku']}|{row['sent_on']}"
    yield Sample(
        source_id=row["sample_id"] or f"sample:{hashlib.sha256(named.encode()).hexdigest()[:20]}",
        creator_id=creator,
        sku=row["sku"],
        sent_on=row["sent_on"],
        zone=setting.zone,
        quantity=row["quantity"],
        status=row["status"],
        cost=row["cost"],
        content_id=row["content_id"],
    )


def _spend(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    yield OffPlatformSpend(
        medium=row["medium"],
        name=row["name"] or row["medium"],
        day=row["day"],
        zone=setting.zone,
        spend=row["spend"],
        note=row["note"],
    )


def _ad_day(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    levels = (("ad_id", AdLevel.AD), ("ad_group_id", AdLevel.AD_GROUP), ("campaign_id", AdLevel.CAMPAIGN))
    named = [(row[name], level) for name, level in levels if row[name]]
    plain = row["campaign_name"]
    entity, level = named[0] if named else (plain, AdLevel.CAMPAIGN)
    if not entity:
        raise DataError("the line names neither ad_id, ad_group_id, campaign_id nor campaign_name")
    yield AdDay(
        level=level,
        entity_id=entity,
        day=row["day"],
        window="default",
        zone=setting.zone,
        account_id=row["account"] or setting.defaults.get("account", "file"),
        campaign_id=row["campaign_id"] or plain,
        ad_group_id=row["ad_group_id"],
        **{name: row[name] for name in _AD_FIGURES},
    )


CONTENT = Kind(
    name="content-metrics",
    title="Content metrics",
    columns=(
        text("content_id", "post_id", "video_id", "note_id", "笔记id", "作品id"),
        text("title", "caption", "post", "video_title", "description", "笔记标题", "作品名称"),
        text("url", "link", "permalink", "video_link", "笔记链接"),
        moment("published_at", "post_time", "publish_time", "published", "首次发布时间", "发布时间"),
        moment("captured_at", "as_of", "day", *DAY_NAMES),
        text("kind", "post_type", "体裁"),
        text("profile", "account", "account_username", "账号"),
        whole("views", "video_views", "plays", "total_views", "观看量", "播放量", "阅读量", required=True),
        whole("reach", "曝光", "曝光量"),
        whole("likes", "total_likes", "点赞", "点赞量"),
        whole("comments", "total_comments", "评论", "评论量"),
        whole("shares", "total_shares", "分享", "分享量"),
        whole("saves", "bookmarks", "收藏", "收藏量"),
        whole("new_followers", "follows", "涨粉", "涨粉量"),
        whole("profile_views"),
        number("average_watch_seconds", "average_watch_time", "人均观看时长"),
    ),
    make=_content,
    undated=True,
)
COMPETITORS = Kind(
    name="competitor-snapshots",
    title="Competitor snapshots",
    columns=(
        text("handle", "account", "username", "competitor", "profile", "账号", required=True),
        day("day", *DAY_NAMES),
        text("platform", "network", "平台"),
        text("name", "brand", "昵称"),
        text("url", "link"),
        whole("followers", "fans", "粉丝数", "粉丝", required=True),
        whole("following", "关注数"),
        whole("likes", "total_likes", "获赞数"),
        whole("contents", "posts", "videos", "笔记数", "作品数"),
    ),
    make=_competitor,
    undated=True,
)
LINKS = Kind(
    name="product-links",
    title="Product links",
    columns=(
        text("content_id", "post_id", "video_id", "note_id", "content", "笔记id", required=True),
        text("product_id", "product", *SKU_NAMES, "sku", "商品id", required=True),
        text("kind", "link_kind"),
        rate("confidence", "sure"),
        moment("linked_at", *DAY_NAMES),
    ),
    make=_link,
)
DEALS = Kind(
    name="creator-deals",
    title="Creator deals",
    columns=(
        text("creator", "creator_id", "influencer", "kol", "达人", "博主", required=True),
        text("handle", "username", "账号"),
        text("deal_id", "contract", "id", "合同号"),
        text("kind", "type", "合作类型"),
        text("status", "状态"),
        moment("agreed_at", *DAY_NAMES, "agreed"),
        text("content_id", "post_id", "video_id", "note_id", "笔记id"),
        text("promo_code", "code", "discount_code"),
        money("fee", "price", "amount", "报价", "合作费用"),
        CURRENCY,
        rate("commission_rate", "commission", "佣金率", "佣金比例"),
        whole("followers", "粉丝数"),
    ),
    make=_deal,
)
SAMPLES = Kind(
    name="samples",
    title="Samples",
    columns=(
        text("creator", "creator_id", "influencer", "kol", "达人", "博主", required=True),
        text("sku", *SKU_NAMES, required=True),
        day("sent_on", "shipped", "sent", "ship_date", "寄出日期", *DAY_NAMES, required=True),
        whole("quantity", "qty", "units", "数量"),
        text("sample_id", "id"),
        text("status", "状态"),
        money("cost", "value", "费用"),
        CURRENCY,
        text("content_id", "post_id", "video_id"),
    ),
    make=_sample,
)
SPEND = Kind(
    name="ad-spend",
    title="Off-platform spend",
    columns=(
        day("day", *DAY_NAMES, required=True),
        text("medium", "channel", "media", "media_type", "mezzo", "媒体", "渠道", required=True),
        text("name", "campaign", "activity", "campaign_name", "campagna", "活动", "title"),
        money("spend", "cost", "amount", "spesa", "kosten", "花费", "消耗", "费用", required=True),
        CURRENCY,
        text("note", "notes", "comment", "备注"),
    ),
    make=_spend,
)
ADS = Kind(
    name="ad-days",
    title="Platform ad reports",
    columns=(
        day("day", *DAY_NAMES, "reporting_starts", "stat_time_day", required=True),
        text("account", "account_id", "advertiser_id"),
        text("campaign_id", "计划id"),
        text("campaign_name", "campaign", "计划名称"),
        text("ad_group_id", "adgroup_id", "ad_set_id", "单元id"),
        text("ad_id", "创意id"),
        money("spend", "cost", "amount_spent", "total_cost", "消费", "花费", "消耗", required=True),
        CURRENCY,
        whole("impressions", "展现量", "展示量", "曝光量"),
        whole("clicks", "clicks_destination", "clicks_all", "点击量"),
        whole("reach"),
        whole("video_views", "2_second_video_views"),
        whole("likes", "paid_likes"),
        whole("comments", "paid_comments"),
        whole("shares", "paid_shares"),
        whole("follows", "paid_followers", "paid_follows"),
        number("conversions", "results", "conversion", "7_day_total_orders"),
        money("revenue", "purchase_value", "total_purchase_value", "complete_payment_value", "gmv"),
    ),
    make=_ad_day,
)
KINDS = (CONTENT, COMPETITORS, LINKS, DEALS, SAMPLES, SPEND, ADS)
