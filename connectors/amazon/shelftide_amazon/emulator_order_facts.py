"""What Amazon shows of the world's orders: the new search, the old one, and the flat file in a local form."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_amazon.emulator_goods_facts import asin_of, stamp, title_of
from shelftide_amazon.marketplaces import Marketplace
from shelftide_sdk.testing.world.model import Brand, Channel, Line, Order, WorldView, stable_id

Row = dict[str, Any]
_FRESH = timedelta(hours=24)
_NAMES = {"US": "Amazon.com", "GB": "Amazon.co.uk", "JP": "Amazon.co.jp"}
_REASONS = {"customer": "BUYER_CANCELED", "inventory": "NO_INVENTORY", "fraud": "GENERAL_ADJUSTMENT"}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be seen: `pending` holds fresh orders back, `drifted` gives old ones a word that nobody knows."""

    pending: bool = False
    drifted: bool = False
    touched: bool = False


def order_id(order: Order) -> str:
    """`123-1234567-1234567`."""
    text = str(stable_id("amazon-order", order.key, 17))
    return f"{text[:3]}-{text[3:10]}-{text[10:]}"


def item_id(line: Line) -> str:
    """The number of an order's item."""
    return str(stable_id("amazon-item", line.key, 14))


def orders_of(world: WorldView, brand: Brand) -> list[Order]:
    """Orders of the marketplace, by their last change."""
    found = [order for order in world.orders(brand.key, Channel.AMAZON) if not order.test]
    return sorted(found, key=lambda order: (order.updated_at(world.now), order.key))


def changed(order: Order, world: WorldView, shown: Shown) -> datetime:
    """When an order changed last. An order that is touched anew is an old one that counts as changed just now."""
    if shown.touched and stable_id("touched", order.key, 3) % 4 == 0:
        return max(order.updated_at(world.now), world.now - timedelta(minutes=10))
    return order.updated_at(world.now)


def status_of(order: Order, world: WorldView, shown: Shown) -> str:
    """The state of the new search."""
    now = world.now
    if shown.pending and order.placed_at > now - _FRESH:
        return "PENDING"
    if shown.drifted and stable_id("drifted", order.key, 3) % 7 == 0:
        return "CARRIED_BY_DRONE"
    if order.cancelled_at is not None and order.cancelled_at <= now:
        return "CANCELLED"
    return "SHIPPED" if order.shipped_at is not None and order.shipped_at <= now else "UNSHIPPED"


def _money(amount: Decimal, currency: str) -> Row:
    return {"amount": str(amount), "currencyCode": currency}


def _shares(order: Order, amount: Decimal) -> list[Decimal]:
    """An order's sum cut into its lines; the last one takes what is left."""
    step = Decimal(1) if order.currency == "JPY" else Decimal("0.01")
    each = (amount / len(order.lines)).quantize(step)
    return [*([each] * (len(order.lines) - 1)), amount - each * (len(order.lines) - 1)]


def order_row(world: WorldView, brand: Brand, order: Order, market: Marketplace, shown: Shown) -> Row:
    """An order of the search of 2026."""
    status = status_of(order, world, shown)
    skus = {sku.key: sku for sku in brand.skus}
    priced = status != "PENDING"
    taxes, ships = _shares(order, order.tax), _shares(order, order.shipping)
    items = []
    for number, line in enumerate(order.lines):
        sku = skus[line.sku_key]
        item: Row = {
            "orderItemId": item_id(line),
            "quantityOrdered": line.quantity,
            "product": {"asin": asin_of(sku), "title": title_of(brand, sku), "sellerSku": sku.code},
            "fulfillment": {
                "quantityFulfilled": line.quantity if status == "SHIPPED" else 0,
                "quantityUnfulfilled": 0 if status == "SHIPPED" else line.quantity,
            },
        }
        if priced:
            item["product"]["price"] = {"unitPrice": _money(line.unit_price, order.currency)}
            item["proceeds"] = _item_proceeds(order, line, taxes[number], ships[number])
        if status == "CANCELLED":
            reason = _REASONS.get(order.cancel_reason or "", "OTHER")
            item["cancellation"] = {"cancellationExecution": {"cancelledBy": "AMAZON", "cancelReason": reason}}
        items.append(item)
    row: Row = {
        "orderId": order_id(order),
        "orderAliases": [],
        "createdTime": stamp(order.placed_at),
        "lastUpdatedTime": stamp(changed(order, world, shown)),
        "programs": ["PRIME"],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": market.id,
            "marketplaceName": _NAMES.get(market.country, f"Amazon.{market.country.lower()}"),
        },
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "AMAZON", "fulfillmentServiceLevel": "STANDARD"},
        "orderItems": items,
    }
    if priced:
        row["proceeds"] = _proceeds(order)
    return row


def _proceeds(order: Order) -> Row:
    gross = sum((line.unit_price * line.quantity for line in order.lines), Decimal(0))
    off = sum((line.discount for line in order.lines), Decimal(0)) + order.platform_discount
    sums = {"ITEM": gross, "SHIPPING": order.shipping, "TAX": order.tax, "DISCOUNT": -off}
    return {
        "grandTotal": _money(order.total, order.currency),
        "breakdowns": [
            {"type": kind, "subtotal": _money(value, order.currency)}
            for kind, value in sums.items()
            if value or kind == "ITEM"
        ],
    }


def _item_proceeds(order: Order, line: Line, tax: Decimal, shipping: Decimal) -> Row:
    gross = line.unit_price * line.quantity
    rows: list[Row] = [{"type": "ITEM", "subtotal": _money(gross, order.currency)}]
    if shipping:
        rows.append({"type": "SHIPPING", "subtotal": _money(shipping, order.currency)})
    if tax:
        detail = [{"subtype": "ITEM", "value": _money(tax, order.currency)}]
        rows.append({"type": "TAX", "subtotal": _money(tax, order.currency), "detailedBreakdowns": detail})
    if line.discount:
        value = _money(-line.discount, order.currency)
        rows.append(
            {"type": "DISCOUNT", "subtotal": value, "detailedBreakdowns": [{"subtype": "ITEM", "value": value}]}
        )
    total = gross - line.discount + tax + shipping
    return {"proceedsTotal": _money(total, order.currency), "breakdowns": rows}


# -- v0 ---------------------------------------------------------------------------------------------------------------

_V0 = {"PENDING": "Pending", "UNSHIPPED": "Unshipped", "SHIPPED": "Shipped", "CANCELLED": "Canceled"}


def order_row_v0(world: WorldView, brand: Brand, order: Order, market: Marketplace, shown: Shown) -> Row:
    """An order of the search of old: no sum while it is pending or once it is cancelled."""
    status = _V0.get(status_of(order, world, shown), "CarriedByDrone")
    row: Row = {
        "AmazonOrderId": order_id(order),
        "PurchaseDate": stamp(order.placed_at),
        "LastUpdateDate": stamp(changed(order, world, shown)),
        "OrderStatus": status,
        "FulfillmentChannel": "AFN",
        "SalesChannel": _NAMES.get(market.country, f"Amazon.{market.country.lower()}"),
        "NumberOfItemsShipped": len(order.lines) if status == "Shipped" else 0,
        "NumberOfItemsUnshipped": 0 if status == "Shipped" else len(order.lines),
        "MarketplaceId": market.id,
        "OrderType": "StandardOrder",
        "IsBusinessOrder": False,
        "IsPrime": True,
    }
    if status not in ("Pending", "Canceled"):
        row["OrderTotal"] = {"CurrencyCode": order.currency, "Amount": str(order.total)}
    return row


def item_rows_v0(world: WorldView, brand: Brand, order: Order, shown: Shown) -> list[Row]:
    """Items of an order. `ItemPrice` is for the whole line; a gift is the text "true"."""
    skus = {sku.key: sku for sku in brand.skus}
    status = status_of(order, world, shown)
    found = []
    for line in order.lines:
        sku = skus[line.sku_key]
        row: Row = {
            "ASIN": asin_of(sku),
            "SellerSKU": sku.code,
            "OrderItemId": item_id(line),
            "Title": title_of(brand, sku),
            "QuantityOrdered": line.quantity,
            "QuantityShipped": line.quantity if status == "SHIPPED" else 0,
            "IsGift": "false",
        }
        if status not in ("PENDING", "CANCELLED"):
            price = line.unit_price * line.quantity
            row["ItemPrice"] = {"CurrencyCode": order.currency, "Amount": str(price)}
            row["PromotionDiscount"] = {"CurrencyCode": order.currency, "Amount": str(line.discount)}
        found.append(row)
    return found


# -- flat file --------------------------------------------------------------------------------------------------------

COLUMNS = (
    "amazon-order-id",
    "merchant-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
    "order-channel",
    "ship-service-level",
    "product-name",
    "sku",
    "asin",
    "item-status",
    "quantity",
    "currency",
    "item-price",
    "item-tax",
    "shipping-price",
    "shipping-tax",
    "gift-wrap-price",
    "gift-wrap-tax",
    "item-promotion-discount",
    "ship-promotion-discount",
    "ship-city",
    "ship-state",
    "ship-postal-code",
    "ship-country",
    "promotion-ids",
    "is-business-order",
    "purchase-order-number",
    "price-designation",
)


def order_table(
    world: WorldView, brand: Brand, orders: Sequence[Order], market: Marketplace, shown: Shown
) -> list[list[str]]:
    """Rows of the flat file, one an item. A continental marketplace writes decimal commas."""
    skus = {sku.key: sku for sku in brand.skus}
    rows = []
    for order in orders:
        status = status_of(order, world, shown)
        priced = status not in ("PENDING", "CANCELLED")
        taxes, ships = _shares(order, order.tax), _shares(order, order.shipping)
        for number, line in enumerate(order.lines):
            sku = skus[line.sku_key]
            cells = {
                "amazon-order-id": order_id(order),
                "merchant-order-id": order_id(order),
                "purchase-date": order.placed_at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
                "last-updated-date": changed(order, world, shown).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
                "order-status": _V0.get(status, status).replace("Canceled", "Cancelled"),
                "fulfillment-channel": "Amazon",
                "sales-channel": _NAMES.get(market.country, f"Amazon.{market.country.lower()}"),
                "ship-service-level": "Standard",
                "product-name": title_of(brand, sku),
                "sku": sku.code,
                "asin": asin_of(sku),
                "item-status": _V0.get(status, status).replace("Canceled", "Cancelled"),
                "quantity": str(line.quantity),
                "ship-country": order.person.country,
                "ship-city": "Example",
                "ship-postal-code": "00000",
                "is-business-order": "false",
            }
            if priced:
                cells |= {
                    "currency": order.currency,
                    "item-price": _local(line.unit_price * line.quantity, market),
                    "item-tax": _local(taxes[number], market),
                    "shipping-price": _local(ships[number], market),
                    "item-promotion-discount": _local(line.discount, market),
                }
            rows.append([cells.get(name, "") for name in COLUMNS])
    return rows


def _local(value: Decimal, market: Marketplace) -> str:
    text = str(value) if value else ""
    return text.replace(".", ",") if market.country in ("DE", "FR", "IT", "ES", "NL") else text
