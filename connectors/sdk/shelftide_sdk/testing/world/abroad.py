"""Channels that count in one currency and one zone wherever the brand is at home: Xiaohongshu in yuan and Shanghai."""

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from shelftide_sdk.money import Money
from shelftide_sdk.testing.world.model import Brand, Channel, Line, Model, Order, RefundEvent
from shelftide_sdk.testing.world.parameters import PER_DOLLAR

_CENT = Decimal("0.01")
_ZERO = Decimal(0)


class Home(Model, frozen=True, kw_only=True):
    """What a channel counts in."""

    currency: str
    zone: str


CHINA = Home(currency="CNY", zone="Asia/Shanghai")


def home_of(channel: str, brand: Brand) -> Home:
    """The currency and the days that a channel shows to a brand."""
    return CHINA if channel == Channel.XIAOHONGSHU else Home(currency=brand.currency, zone=brand.zone)


def exchanged(amount: Decimal, currency: str) -> Decimal:
    """An amount of `currency` in yuan, to the fen, at the world's fixed rates."""
    if currency == CHINA.currency:
        return amount
    rate = PER_DOLLAR[CHINA.currency] / PER_DOLLAR[currency]
    return (amount * rate).quantize(_CENT, ROUND_HALF_UP)


def price_abroad(price: Money) -> Money:
    """A price in yuan."""
    return Money(exchanged(price.amount, price.currency), CHINA.currency)


def counted(order: Order) -> Order:
    """An order as its channel counts it. Parts are exchanged one by one, so that sums stay exact."""
    if order.channel is not Channel.XIAOHONGSHU or order.currency == CHINA.currency:
        return order

    def yuan(amount: Decimal) -> Decimal:
        return exchanged(amount, order.currency)

    lines = tuple(_line(line, order.currency) for line in order.lines)
    net = sum((line.unit_price * line.quantity - line.discount for line in lines), _ZERO)
    aid, shipping, tax = yuan(order.platform_discount), yuan(order.shipping), yuan(order.tax)
    total = net - aid + shipping + tax
    return msgspec.structs.replace(
        order,
        currency=CHINA.currency,
        lines=lines,
        shipping=shipping,
        tax=tax,
        platform_discount=aid,
        total=total,
        refunds=_refunds(order, total),
    )


def _line(line: Line, currency: str) -> Line:
    return msgspec.structs.replace(
        line, unit_price=exchanged(line.unit_price, currency), discount=exchanged(line.discount, currency)
    )


def _refunds(order: Order, total: Decimal) -> tuple[RefundEvent, ...]:
    """All refunds together never give back more than was paid; a full one gives back everything."""
    found: list[RefundEvent] = []
    left = total
    for refund in order.refunds:
        amount = total if refund.amount == order.total else exchanged(refund.amount, order.currency)
        amount = min(amount, left)
        left -= amount
        found.append(msgspec.structs.replace(refund, amount=amount))
    return tuple(found)
