"""A small hand-made world for tests of one connector with its emulator."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.money import Money
from shelftide_sdk.testing.world.model import (
    AdEntity,
    AdFigures,
    Agency,
    Brand,
    Channel,
    Competitor,
    Creator,
    Line,
    Network,
    Order,
    Person,
    Place,
    Product,
    ProfileFigures,
    RefundEvent,
    Shipment,
    Sku,
    StockState,
    Video,
    Visit,
)

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
START = NOW - timedelta(days=120)
SHOP = "lumen-test.myshopify.com"


def sku(product: str, number: int, price: str = "20.00") -> Sku:
    """A variant."""
    return Sku(
        key=f"{product}-{number}",
        product_key=product,
        code=f"SKU-{product}-{number}".upper(),
        title=f"{product} {number}",
        barcode=f"40000{number:08d}",
        price=Money(Decimal(price), "EUR"),
        cost=Money(Decimal("7.25"), "EUR"),
        lead_days=14,
    )


def product(key: str, variants: int = 2, created_at: datetime = START) -> Product:
    """A product."""
    skus = tuple(sku(key, n) for n in range(variants))
    return Product(key=key, title=key.title(), category="Lamps", created_at=created_at, skus=skus)


def brand(products: int = 3, variants: int = 2, key: str = "lumen", shop: str = SHOP) -> Brand:
    """A brand with one shop and two places, one of which serves the shop."""
    return Brand(
        key=key,
        name=key.title(),
        agency_key="north",
        client_key="client",
        client_name="Client",
        niche="home",
        market="IT",
        currency="EUR",
        zone="Europe/Rome",
        locale="it",
        colour="#336699",
        deep=True,
        products=tuple(product(f"{key}{n}", variants, START + timedelta(hours=n)) for n in range(products)),
        places=(
            Place(key=f"{key}-milan", name="Milan", country="IT", channels=(Channel.SHOPIFY, Channel.STORE)),
            Place(key=f"{key}-fba", name="FBA", country="DE", channels=(Channel.AMAZON,)),
        ),
        accounts={Channel.SHOPIFY: shop},
    )


def person(number: int) -> Person:
    """A buyer."""
    return Person(
        key=f"p{number}",
        email=f"buyer{number}@example.com",
        phone=f"+39333{number:07d}",
        name=f"Buyer {number}",
        country="IT",
    )


def visit(key: str, at: datetime, **changes: Any) -> Visit:
    """A visit from a TikTok post."""
    base = Visit(
        key=key,
        at=at,
        source="tiktok",
        kind="post",
        referrer="https://www.tiktok.com/",
        landing_page="/products/lamp",
        utm={"source": "tiktok", "medium": "social", "campaign": "spring"},
    )
    return msgspec.structs.replace(base, **changes)


def order(number: int, placed_at: datetime, skus: Sequence[Sku], **changes: Any) -> Order:
    """An order of one line per variant: two pieces each, one euro off each line, five euros of shipping."""
    lines = tuple(
        Line(key=f"o{number}-l{i}", sku_key=s.key, quantity=2, unit_price=s.price.amount, discount=Decimal("1.00"))
        for i, s in enumerate(skus)
    )
    total = sum((line.unit_price * 2 - line.discount for line in lines), Decimal("5.00"))
    base = Order(
        key=f"o{number}",
        brand_key="lumen",
        channel=Channel.SHOPIFY,
        number=1000 + number,
        placed_at=placed_at,
        person=person(number),
        currency="EUR",
        lines=lines,
        shipping=Decimal("5.00"),
        tax=Decimal("0.00"),
        platform_discount=Decimal(0),
        total=total,
        place_key="lumen-milan",
    )
    return msgspec.structs.replace(base, **changes)


def refund(number: int, at: datetime, line_key: str, amount: str = "19.00") -> RefundEvent:
    """One piece given back."""
    return RefundEvent(key=f"r{number}", at=at, amount=Decimal(amount), lines={line_key: 1}, restocked=True)


def many_orders(of: Brand, count: int, every: timedelta = timedelta(minutes=7)) -> list[Order]:
    """Orders up to NOW: some with visits, refunds, foreign money, tests and journeys that are not ready."""
    found = []
    for n in range(count):
        at = NOW - every * (count - n)
        changes: dict[str, Any] = {"visits": (visit(f"v{n}", at - timedelta(hours=3)),), "promo_code": "SPRING"}
        if n % 5 == 0:
            changes["refunds"] = (refund(n, at + timedelta(minutes=2), f"o{n}-l0"),)
        if n % 11 == 0:
            changes["test"] = True
        if n % 4 == 0:
            changes |= {"presentment_currency": "USD", "presentment_rate": Decimal("1.10")}
        found.append(order(n, at, of.skus[n % 3 : n % 3 + 1 + n % 2], **changes))
    return found


class FakeWorld:
    """A WorldView over what it is given. `now` may be moved by the test."""

    seed = 7

    def __init__(self, brands: Sequence[Brand] = (), orders: Sequence[Order] = ()) -> None:
        self.agencies: Sequence[Agency] = ()
        self.brands: Sequence[Brand] = list(brands) or [brand()]
        self.all_orders: list[Order] = list(orders)
        self.levels: dict[str, list[StockState]] = {}
        self.now = NOW
        self.start = START

    def brand(self, key: str) -> Brand:
        """The brand with this key."""
        return {b.key: b for b in self.brands}[key]

    def orders(self, brand_key: str, channel: Channel) -> Sequence[Order]:
        """Orders that were placed by now."""
        found = [
            o for o in self.all_orders if (o.brand_key, o.channel) == (brand_key, channel) and o.placed_at <= self.now
        ]
        return sorted(found, key=lambda o: o.placed_at)

    def stock(self, brand_key: str) -> Sequence[StockState]:
        """Levels: as set by the test, else one for every variant and place."""
        of = self.brand(brand_key)
        return self.levels.get(brand_key) or [
            StockState(sku_key=s.key, place_key=p.key, available=i - 1, committed=2, incoming=30, updated_at=NOW)
            for i, s in enumerate(of.skus)
            for p in of.places
        ]

    def videos(self, brand_key: str, network: Network) -> Sequence[Video]:
        """None."""
        return ()

    def profile_days(self, brand_key: str, network: Network) -> Sequence[ProfileFigures]:
        """None."""
        return ()

    def shipments(self, brand_key: str) -> Sequence[Shipment]:
        """None."""
        return ()

    def creators(self, brand_key: str) -> Sequence[Creator]:
        """None."""
        return ()

    def competitors(self, brand_key: str) -> Sequence[Competitor]:
        """None."""
        return ()

    def competitor_days(self, competitor_key: str) -> Sequence[ProfileFigures]:
        """None."""
        return ()

    def competitor_videos(self, competitor_key: str) -> Sequence[Video]:
        """None."""
        return ()

    def ads(self, brand_key: str, network: str) -> Sequence[AdEntity]:
        """None."""
        return ()

    def ad_days(self, brand_key: str, network: str) -> Sequence[AdFigures]:
        """None."""
        return ()
