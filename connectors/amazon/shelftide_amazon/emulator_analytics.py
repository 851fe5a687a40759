"""Reports that no stream reads, because no record holds a figure by week, by search term or by forecast.

They are made of the world's orders, so that whoever writes a reader has something to read.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from shelftide_amazon.emulator_door import Row
from shelftide_amazon.emulator_goods_facts import asin_of
from shelftide_amazon.emulator_order_facts import orders_of
from shelftide_amazon.marketplaces import Marketplace
from shelftide_sdk.testing.world.model import Brand, Order, Sku, WorldView

_SEEN, _CLICKED, _CARTED = 200, 20, 2  # impressions, clicks and carts of a piece that is sold
_WEEK = timedelta(days=7)


class Sales(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold of each variant in a span of days, and to whom."""

    world: WorldView
    brand: Brand
    market: Marketplace
    first: date
    last: date

    def orders(self) -> list[Order]:
        """Orders that were placed in the span."""
        found = orders_of(self.world, self.brand)
        return [order for order in found if self.first <= order.placed_at.date() <= self.last]

    def pieces(self) -> dict[str, int]:
        """Pieces by variant, none of them left out."""
        found = {sku.key: 0 for sku in self.brand.skus}
        for order in self.orders():
            for line in order.lines:
                found[line.sku_key] += line.quantity
        return found

    def revenue(self, key: str) -> Decimal:
        """What a variant brought."""
        lines = [line for order in self.orders() for line in order.lines if line.sku_key == key]
        return sum((line.unit_price * line.quantity for line in lines), Decimal(0))

    def money(self, amount: Decimal) -> Row:
        """An amount in the brand's currency."""
        return {"amount": float(round(amount, 2)), "currencyCode": self.brand.currency}

    def skus(self) -> dict[str, Sku]:
        """Variants by key."""
        return {sku.key: sku for sku in self.brand.skus}

    def span(self) -> Row:
        """The days of a row."""
        return {"startDate": self.first.isoformat(), "endDate": self.last.isoformat()}


def _about(sales: Sales, kind: str, **options: str) -> Row:
    days = {"dataStartTime": sales.first.isoformat(), "dataEndTime": sales.last.isoformat()}
    return {"reportType": kind, "reportOptions": options, **days, "marketplaceIds": [sales.market.id]}


def _shipping(stem: str, count: int, *, total: bool = False) -> Row:
    """A count by the speed of the parcel that was offered."""
    names = [f"{speed}DayShipping{stem}Count" for speed in ("same", "one", "two")]
    shares = zip(names, (count // 10, count // 5, count // 2), strict=True)
    return {(f"total{name[0].upper()}{name[1:]}" if total else name): share for name, share in shares}


def _catalogue(sales: Sales) -> Row:
    rows = []
    for key, sold in sales.pieces().items():
        sku = sales.skus()[key]
        price = sales.money(sku.price.amount)
        seen, clicked, carted = sold * _SEEN, sold * _CLICKED, sold * _CARTED
        sums = {"purchaseCount": sold, "searchTrafficSales": sales.money(sales.revenue(key))}
        rows.append(
            {
                **sales.span(),
                "asin": asin_of(sku),
                "impressionData": {"impressionCount": seen, "impressionMedianPrice": price}
                | _shipping("Impression", seen),
                "clickData": {"clickCount": clicked, "clickRate": 0.1, "clickedMedianPrice": price}
                | _shipping("Click", clicked),
                "cartAddData": {"cartAddCount": carted, "cartAddedMedianPrice": price} | _shipping("CartAdd", carted),
                "purchaseData": sums
                | {"conversionRate": 0.05, "purchaseMedianPrice": price}
                | _shipping("Purchase", sold),
            }
        )
    about = _about(sales, "GET_BRAND_ANALYTICS_SEARCH_CATALOG_PERFORMANCE_REPORT", reportPeriod="WEEK")
    return {"reportSpecification": about, "dataByAsin": rows}


def _step(stem: str, count: int, price: Row) -> Row:
    """One step from the search to the purchase: all sellers' and the product's own."""
    counts = {f"total{stem}Count": 3 * count, f"total{stem}Rate": 0.1, f"asin{stem}Count": count}
    prices = {f"totalMedian{stem}Price": price, f"asinMedian{stem}Price": price}
    return counts | {f"asin{stem}Share": 0.33} | prices | _shipping(stem, 3 * count, total=True)


def _queries(sales: Sales) -> Row:
    rows = []
    for rank, (key, sold) in enumerate(sorted(sales.pieces().items()), 1):
        sku = sales.skus()[key]
        price, seen = sales.money(sku.price.amount), sold * _SEEN
        impressions = {"totalQueryImpressionCount": 3 * seen, "asinImpressionCount": seen, "asinImpressionShare": 0.33}
        rows.append(
            {
                **sales.span(),
                "asin": asin_of(sku),
                "searchQueryData": {
                    "searchQuery": sales.brand.niche,
                    "searchQueryScore": rank,
                    "searchQueryVolume": 3 * seen,
                },
                "impressionData": impressions,
                "clickData": _step("Click", sold * _CLICKED, price),
                "cartAddData": _step("CartAdd", sold * _CARTED, price),
                "purchaseData": _step("Purchase", sold, price),
            }
        )
    about = _about(sales, "GET_BRAND_ANALYTICS_SEARCH_QUERY_PERFORMANCE_REPORT", reportPeriod="WEEK", asin="all")
    return {"reportSpecification": about, "dataByAsin": rows}


def _terms(sales: Sales) -> Row:
    best = sorted(sales.pieces().items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    rows = [
        {
            "departmentName": "Amazon.com",
            "searchTerm": sales.brand.niche,
            "searchFrequencyRank": 1200,
            "clickedAsin": asin_of(sales.skus()[key]),
            "clickShareRank": rank,
            "clickShare": round(0.3 / rank, 4),
            "conversionShare": round(0.2 / rank, 4),
        }
        for rank, (key, _) in enumerate(best, 1)
    ]
    about = _about(sales, "GET_BRAND_ANALYTICS_SEARCH_TERMS_REPORT", reportPeriod="WEEK")
    return {"reportSpecification": about, "dataByDepartmentAndSearchTerm": rows}


def _baskets(sales: Sales) -> Row:
    """Which variants are bought together, best first."""
    pairs: dict[str, Counter[str]] = defaultdict(Counter)
    for order in sales.orders():
        keys = {line.sku_key for line in order.lines}
        for key in keys:
            pairs[key].update(keys - {key})
    rows = []
    for key, others in sorted(pairs.items()):
        for rank, (other, count) in enumerate(others.most_common(3), 1):
            together = {"asin": asin_of(sales.skus()[key]), "purchasedWithAsin": asin_of(sales.skus()[other])}
            share = round(count / others.total(), 4)
            rows.append({**sales.span(), **together, "purchasedWithRank": rank, "combinationPct": share})
    about = _about(sales, "GET_BRAND_ANALYTICS_MARKET_BASKET_REPORT", reportPeriod="WEEK")
    return {"reportSpecification": about, "dataByAsin": rows}


def _repeated(sales: Sales) -> Row:
    rows = []
    for key, sku in sales.skus().items():
        buyers = Counter(
            order.person.key for order in sales.orders() if any(line.sku_key == key for line in order.lines)
        )
        again = sum(count > 1 for count in buyers.values())
        rows.append(
            {
                **sales.span(),
                "asin": asin_of(sku),
                "orders": buyers.total(),
                "uniqueCustomers": len(buyers),
                "repeatCustomersPctTotal": round(again / len(buyers), 4) if buyers else 0.0,
                "repeatPurchaseRevenue": sales.money(sku.price.amount * (buyers.total() - len(buyers))),
                "repeatPurchaseRevenuePctTotal": 0.0 if not buyers else round(1 - len(buyers) / buyers.total(), 4),
            }
        )
    about = _about(sales, "GET_BRAND_ANALYTICS_REPEAT_PURCHASE_REPORT", reportPeriod="WEEK")
    return {"reportSpecification": about, "dataByAsin": rows}


def _forecast(kind: str, program: str) -> Callable[[Sales], Row]:
    """Next week's demand, after this one's."""

    def made(sales: Sales) -> Row:
        next_week = {"startDate": sales.last + timedelta(days=1), "endDate": sales.last + _WEEK}
        rows = [
            {
                "forecastGenerationDate": sales.last.isoformat(),
                "asin": asin_of(sales.skus()[key]),
                **{name: day.isoformat() for name, day in next_week.items()},
                "meanForecastUnits": float(sold),
                **{f"p{level}ForecastUnits": round(sold * more, 2) for level, more in _LEVELS.items()},
            }
            for key, sold in sales.pieces().items()
        ]
        return {"reportSpecification": _about(sales, kind, sellingProgram=program), "forecastByAsin": rows}

    return made


def _persons(sales: Sales) -> Row:
    """Buyers who let the seller see what they looked at: here one that does not exist, at every product."""
    place = {"addressLine1": "1 Example Street", "city": "Example", "postalCode": "00000", "countryCode": "DE"}
    looks = [
        {
            **sales.span(),
            "marketplaceId": sales.market.id,
            "asin": asin_of(sales.skus()[key]),
            "pageViews": sold * _CLICKED,
            "gms": float(sales.revenue(key)),
            "currencyCode": sales.brand.currency,
        }
        for key, sold in sales.pieces().items()
    ]
    row = {"fullName": "Example Person", "primaryEmail": "person@example.com", "mailingAddress": place}
    about = _about(sales, "END_USER_DATA_REPORT", reportPeriod="WEEK")
    return {"reportSpecification": about, "endUserData": [row | {"asinMetrics": looks}]}


_LEVELS = {70: 1.2, 80: 1.35, 90: 1.6}
_RETAIL, _FRESH = "GET_VENDOR_FORECASTING_RETAIL_REPORT", "GET_VENDOR_FORECASTING_FRESH_REPORT"
DOCUMENTS: Mapping[str, Callable[[Sales], Row]] = {
    "GET_BRAND_ANALYTICS_SEARCH_CATALOG_PERFORMANCE_REPORT": _catalogue,
    "GET_BRAND_ANALYTICS_SEARCH_QUERY_PERFORMANCE_REPORT": _queries,
    "GET_BRAND_ANALYTICS_SEARCH_TERMS_REPORT": _terms,
    "GET_BRAND_ANALYTICS_MARKET_BASKET_REPORT": _baskets,
    "GET_BRAND_ANALYTICS_REPEAT_PURCHASE_REPORT": _repeated,
    "END_USER_DATA_REPORT": _persons,
    _RETAIL: _forecast(_RETAIL, "RETAIL"),
    _FRESH: _forecast(_FRESH, "FRESH"),
}


# -- Subscribe & Save -------------------------------------------------------------------------------------------------


def _subscribed(sales: Sales) -> list[Row]:
    """A tenth of what was sold goes to subscribers."""
    named = {"offer-state": "ENABLED", "snapshot-date": f"{sales.last.isoformat()}T00:00:00+00:00"}
    return [
        named
        | {"sku": sku.code, "fnsku": f"X00{asin_of(sku)[3:]}", "asin": asin_of(sku), "product-name": sku.code}
        | {"country": sales.market.country, "week-1-start-date": f"{sales.first.isoformat()}T00:00:00+00:00"}
        for sku in sales.brand.skus
    ]


def _planned(sales: Sales) -> list[Row]:
    pieces = {sales.skus()[key].code: sold // 10 for key, sold in sales.pieces().items()}
    rows = []
    for row in _subscribed(sales):
        weeks = {f"scheduled-sns-units-week-{week}": str(pieces[row["sku"]]) for week in range(1, 9)}
        share = {"estimated-avg-sns-discount-next-8-weeks": "5%"}
        rows.append(row | share | {"active-subscriptions": str(pieces[row["sku"]])} | weeks)
    return rows


def _performed(sales: Sales) -> list[Row]:
    skus = {sku.code: sku for sku in sales.brand.skus}
    pieces = {sales.skus()[key].code: sold // 10 for key, sold in sales.pieces().items()}
    rows = []
    for row in _subscribed(sales):
        for week in range(1, 5):
            row |= {f"sns-units-shipped-week-{week}": str(pieces[row["sku"]]), f"oos-rate-week-{week}": "0%"}
            price = f"{skus[row['sku']].price.amount:.2f}"
            row |= {f"sns-sale-price-week-{week}": price, f"sns-discount-week-{week}": "5%"}
        rows.append(row)
    return rows


TABLES: Mapping[str, Callable[[Sales], list[Row]]] = {
    "GET_FBA_SNS_FORECAST_DATA": _planned,
    "GET_FBA_SNS_PERFORMANCE_DATA": _performed,
}


def sales_of(world: WorldView, brand: Brand, market: Marketplace, until: datetime) -> Sales:
    """The week up to a moment."""
    return Sales(world=world, brand=brand, market=market, first=(until - _WEEK).date(), last=until.date())


def table(rows: list[Row]) -> bytes:
    """Rows as a flat file."""
    lines = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
    return "".join("\t".join(cells) + "\r\n" for cells in lines).encode("cp1252", "replace")
