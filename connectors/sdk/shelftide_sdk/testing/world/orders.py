"""An order with all that will ever happen to it. Amounts are exact and in steps of the currency."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

import msgspec

from shelftide_sdk.testing.world.cast import Role, creator_code, quantum, rounded
from shelftide_sdk.testing.world.customers import Clientele
from shelftide_sdk.testing.world.demand import Candidate
from shelftide_sdk.testing.world.journeys import journey
from shelftide_sdk.testing.world.model import Channel, Line, Model, Order, Place, RefundEvent, Sku
from shelftide_sdk.testing.world.parameters import (
    CANCEL_SHARE,
    CODE_SHARE_OF_CREATOR,
    FULL_REFUND_SHARE,
    GOODWILL_SHARE,
    JOURNEY_READY_HOURS,
    LEAKED_CODE_SHARE,
    OVERSOLD_CANCEL_SHARE,
    PER_DOLLAR,
    PLATFORM_DISCOUNT_SHARE,
    PRESENTMENT_SHARE,
    PROMO_RATE,
    REFUND_SHARE,
    RESTOCK_SHARE,
    SECOND_REFUND_SHARE,
    US_TAX,
)
from shelftide_sdk.testing.world.streams import Dice

_ZERO = Decimal(0)
_IN_APP = (Channel.TIKTOK_SHOP, Channel.XIAOHONGSHU)
_FREE_SHIPPING_DOLLARS = Decimal(40)
_SHIPPING_DOLLARS = Decimal("4.90")


class Grant(Model, frozen=True, kw_only=True):
    """What the shelf gives to a candidate: pieces by SKU key from a place."""

    place: Place
    pieces: tuple[tuple[str, int], ...]
    oversold: bool = False


class Amounts(Model, frozen=True, kw_only=True):
    """The sums of an order."""

    lines: tuple[Line, ...]
    shipping: Decimal
    tax: Decimal
    platform_discount: Decimal

    @property
    def net(self) -> Decimal:
        """Lines after the seller's discount: the brand's revenue."""
        return sum((line_net(line) for line in self.lines), _ZERO)

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        return self.net - self.platform_discount + self.shipping + self.tax


class Fate(Model, frozen=True, kw_only=True):
    """When an order moves on."""

    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None


def line_net(line: Line) -> Decimal:
    """A line after the seller's discount."""
    return line.unit_price * line.quantity - line.discount


class OrderBook:
    """Writes a brand's orders: numbers per channel, buyers who return, exact sums."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._skus: Mapping[str, Sku] = {sku.key: sku for sku in role.brand.skus}
        self._clientele = Clientele(role.brand.key, role.brand.market)
        self._numbers: dict[Channel, int] = {}

    def write(self, candidate: Candidate, grant: Grant) -> Order:
        """The order of a candidate who gets what `grant` says."""
        rolls, role = candidate.dice, self._role
        person = self._clientele.stranger(rolls) if candidate.test else self._clientele.buyer(rolls)
        code, creator_key = self._promotion(candidate, rolls)
        amounts = self._amounts(candidate, grant, code is not None, rolls)
        visits = journey(role, candidate, rolls)
        fate = _fate(candidate, grant, rolls)
        rate, seen = self._presentment(candidate, rolls)
        ready = timedelta(seconds=int(rolls.between(*JOURNEY_READY_HOURS) * 3600))
        in_app = candidate.channel is Channel.TIKTOK_SHOP
        return Order(
            key=candidate.key,
            brand_key=role.brand.key,
            channel=candidate.channel,
            number=self._number(candidate.channel),
            placed_at=candidate.at,
            person=person,
            currency=role.brand.currency,
            lines=amounts.lines,
            shipping=amounts.shipping,
            tax=amounts.tax,
            platform_discount=amounts.platform_discount,
            total=amounts.total,
            place_key=grant.place.key,
            visits=visits,
            journey_ready_at=candidate.at + ready if visits else None,
            promo_code=code,
            creator_key=creator_key,
            video_key=candidate.video.key if candidate.video and in_app else None,
            live_key=candidate.live_key,
            test=candidate.test,
            presentment_currency=seen,
            presentment_rate=rate,
            cancelled_at=fate.cancelled_at,
            cancel_reason=fate.cancel_reason,
            shipped_at=fate.shipped_at,
            delivered_at=fate.delivered_at,
            completed_at=fate.completed_at,
            refunds=_refunds(candidate, amounts, fate, role.brand.currency, rolls),
            order_index=0 if candidate.test else self._clientele.order_index(person, candidate.channel),
            cause=candidate.cause,
            cause_key=candidate.cause_key,
        )

    def _number(self, channel: Channel) -> int:
        self._numbers[channel] = self._numbers.get(channel, 1000) + 1
        return self._numbers[channel]

    def _promotion(self, candidate: Candidate, rolls: Dice) -> tuple[str | None, str | None]:
        """The promo code, and the creator whom the platform knows (by code or as affiliate)."""
        used, leaked, which = rolls.chance(CODE_SHARE_OF_CREATOR), rolls.chance(LEAKED_CODE_SHARE), rolls.roll()
        if candidate.in_store or candidate.test:
            return None, None
        if candidate.cause == "newsletter":
            return "WELCOME10", None
        by_key = {creator.key: creator for creator in self._role.creators}
        key = candidate.video.creator_key if candidate.video else None
        key = candidate.cause_key if candidate.cause == "creator" else key
        if key is not None:
            code = creator_code(by_key[key]) if used else None
            return code, key if code or candidate.channel in _IN_APP else None
        if leaked and self._role.creators:
            creator = self._role.creators[int(which * len(self._role.creators))]
            return creator_code(creator), creator.key
        return None, None

    def _amounts(self, candidate: Candidate, grant: Grant, promoted: bool, rolls: Dice) -> Amounts:
        currency = self._role.brand.currency
        lines = tuple(
            self._line(f"{candidate.key}-l{number + 1}", sku_key, quantity, promoted)
            for number, (sku_key, quantity) in enumerate(grant.pieces)
        )
        net = sum((line_net(line) for line in lines), _ZERO)
        aided, share = rolls.chance(PLATFORM_DISCOUNT_SHARE), rolls.between(0.05, 0.12)
        aid = rounded(net * Decimal(f"{share:.4f}"), currency) if aided and candidate.channel in _IN_APP else _ZERO
        free = net >= _FREE_SHIPPING_DOLLARS * PER_DOLLAR[currency] or candidate.in_store
        shipping = _ZERO if free else rounded(_SHIPPING_DOLLARS * PER_DOLLAR[currency], currency)
        tax = rounded(net * US_TAX, currency) if self._role.brand.market == "US" else _ZERO
        return Amounts(lines=lines, shipping=shipping, tax=tax, platform_discount=aid)

    def _line(self, key: str, sku_key: str, quantity: int, promoted: bool) -> Line:
        price = self._skus[sku_key].price
        discount = rounded(price.amount * quantity * PROMO_RATE, price.currency) if promoted else _ZERO
        return Line(key=key, sku_key=sku_key, quantity=quantity, unit_price=price.amount, discount=discount)

    def _presentment(self, candidate: Candidate, rolls: Dice) -> tuple[Decimal | None, str | None]:
        foreign, which = rolls.chance(PRESENTMENT_SHARE), rolls.roll()
        if not foreign or candidate.channel is not Channel.SHOPIFY or candidate.in_store:
            return None, None
        own = self._role.brand.currency
        others = [code for code in PER_DOLLAR if code != own]
        seen = others[int(which * len(others))]
        return (PER_DOLLAR[seen] / PER_DOLLAR[own]).quantize(Decimal("0.000001")), seen


def _fate(candidate: Candidate, grant: Grant, rolls: Dice) -> Fate:
    at = candidate.at
    cancelled, hours = rolls.chance(CANCEL_SHARE), rolls.between(0.3, 20)
    regretted, reason = rolls.chance(OVERSOLD_CANCEL_SHARE), rolls.pick(("customer", "customer", "fraud", "other"))
    packing, travel, settling = rolls.between(6, 60), rolls.between(48, 144), rolls.between(72, 168)
    if candidate.in_store:
        return Fate(shipped_at=at, delivered_at=at, completed_at=at)
    if grant.oversold and regretted:
        return Fate(cancelled_at=_later(at, hours), cancel_reason="inventory")
    if cancelled:
        return Fate(cancelled_at=_later(at, hours), cancel_reason=reason)
    return Fate(
        shipped_at=_later(at, packing),
        delivered_at=_later(at, packing + travel),
        completed_at=_later(at, packing + travel + settling),
    )


def _later(at: datetime, hours: float) -> datetime:
    return at + timedelta(seconds=int(hours * 3600))


def _refunds(
    candidate: Candidate,
    amounts: Amounts,
    fate: Fate,
    currency: str,
    rolls: Dice,
) -> tuple[RefundEvent, ...]:
    """None, one, or a first and a second partial refund; together never more than the buyer paid."""
    happens, full, goodwill = rolls.chance(REFUND_SHARE), rolls.chance(FULL_REFUND_SHARE), rolls.chance(GOODWILL_SHARE)
    days, more_days, again = rolls.between(1, 12), rolls.between(1, 6), rolls.chance(SECOND_REFUND_SHARE)
    which, restocked, share = rolls.roll(), rolls.chance(RESTOCK_SHARE), rolls.between(0.1, 0.2)
    if not happens or fate.delivered_at is None or candidate.test:
        return ()
    at = _later(fate.delivered_at, days * 24)
    first = RefundEvent(key=f"{candidate.key}-r1", at=at, amount=amounts.total, lines={}, restocked=False)
    if goodwill:
        return (msgspec.structs.replace(first, amount=rounded(amounts.total * Decimal(f"{share:.4f}"), currency)),)
    if full:
        everything = {line.key: line.quantity for line in amounts.lines}
        return (msgspec.structs.replace(first, lines=everything, restocked=restocked),)
    line = amounts.lines[int(which * len(amounts.lines))]
    one = msgspec.structs.replace(
        first, amount=_part(amounts, [line], 1, currency), lines={line.key: 1}, restocked=restocked
    )
    if not again or line.quantity == 1:
        return (one,)
    second = msgspec.structs.replace(one, key=f"{candidate.key}-r2", at=_later(at, more_days * 24))
    return one, second


def _part(amounts: Amounts, lines: Sequence[Line], pieces: int, currency: str) -> Decimal:
    """What the buyer paid for `pieces` of each line, without shipping, rounded down."""
    returned = sum((line_net(line) * pieces / line.quantity for line in lines), _ZERO)
    paid = amounts.total - amounts.shipping
    return (paid * returned / amounts.net).quantize(quantum(currency), ROUND_DOWN)
