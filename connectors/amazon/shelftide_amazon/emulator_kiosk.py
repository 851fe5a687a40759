"""The emulated Data Kiosk: queries, their states, and documents with a row a line."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_amazon import emulator_goods_facts as goods
from shelftide_amazon import emulator_order_facts as orders
from shelftide_amazon.emulator_door import AmazonDoor, Fault, Row
from shelftide_sdk.testing.emulator import Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Brand, Sku, stable_id

_FILES = "dpp-na-prod.s3-external-1.amazonaws.com"
_STATES = ("IN_QUEUE", "IN_PROGRESS", "DONE")
_DAY = r'{}:\s*"(\d{{4}}-\d\d-\d\d)"'
VIEWS_OF_A_PIECE = 20  # one view in twenty buys


class Sent(msgspec.Struct, kw_only=True):
    """A query with how often its state was asked for."""

    id: str
    query: str
    brand: str
    made_at: str
    polls: int = 0


class SellerKiosk:
    """Queries of all sellers."""

    def __init__(self, door: AmazonDoor) -> None:
        self._door = door
        self._sent: dict[str, Sent] = {}

    def routes(self) -> Sequence[Route]:
        """Paths of queries and their documents."""
        api, stem = self._door.seller_api, "/dataKiosk/2023-11-15"
        return (
            Route("POST", f"{stem}/queries", api(self._create)),
            Route("GET", stem + r"/queries/(?P<id>\w+)", api(self._state)),
            Route("GET", stem + r"/documents/(?P<id>[\w.]+)", api(self._document)),
        )

    def _create(self, request: Request, brand: Brand) -> Response:
        body = request.json()
        query = body.get("query") if isinstance(body, dict) else None
        if not isinstance(query, str) or not any(name in query for name in _ROWS):
            raise Fault(400, "InvalidInput", "The query is invalid.")
        start, end = _days(query)
        if start > end:
            raise Fault(400, "InvalidInput", "startDate must not be after endDate.")
        number = len(self._sent) + 1
        query_id = f"{number}{stable_id('kiosk', f'{brand.key}/{number}', 11)}"
        made_at = goods.stamp(self._door.clock())
        self._sent[query_id] = Sent(id=query_id, query=query, brand=brand.key, made_at=made_at)
        return reply({"queryId": query_id}, 202)

    def _find(self, request: Request, brand: Brand) -> Sent:
        found = self._sent.get(request.match["id"].removesuffix(".document"))
        if found is None or found.brand != brand.key:
            raise Fault(404, "NotFound", "The requested resource does not exist.")
        return found

    def _state(self, request: Request, brand: Brand) -> Row:
        found = self._find(request, brand)
        state = _STATES[min(found.polls, len(_STATES) - 1)]
        found.polls += 1
        row: Row = {"queryId": found.id, "query": found.query, "createdTime": found.made_at, "processingStatus": state}
        if state != "DONE":
            return row
        row["processingEndTime"] = goods.stamp(self._door.clock())
        return row | ({"dataDocumentId": f"{found.id}.document"} if self._rows(found, brand) else {})

    def _document(self, request: Request, brand: Brand) -> Row:
        found = self._find(request, brand)
        lines = [json.dumps(row) for row in self._door.rearranged(self._rows(found, brand))]
        text = "".join(f"{line}\n" for line in lines)
        url = self._door.store(f"{found.id}.jsonl", text.encode(), True, _FILES, "gzip")
        return {"documentId": f"{found.id}.document", "documentUrl": url}

    def _rows(self, found: Sent, brand: Brand) -> list[Row]:
        make = next(make for name, make in _ROWS.items() if name in found.query)
        market = self._door.market_of(brand)
        start, end = _days(found.query)
        named = {"marketplaceId": market.id}
        sold = {on: rows for on, rows in sold_by_day(self._door, brand).items() if start <= on <= end}
        return [row for on in sorted(sold) for row in make(_dated(on) | named, sold[on], brand)]


def sold_by_day(door: AmazonDoor, brand: Brand) -> Mapping[date, Mapping[str, tuple[int, Decimal]]]:
    """Pieces and their price by day of the marketplace and by variant."""
    zone = ZoneInfo(door.market_of(brand).zone)
    found: dict[date, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for order in orders.orders_of(door.world, brand):
        if order.placed_at > door.world.now:
            continue
        on = found[order.placed_at.astimezone(zone).date()]
        for line in order.lines:
            units, revenue = on.get(line.sku_key, (0, Decimal(0)))
            on[line.sku_key] = (units + line.quantity, revenue + line.quantity * line.unit_price)
    return found


def _days(query: str) -> tuple[date, date]:
    found = [re.search(_DAY.format(name), query) for name in ("startDate", "endDate")]
    if None in found:
        raise Fault(400, "InvalidInput", "startDate and endDate are required.")
    first, last = (date.fromisoformat(each.group(1)) for each in found if each)
    return first, last


def _dated(on: date) -> Row:
    return {"startDate": on.isoformat(), "endDate": on.isoformat()}


Sold = Mapping[str, tuple[int, Decimal]]


def _skus(sold: Sold, brand: Brand) -> list[tuple[Sku, int, Row]]:
    skus = {sku.key: sku for sku in brand.skus}
    return [
        (skus[key], units, {"amount": float(revenue), "currencyCode": brand.currency})
        for key, (units, revenue) in sold.items()
    ]


def _by_sku(name: str) -> Callable[[Row, Sold, Brand], list[Row]]:
    def rows(about: Row, sold: Sold, brand: Brand) -> list[Row]:
        return [
            about
            | {"parentAsin": goods.asin_of(sku), "childAsin": goods.asin_of(sku), name: sku.code}
            | {"sales": {"unitsOrdered": units, "orderedProductSales": revenue}}
            for sku, units, revenue in _skus(sold, brand)
        ]

    return rows


def _by_view(about: Row, sold: Sold, brand: Brand) -> list[Row]:
    products: list[Any] = [
        {
            "groupByKey": {"asin": goods.asin_of(sku)},
            "metrics": {"orders": {"orderedUnitsWithRevenue": {"units": units, "value": revenue}}},
        }
        for sku, units, revenue in _skus(sold, brand)
    ]
    return [about | {"metrics": products}]


def _by_day(about: Row, sold: Sold, brand: Brand) -> list[Row]:
    views = VIEWS_OF_A_PIECE * sum(units for units, _ in sold.values())
    return [about | {"traffic": {"pageViews": views, "sessions": views // 2}}]


_ROWS: Mapping[str, Callable[[Row, Sold, Brand], list[Row]]] = {
    "salesAndTrafficByAsin": _by_sku("sku"),
    "economics(": _by_sku("msku"),
    "manufacturingView": _by_view,
    "salesAndTrafficByDate": _by_day,
}
