"""What Amazon Ads shows of the world's ads: entities of three products, and rows of reports."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shelftide_amazon.emulator_goods_facts import asin_of
from shelftide_amazon.mapping_ad_reports import AdReport
from shelftide_sdk.records import AdLevel
from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Brand, WorldView, stable_id

Row = dict[str, Any]
NETWORK = "amazon-ads"
RIPE = timedelta(days=14)
_LEVELS = {"campaigns": "campaign", "adGroups": "ad_group", "productAds": "ad", "ads": "ad"}


def entity_id(key: str) -> str:
    """The number of a campaign, ad group or ad."""
    return str(stable_id("amazon-ad-entity", key, 15))


def profile_row(brand: Brand, marketplace_id: str) -> Row:
    """A profile. Its number is one of 16 digits."""
    return {
        "profileId": int(brand.accounts[NETWORK]),
        "countryCode": brand.market,
        "currencyCode": brand.currency,
        "timezone": brand.zone,
        "accountInfo": {
            "marketplaceStringId": marketplace_id,
            "id": brand.accounts["amazon-sp"],
            "type": "seller",
            "name": brand.name,
        },
    }


def product_of(campaign_key: str) -> str:
    """Whose campaign it is: a brand's first one sponsors products, the others brands or displays."""
    if campaign_key.endswith("-1"):
        return "sp"
    return "sb" if stable_id("ad-product", campaign_key, 3) % 2 else "sd"


def _campaign_of(entity: AdEntity, parents: dict[str, str]) -> str:
    key = entity.key
    while parents.get(key):
        key = parents[key]
    return key


def status_of(entity: AdEntity) -> str:
    """ENABLED; once ended PAUSED or ARCHIVED."""
    if entity.status == "active":
        return "ENABLED"
    return "ARCHIVED" if stable_id("archived", entity.key) % 2 else "PAUSED"


def entity_rows(world: WorldView, brand: Brand, product: str, level: str, drifted: bool = False) -> list[Row]:
    """The entities of a product's level."""
    found = list(world.ads(brand.key, NETWORK))
    parents = {entity.key: entity.parent_key for entity in found}
    chosen = [e for e in found if e.level == _LEVELS[level] and product_of(_campaign_of(e, parents)) == product]
    rows = [_entity(brand, entity, parents, product) for entity in chosen]
    if drifted and rows:
        rows[0]["state"] = "ON_HOLIDAY"
    return rows


def _entity(brand: Brand, entity: AdEntity, parents: dict[str, str], product: str) -> Row:
    status = status_of(entity)
    created = int(entity.created_at.timestamp() * 1000)
    row: Row = {"state": status.lower() if product == "sd" else status}
    if product != "sd":
        row["extendedData"] = {"creationDate": created, "lastUpdateDate": created, "servingStatus": "DELIVERING"}
    if entity.level == "campaign":
        row |= {"campaignId": entity_id(entity.key), "name": entity.name} | _budget(brand, entity, product)
    elif entity.level == "ad_group":
        row |= {"adGroupId": entity_id(entity.key), "campaignId": entity_id(entity.parent_key), "name": entity.name}
        row |= {} if product == "sb" else {"defaultBid": 0.75}
    else:
        campaign = parents[entity.parent_key]
        row |= {
            "adId": entity_id(entity.key),
            "adGroupId": entity_id(entity.parent_key),
            "campaignId": entity_id(campaign),
        }
        sku = brand.skus[stable_id("ad-sku", entity.key, 6) % len(brand.skus)]
        row |= {"name": entity.name} if product == "sb" else {"asin": asin_of(sku), "sku": sku.code}
    if product == "sd":  # numbers there
        row |= {key: int(row[key]) for key in ("campaignId", "adGroupId", "adId") if key in row}
    return row


def _budget(brand: Brand, entity: AdEntity, product: str) -> Row:
    amount = float(entity.daily_budget)
    start = entity.created_at.astimezone(ZoneInfo(brand.zone)).date()
    if product == "sp":
        budget = {"budget": {"budget": amount, "budgetType": "DAILY"}, "targetingType": "AUTO"}
        return budget | {"startDate": start.isoformat()}
    if product == "sb":
        return {"budget": amount, "budgetType": "DAILY", "startDate": start.isoformat()}
    return {"budget": amount, "budgetType": "daily", "startDate": start.strftime("%Y%m%d"), "tactic": "T00030"}


def purchases_of(conversions: int) -> dict[str, int]:
    """Purchases by window: seven days hold what the platform claims by default."""
    return {
        "1d": conversions * 6 // 10,
        "7d": conversions,
        "14d": conversions + conversions // 8,
        "30d": conversions + conversions // 6,
    }


def report_rows(world: WorldView, brand: Brand, product: str, days: tuple[date, date], restated: bool) -> list[Row]:
    """Rows of a daily report at the level of ads. `restated`: of the last fortnight half is still to come."""
    found = list(world.ads(brand.key, NETWORK))
    parents = {entity.key: entity.parent_key for entity in found}
    today = world.now.astimezone(ZoneInfo(brand.zone)).date()
    rows = []
    for figures in world.ad_days(brand.key, NETWORK):
        campaign = parents[parents[figures.ad_key]]
        if product_of(campaign) != product or not days[0] <= figures.day <= days[1]:
            continue
        conversions = figures.conversions // 2 if restated and figures.day > today - RIPE else figures.conversions
        rows.append(_figures(brand, figures, parents, product, conversions))
    return rows


def _figures(brand: Brand, figures: AdFigures, parents: dict[str, str], product: str, conversions: int) -> Row:
    group = parents[figures.ad_key]
    row: Row = {
        "date": figures.day.isoformat(),
        "campaignId": int(entity_id(parents[group])),
        "adGroupId": int(entity_id(group)),
        "adId": int(entity_id(figures.ad_key)),
        "impressions": figures.impressions,
        "clicks": figures.clicks,
        "cost": float(figures.spend),
        "campaignBudgetCurrencyCode": brand.currency,
        "videoCompleteViews": figures.video_views,
    }
    each = figures.revenue / figures.conversions if figures.conversions else Decimal(0)
    if product != "sp":
        return row | {"purchases": conversions, "sales": float(round(each * conversions, 2))}
    for window, count in purchases_of(conversions).items():
        row |= {f"purchases{window}": count, f"sales{window}": float(round(each * count, 2))}
    return row


def rolled_up(rows: list[Row], report: AdReport) -> list[Row]:
    """Rows of ads as those of a report on another level, or cut by the target that each ad has here."""
    if report.level is AdLevel.AD:
        return rows
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        ids = {name: row[name] for name in report.columns if name in ("campaignId", "adGroupId")}
        ids |= {name: f"{name} {row['adGroupId']}" for name in (*report.bucket, *report.also)}
        ids |= {name: row["adGroupId"] for name in ids if name in ("keywordId", "targetingId")}
        bought = {column: row.get("purchases7d", row.get("purchases")) for column, _ in report.windows.values()}
        ids |= {name: row[name] for name in ("date", "campaignBudgetCurrencyCode")}
        key = tuple(ids.values())
        other = found.get(key)
        sums = bought | {name: value for name, value in row.items() if name not in ids and name != "adId"}
        if other is None:
            found[key] = sums | ids
        else:
            other |= {name: other[name] + value for name, value in sums.items()}
    return list(found.values())
