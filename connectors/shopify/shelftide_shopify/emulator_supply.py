"""Root fields beyond the first ones: transfers with their shipments, discounts with their codes, marketing activities.

The world's shipments are transfers to the shop's places; its promo codes are discounts; its campaigns on ad networks
are activities that the networks' apps report to the shop.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from shelftide_sdk.testing.world.model import AdEntity, Brand, Channel, Shipment, Sku, stable_id
from shelftide_shopify.emulator_facts import amount_text, gid, when
from shelftide_shopify.emulator_graph import Session, filtered, in_order, paged, skus_of, sortable
from shelftide_shopify.emulator_paging import Entry, inner

NETWORKS = {"tiktok-ads": "tiktok", "meta-ads": "facebook"}
RATE = 0.1


def supply_resolvers() -> dict[str, Any]:
    """Resolvers by root field."""
    return {
        "inventoryTransfers": _transfers,
        "inventoryTransfer": _transfer,
        "inventoryShipment": _shipment,
        "discountNodes": _discounts,
        "discountNode": _discount,
        "marketingActivities": _activities,
    }


def _by_id(rows: Sequence[dict[str, Any]], session: Session, root: str, args: dict[str, Any]) -> dict[str, Any]:
    """A root connection in the order of ids."""
    getters = {name: partial(_get, name) for name in ("id", "method", "status")}
    found = filtered(session, rows, args.get("query"), getters, root)
    entries = [Entry((sortable(_number(row)), _number(row)), partial(dict, row)) for row in found]
    return paged(session, root, in_order(entries), args)


def _get(name: str, row: dict[str, Any], session: Session) -> Any:
    return _number(row) if name == "id" else row.get(name)


def _number(row: Mapping[str, Any]) -> int:
    return int(row["id"].rpartition("/")[2])


# -- transfers --------------------------------------------------------------------------------------------------------


def shop_shipments(session: Session) -> list[Shipment]:
    """Shipments to the places whose stock the shop shows."""
    places = {place.key for place in session.brand.places if Channel.SHOPIFY in place.channels}
    return [s for s in session.host.world.shipments(session.brand.key) if s.place_key in places]


def _transfers(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_inventory_transfers", info)
    skus = skus_of(session.brand)
    rows = [transfer_row(s, skus[s.sku_key], session.now) for s in shop_shipments(session)]
    return _by_id(rows, session, "inventoryTransfers", args)


def _transfer(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    session: Session = info.context
    session.require("read_inventory_transfers", info)
    found = (s for s in shop_shipments(session) if gid("InventoryTransfer", s.key) == id)
    return next((transfer_row(s, skus_of(session.brand)[s.sku_key], session.now) for s in found), None)


def _shipment(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    session: Session = info.context
    session.require("read_inventory_shipments", info)
    skus = skus_of(session.brand)
    rows = (row for s in shop_shipments(session) for row in shipment_rows(s, skus[s.sku_key], session.now))
    return next((row for row in rows if row["id"] == id), None)


def shipped_at(shipment: Shipment) -> datetime:
    """When the pieces leave: after a fifth of the way. Until then only the transfer is there."""
    return shipment.ordered_at + (shipment.expected_at - shipment.ordered_at) / 5


def transfer_row(shipment: Shipment, sku: Sku, now: datetime) -> dict[str, Any]:
    """Type InventoryTransfer: one order of one variant."""
    status = "READY_TO_SHIP" if shipped_at(shipment) > now else "IN_PROGRESS"
    received = shipment.received_at <= now
    line = {
        "id": gid("InventoryTransferLineItem", shipment.key),
        "totalQuantity": shipment.quantity,
        "inventoryItem": _item(sku),
    }
    return {
        "__typename": "InventoryTransfer",
        "id": gid("InventoryTransfer", shipment.key),
        "name": f"#T{stable_id('transfer', shipment.key, 4)}",
        "status": "TRANSFERRED" if received else status,
        "dateCreated": when(shipment.ordered_at),
        "origin": None,
        "destination": {"name": shipment.place_key, "location": {"id": gid("Location", shipment.place_key)}},
        "totalQuantity": shipment.quantity,
        "receivedQuantity": shipment.quantity if received else 0,
        "lineItems": inner([line]),
        "shipments": _behind("read_inventory_shipments", inner(shipment_rows(shipment, sku, now))),
    }


def shipment_rows(shipment: Shipment, sku: Sku, now: datetime) -> list[dict[str, Any]]:
    """Type InventoryShipment: a third of the transfers travel in two parts."""
    if shipped_at(shipment) > now:
        return []
    half = shipment.quantity // 2 if stable_id("parts", shipment.key) % 3 == 0 else 0
    sizes = [size for size in (shipment.quantity - half, half) if size]
    return [_shipment_row(shipment, sku, now, part, size) for part, size in enumerate(sizes)]


def _shipment_row(shipment: Shipment, sku: Sku, now: datetime, part: int, size: int) -> dict[str, Any]:
    key, received = f"{shipment.key}/{part}", shipment.received_at <= now
    line = {
        "id": gid("InventoryShipmentLineItem", key),
        "quantity": size,
        "acceptedQuantity": size if received else 0,
        "rejectedQuantity": 0,
        "unreceivedQuantity": 0 if received else size,
        "inventoryItem": _item(sku),
    }
    return {
        "__typename": "InventoryShipment",
        "id": gid("InventoryShipment", key),
        "name": f"#S{stable_id('shipment', key, 4)}",
        "status": "RECEIVED" if received else "IN_TRANSIT",
        "dateCreated": when(shipped_at(shipment)),
        "dateShipped": when(shipped_at(shipment)),
        "dateReceived": when(shipment.received_at) if received else None,
        "tracking": {"arrivesAt": when(shipment.expected_at)},
        "lineItems": inner([line]),
    }


def _item(sku: Sku) -> Callable[..., dict[str, Any]]:
    def resolve(info: Any, **_: Any) -> dict[str, Any]:
        info.context.require("read_inventory", info)
        return {"id": gid("InventoryItem", sku.key), "sku": sku.code}

    return resolve


def _behind(scope: str, value: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(info: Any, **args: Any) -> Any:
        info.context.require(scope, info)
        return value(info, **args)

    return resolve


# -- discounts --------------------------------------------------------------------------------------------------------


def _discounts(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_discounts", info)
    return _by_id(discount_rows(session), session, "discountNodes", args)


def _discount(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    session: Session = info.context
    session.require("read_discounts", info)
    return next((row for row in discount_rows(session) if row["id"] == id), None)


def code_counts(session: Session) -> Counter[str]:
    """How often each code was used: orders of the whole shop, whatever part of them the app may see, without tests."""
    world = session.host.world
    orders = [order for channel in session.host.channels for order in world.orders(session.brand.key, channel)]
    return Counter(order.promo_code for order in orders if order.promo_code and not order.test)


def discount_rows(session: Session) -> list[dict[str, Any]]:
    """Type DiscountNode. Every second code shares the creators' discount, the others have their own; then a code
    without a rate, one for free shipping, one that an app decides, and a discount that needs no code.
    """
    counts = code_counts(session)
    shared = sorted(code for code in counts if stable_id("shared-code", code) % 2)
    own = sorted(set(counts) - set(shared))
    gets = {"value": {"__typename": "DiscountPercentage", "percentage": RATE}}
    groups = [(code, [code]) for code in own] + ([("Creators", shared)] if shared else [])
    rows = [_node(session, title, "DiscountCodeBasic", codes, counts, customerGets=gets) for title, codes in groups]
    money = {"amount": "5.0", "currencyCode": session.brand.currency}
    fixed = {"value": {"__typename": "DiscountAmount", "amount": money}}
    rows.append(_node(session, "Welcome", "DiscountCodeBasic", ["WELCOME5"], counts, customerGets=fixed))
    for title, kind, code in STANDING[1:]:
        rows.append(_node(session, title, kind, [code], counts))
    rows.append(_node(session, "Summer", "DiscountAutomaticBasic", [], counts))
    return rows


# Codes of every shop that nobody has used: (title, type, code).
STANDING = (
    ("Welcome", "DiscountCodeBasic", "WELCOME5"),
    ("Three for two", "DiscountCodeBxgy", "3FOR2"),
    ("Free shipping", "DiscountCodeFreeShipping", "FREESHIP"),
    ("Members", "DiscountCodeApp", "MEMBER"),
)


def _node(
    session: Session, title: str, kind: str, codes: Sequence[str], counts: Mapping[str, int], **more: Any
) -> dict[str, Any]:
    key = f"{session.shop}/{title}"
    since = when(session.host.world.start)
    redeem = [
        {
            "id": gid("DiscountRedeemCode", f"{session.shop}/{code}"),
            "code": code,
            "asyncUsageCount": counts.get(code, 0),
        }
        for code in codes
    ]
    discount = {"__typename": kind, "title": title, "startsAt": since, "endsAt": None, "updatedAt": since, **more}
    return {
        "id": gid("DiscountNode", key),
        "method": "code" if codes else "automatic",
        "discount": discount | ({"codes": inner(redeem)} if codes else {}),
    }


# -- marketing activities ---------------------------------------------------------------------------------------------


def _activities(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_marketing_events", info)
    return _by_id(activity_rows(session), session, "marketingActivities", args)


def activity_rows(session: Session) -> list[dict[str, Any]]:
    """Type MarketingActivity: the campaigns and ad groups of the ad networks, with what they have cost so far."""
    world, brand = session.host.world, session.brand
    rows = []
    for network, source in NETWORKS.items():
        ads = {entity.key: entity for entity in world.ads(brand.key, network)}
        spent: dict[str, Decimal] = defaultdict(Decimal)
        for figures in world.ad_days(brand.key, network):
            group = ads[figures.ad_key].parent_key
            for key in (group, ads[group].parent_key):
                spent[key] += figures.spend
        rows += [
            _activity_row(entity, brand, source, spent[entity.key]) for entity in ads.values() if entity.level != "ad"
        ]
    return rows


def _activity_row(entity: AdEntity, brand: Brand, source: str, spend: Decimal) -> dict[str, Any]:
    def money(amount: Decimal) -> dict[str, str]:
        return {"amount": amount_text(amount), "currencyCode": brand.currency}

    status = entity.status.upper()
    return {
        "__typename": "MarketingActivity",
        "id": gid("MarketingActivity", entity.key),
        "title": entity.name,
        "status": status if status in _STATUSES else "UNDEFINED",
        "tactic": "AD",
        "hierarchyLevel": "CAMPAIGN" if entity.level == "campaign" else "AD_GROUP",
        "updatedAt": when(entity.created_at),
        "budget": {"budgetType": "DAILY", "total": money(entity.daily_budget)},
        "adSpend": money(spend),
        "utmParameters": {"source": source, "medium": "paid_social", "campaign": entity.key},
        "marketingEvent": {
            "id": gid("MarketingEvent", entity.key),
            "startedAt": when(entity.created_at),
            "endedAt": None,
            "scheduledToEndAt": None,
        },
    }


_STATUSES = frozenset({"ACTIVE", "DELETED", "DRAFT", "INACTIVE", "PAUSED", "PENDING", "SCHEDULED"})
