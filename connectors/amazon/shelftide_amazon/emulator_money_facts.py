"""What Amazon's finances show of the world's orders: transactions as trees, and a settlement every fortnight."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shelftide_amazon.emulator_goods_facts import asin_of, stamp
from shelftide_amazon.emulator_order_facts import order_id, orders_of
from shelftide_amazon.marketplaces import Marketplace
from shelftide_sdk.testing.world.model import Brand, Order, RefundEvent, WorldView, stable_id

Row = dict[str, Any]
FORTNIGHT = timedelta(days=14)
_DEFERRED = timedelta(days=7)
_COMMISSION = Decimal("0.15")
_FULFILMENT = Decimal("3.22")
_STORAGE = Decimal("11.70")
_KEPT_OF_REFUND = Decimal("0.20")


def cents(amount: Decimal, currency: str) -> Decimal:
    """An amount in steps of its currency."""
    step = Decimal(1) if currency == "JPY" else Decimal("0.01")
    return amount.quantize(step, ROUND_HALF_UP)


def _number(amount: Decimal, currency: str) -> Row:
    # Finances write plain numbers; two places survive a float.
    return {"currencyCode": currency, "currencyAmount": float(amount)}


def _node(name: str, currency: str, *below: Row, amount: Decimal | None = None) -> Row:
    total = sum((Decimal(str(b["breakdownAmount"]["currencyAmount"])) for b in below), Decimal(0))
    return {
        "breakdownType": name,
        "breakdownAmount": _number(total if amount is None else amount, currency),
        "breakdowns": list(below),
    }


def group_start(world: WorldView, at: datetime) -> datetime:
    """The beginning of the settlement period that a moment falls into."""
    return world.start + FORTNIGHT * ((at - world.start) // FORTNIGHT)


def group_id(brand: Brand, start: datetime) -> str:
    """The id of a settlement period."""
    return f"G{stable_id('event-group', f'{brand.key}/{start.isoformat()}', 20)}"


def transaction_rows(world: WorldView, brand: Brand, market: Marketplace, unripe: bool = False) -> list[Row]:
    """All transactions by now, by the time of posting. `unripe`: those of the last week are still deferred."""
    found: list[tuple[datetime, Row]] = []
    for order in orders_of(world, brand):
        if order.shipped_at is not None and order.shipped_at <= world.now:
            found.append((order.shipped_at, _shipment(brand, order)))
        found += [(refund.at, _refund(brand, order, refund)) for refund in order.refunds if refund.at <= world.now]
    for number in range((world.now - world.start) // timedelta(days=30)):
        at = world.start + timedelta(days=30 * (number + 1))
        found.append((at, _storage(brand, number)))
    found.sort(key=lambda pair: (pair[0], pair[1]["transactionId"]))
    return [_posted(world, brand, posted, market, unripe) for posted in found]


def _posted(world: WorldView, brand: Brand, posted: tuple[datetime, Row], market: Marketplace, unripe: bool) -> Row:
    at, row = posted
    total = sum((Decimal(str(b["breakdownAmount"]["currencyAmount"])) for b in row["breakdowns"]), Decimal(0))
    group = {
        "relatedIdentifierName": "FINANCIAL_EVENT_GROUP_ID",
        "relatedIdentifierValue": group_id(brand, group_start(world, at)),
    }
    fresh = at > world.now - _DEFERRED
    status = ("DEFERRED" if unripe else "DEFERRED_RELEASED") if fresh else "RELEASED"
    return row | {
        "sellingPartnerMetadata": {
            "sellingPartnerId": brand.accounts["amazon-sp"],
            "accountType": "PAYABLE",
            "marketplaceId": market.id,
        },
        "transactionStatus": status,
        "postedDate": stamp(at),
        "totalAmount": _number(total, brand.currency),
        "relatedIdentifiers": [*row["relatedIdentifiers"], group],
        "marketplaceDetails": {"marketplaceId": market.id, "marketplaceName": f"Amazon {market.country}"},
    }


def _row(brand: Brand, kind: str, key: str, description: str, order: Order | None) -> Row:
    related = (
        [] if order is None else [{"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order_id(order)}]
    )
    return {
        "transactionType": kind,
        "transactionId": f"T{stable_id('transaction', f'{brand.key}/{kind}/{key}', 22)}",
        "description": description,
        "relatedIdentifiers": related,
    }


def net_of(order: Order) -> Decimal:
    """The lines of an order after the seller's discount."""
    return sum((line.unit_price * line.quantity - line.discount for line in order.lines), Decimal(0))


def fees_of(order: Order) -> tuple[Decimal, Decimal]:
    """(commission, fulfilment) that Amazon keeps of an order."""
    pieces = sum(line.quantity for line in order.lines)
    return cents(net_of(order) * _COMMISSION, order.currency), cents(_FULFILMENT * pieces, order.currency)


def _shipment(brand: Brand, order: Order) -> Row:
    currency, (commission, fulfilment) = order.currency, fees_of(order)
    sales = [_node("ProductCharges", currency, amount=net_of(order))]
    sales += [_node("Shipping", currency, amount=order.shipping)] if order.shipping else []
    sales += [_node("Tax", currency, amount=order.tax)] if order.tax else []
    fees = _node(
        "AmazonFees",
        currency,
        _node("FBAPerUnitFulfillmentFee", currency, _node("Base", currency, amount=-fulfilment)),
        _node("Commission", currency, _node("Base", currency, amount=-commission)),
    )
    skus = {sku.key: sku for sku in brand.skus}
    items = [
        {
            "description": skus[line.sku_key].title,
            "totalAmount": _number(line.unit_price * line.quantity - line.discount, currency),
            "contexts": [
                {
                    "contextType": "ProductContext",
                    "asin": asin_of(skus[line.sku_key]),
                    "sku": skus[line.sku_key].code,
                    "quantityShipped": line.quantity,
                    "fulfillmentNetwork": "AFN",
                }
            ],
        }
        for line in order.lines
    ]
    return _row(brand, "Shipment", order.key, "Order Payment", order) | {
        "breakdowns": [_node("Sales", currency, *sales), _node("Expenses", currency, fees)],
        "items": items,
    }


def returned_fee(order: Order, refund: RefundEvent) -> Decimal:
    """The commission that Amazon gives back with a refund, less what it keeps for its trouble."""
    commission = fees_of(order)[0] * min(Decimal(1), refund.amount / order.total)
    return cents(commission * (1 - _KEPT_OF_REFUND), order.currency)


def _refund(brand: Brand, order: Order, refund: RefundEvent) -> Row:
    currency = order.currency
    fee = _node("Commission", currency, _node("Base", currency, amount=returned_fee(order, refund)))
    skus = {sku.key: sku for sku in brand.skus}
    lines = {line.key: line for line in order.lines}
    items = [
        {
            "description": skus[lines[key].sku_key].title,
            "contexts": [
                {
                    "contextType": "ProductContext",
                    "asin": asin_of(skus[lines[key].sku_key]),
                    "sku": skus[lines[key].sku_key].code,
                    "quantityShipped": pieces,
                    "fulfillmentNetwork": "AFN",
                }
            ],
        }
        for key, pieces in refund.lines.items()
    ]
    return _row(brand, "Refund", refund.key, "Refund Order", order) | {
        "breakdowns": [
            _node("Sales", currency, _node("ProductCharges", currency, amount=-refund.amount)),
            _node("Expenses", currency, _node("AmazonFees", currency, fee)),
        ],
        "items": items,
    }


def _storage(brand: Brand, number: int) -> Row:
    fee = _node("FBAStorageFee", brand.currency, amount=-cents(_STORAGE, brand.currency))
    return _row(brand, "ServiceFee", str(number), "FBA storage fee", None) | {
        "breakdowns": [_node("Expenses", brand.currency, _node("AmazonFees", brand.currency, fee))],
    }


def group_rows(world: WorldView, brand: Brand, market: Marketplace) -> list[Row]:
    """Settlement periods: the closed ones are paid out, the present one is open and still filling."""
    sums: dict[str, Decimal] = {}
    for posted in transaction_rows(world, brand, market):
        group = posted["relatedIdentifiers"][-1]["relatedIdentifierValue"]
        sums[group] = sums.get(group, Decimal(0)) + Decimal(str(posted["totalAmount"]["currencyAmount"]))
    found = []
    start = world.start
    while start <= world.now:
        key, end = group_id(brand, start), start + FORTNIGHT
        total = {"CurrencyCode": brand.currency, "CurrencyAmount": float(sums.get(key, Decimal(0)))}
        row: Row = {
            "FinancialEventGroupId": key,
            "ProcessingStatus": "Open" if end > world.now else "Closed",
            "OriginalTotal": total,
            "FinancialEventGroupStart": stamp(start),
        }
        if end <= world.now:
            paid = min(end + timedelta(days=1), world.now)
            row |= {
                "FundTransferStatus": "Succeeded",
                "FundTransferDate": stamp(paid),
                "FinancialEventGroupEnd": stamp(end),
                "AccountTail": "000",
            }
        found.append(row)
        start = end
    return found
