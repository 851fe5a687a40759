"""What is on its way, what codes take off, what a shop advertises, and what it deleted: rows in, records out.

Sources: Admin API, InventoryTransfer, InventoryShipment, DiscountNode, MarketingActivity, BasicEvent.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from shelftide_sdk.connector import Delete
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import BudgetMode, Campaign, InboundShipment, Order, Product, PromoCode, Record, Variant
from shelftide_shopify.mapping import Row, nodes, whole
from shelftide_shopify.shop import Shop, maybe_moment, maybe_number, moment, number

_BUDGETS = {"DAILY": BudgetMode.DAILY, "LIFETIME": BudgetMode.TOTAL}
# Levels below a campaign: what they spend is part of their campaign's.
_PARTS = frozenset({"AD_GROUP", "AD"})
# Types of deleted subjects and the records that they were. Of an order the lines, refunds and touches stay.
DELETED: Mapping[str, type[Record]] = {"PRODUCT": Product, "PRODUCT_VARIANT": Variant, "ORDER": Order}


def map_transfer(row: Row) -> list[Record]:
    """A transfer's pieces: those of each shipment, and those that no shipment holds yet under the transfer's own id."""
    shipped = [line for shipment in nodes(row["shipments"]) for line in _shipment_lines(shipment, row)]
    return [*shipped, *(line for line in _waiting(row) if line.quantity > 0)]


def settled_lines(rows: Sequence[Row]) -> list[Delete]:
    """The rows under transfers' own ids whose pieces are all in shipments now. What cannot be read tells nothing."""
    found: list[InboundShipment] = []
    for row in rows:
        with suppress(DataError, KeyError, TypeError, ValueError, AttributeError):
            found += (line for line in _waiting(row) if line.quantity <= 0)
    return [Delete(InboundShipment, {"source_id": line.source_id, "sku": line.sku}) for line in found]


def _shipment_lines(shipment: Row, transfer: Row) -> list[InboundShipment]:
    """Lines of one shipment. Two lines of one item are one row. `received` holds accepted and rejected pieces."""
    counts: dict[str, tuple[int, int]] = {}
    for line in nodes(shipment["lineItems"]):
        sku = item_sku(line)
        sent, came = counts.get(sku, (0, 0))
        quantity = whole(line["quantity"])
        counts[sku] = (sent + quantity, came + quantity - whole(line["unreceivedQuantity"]))
    return [
        InboundShipment(
            source_id=number(shipment["id"]),
            sku=sku,
            quantity=sent,
            status=_word(shipment),
            location_id=_destination(transfer),
            received=came,
            ordered_at=maybe_moment(transfer["dateCreated"]),
            expected_at=maybe_moment((shipment["tracking"] or {}).get("arrivesAt")),
            received_at=maybe_moment(shipment["dateReceived"]),
        )
        for sku, (sent, came) in counts.items()
    ]


def _waiting(row: Row) -> list[InboundShipment]:
    """What a transfer promises beyond its shipments, by item; 0 where they hold it all."""
    promised: dict[str, int] = {}
    for line in nodes(row["lineItems"]):
        sku = item_sku(line)
        promised[sku] = promised.get(sku, 0) + whole(line["totalQuantity"])
    for shipment in nodes(row["shipments"]):
        for line in nodes(shipment["lineItems"]):
            sku = item_sku(line)
            promised[sku] = promised.get(sku, 0) - whole(line["quantity"])
    return [
        InboundShipment(
            source_id=f"transfer-{number(row['id'])}",
            sku=sku,
            quantity=left,
            status=_word(row),
            location_id=_destination(row),
            received=0,
            ordered_at=maybe_moment(row["dateCreated"]),
        )
        for sku, left in promised.items()
    ]


def item_sku(line: Row) -> str:
    """The merchant's code of a line's item, or `item-<number>` where it is empty.

    Raises DataError for a deleted item and for a code that the reply does not tell.
    """
    item = line["inventoryItem"]
    if item is None:
        raise DataError("the item of a transfer's line no longer exists")
    sku = item["sku"]
    if not isinstance(sku, str):
        raise DataError(f"item {item.get('id')} of a transfer has no SKU: {sku!r}")
    return sku or f"item-{number(item['id'])}"


def _destination(transfer: Row) -> str | None:
    place = (transfer["destination"] or {}).get("location") or {}
    return maybe_number(place.get("id"))


def _word(row: Row) -> str:
    status = row["status"]
    if not isinstance(status, str) or not status:
        raise DataError("the status is missing")
    return status.lower()


def map_discount(row: Row) -> list[Record]:
    """The codes of a discount, each with its own count; none of an automatic discount."""
    discount = row["discount"]
    if "codes" not in discount:
        if not str(discount.get("__typename")).startswith("DiscountAutomatic"):
            raise DataError(f"a kind of discount that is not known: {discount.get('__typename')!r}")
        return []
    value, rate = discount_value((discount.get("customerGets") or {}).get("value"))
    return [
        PromoCode(
            source_id=number(code["id"]),
            code=_code(code),
            title=discount["title"],
            value=value,
            value_rate=rate,
            starts_at=maybe_moment(discount["startsAt"]),
            ends_at=maybe_moment(discount["endsAt"]),
            usage_count=None if code["asyncUsageCount"] is None else whole(code["asyncUsageCount"]),
            updated_at=moment(discount["updatedAt"]),
        )
        for code in nodes(discount["codes"])
    ]


def _code(row: Row) -> str:
    code = row["code"]
    if not isinstance(code, str) or not code.strip():
        raise DataError("a code without its text")
    return code


def discount_value(value: Row | None) -> tuple[Money | None, Decimal | None]:
    """(amount, rate) that a discount takes off; both None for free goods, free shipping and what an app decides."""
    if value is None:
        return None, None
    if value.get("amount") is not None:
        return Money.parse(value["amount"]["amount"], value["amount"]["currencyCode"]), None
    rate = value.get("percentage")
    if rate is None:
        return None, None
    found = Decimal(str(rate))
    if isinstance(rate, bool) or not 0 <= found <= 1:
        raise DataError(f"a percentage that is no fraction of 1: {rate!r}")
    return None, found


def is_campaign(row: Any) -> bool:
    """Whether an activity is a campaign of its own; what has another form goes on, to be rejected with its reason."""
    return not (isinstance(row, dict) and row.get("hierarchyLevel") in _PARTS)


def map_activity(row: Row, shop: Shop) -> Campaign:
    """A marketing activity as a campaign of the shop. `spend` is what it has cost so far."""
    event, utm, budget = row["marketingEvent"] or {}, row["utmParameters"] or {}, row["budget"]
    return Campaign(
        source_id=number(row["id"]),
        account_id=shop.source_id,
        name=row["title"],
        status=_word(row),
        objective=row["tactic"],
        budget=None if budget is None else _money(budget["total"]),
        budget_mode=None if budget is None else _BUDGETS.get(budget["budgetType"]),
        starts_at=maybe_moment(event.get("startedAt")),
        ends_at=maybe_moment(event.get("endedAt") or event.get("scheduledToEndAt")),
        updated_at=moment(row["updatedAt"]),
        spend=_money(row["adSpend"]),
        utm_source=utm.get("source"),
        utm_medium=utm.get("medium"),
        utm_campaign=utm.get("campaign"),
    )


def _money(value: Row | None) -> Money | None:
    return None if value is None else Money.parse(value["amount"], value["currencyCode"])


def map_deletion(row: Row) -> Delete | None:
    """A `destroy` event as a deletion; None for other events and for subjects that are not kept."""
    record = DELETED.get(str(row.get("subjectType")))
    if record is None or row["action"] != "destroy":
        return None
    return Delete(record, {"source_id": number(row["subjectId"])})
