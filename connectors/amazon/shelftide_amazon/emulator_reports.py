"""The emulated reports: a queue, states, a habit of cancelling what is asked for again, and documents."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_amazon import emulator_analytics as analytics
from shelftide_amazon import emulator_order_facts as orders
from shelftide_amazon.emulator_door import AmazonDoor, Fault, Row
from shelftide_amazon.emulator_goods_facts import stamp
from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.values import moment
from shelftide_sdk.errors import DataError
from shelftide_sdk.testing.emulator import Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Brand, Order, stable_id

ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
HEALTH = "GET_V2_SELLER_PERFORMANCE_REPORT"
_AGAIN = timedelta(hours=4)
_STATES = ("IN_QUEUE", "IN_PROGRESS", "DONE")
FILES = "tortuga-prod-na.s3-external-1.amazonaws.com"


class Made(msgspec.Struct, kw_only=True):
    """A report with how often its state was asked for."""

    id: str
    type: str
    brand: str
    start: str | None
    end: str | None
    made_at: datetime
    cancelled: bool = False
    empty: bool = False
    polls: int = 0

    @property
    def state(self) -> str:
        """Queued, then made, then done; or cancelled, where the same was asked for before or there is no row."""
        found = _STATES[min(self.polls, len(_STATES) - 1)]
        return "CANCELLED" if self.cancelled or (self.empty and found == "DONE") else found


class SellerReports:
    """Reports of all sellers. `answered` are the types that it makes."""

    answered = frozenset({ORDERS, HEALTH, *analytics.DOCUMENTS, *analytics.TABLES})

    def __init__(self, door: AmazonDoor) -> None:
        self._door = door
        self._made: dict[str, Made] = {}

    def routes(self) -> Sequence[Route]:
        """Paths of reports and their documents."""
        api = self._door.seller_api
        return (
            Route("POST", r"/reports/2021-06-30/reports", api(self._create)),
            Route("GET", r"/reports/2021-06-30/reports", api(self._list)),
            Route("GET", r"/reports/2021-06-30/reports/(?P<id>[\w.-]+)", api(self._state)),
            Route("GET", r"/reports/2021-06-30/documents/(?P<id>[\w.-]+)", api(self._document)),
        )

    def _create(self, request: Request, brand: Brand) -> Response:
        body = request.json()
        if not isinstance(body, dict) or body.get("reportType") not in self.answered:
            raise Fault(400, "InvalidInput", "Report type is not allowed for this seller.")
        if self._door.market_of(brand).id not in body.get("marketplaceIds", ()):
            raise Fault(400, "InvalidInput", "The marketplace is not one of the seller's.")
        now = self._door.clock()
        start, end = body.get("dataStartTime"), body.get("dataEndTime")
        again = any(
            made.brand == brand.key
            and (made.type, made.start, made.end) == (body["reportType"], start, end)
            and made.made_at > now - _AGAIN
            for made in self._made.values()
        )
        number = len(self._made) + 1
        made = Made(
            id=f"{number}{stable_id('report', f'{brand.key}/{number}', 11)}",
            type=body["reportType"],
            brand=brand.key,
            start=start,
            end=end,
            made_at=now,
            cancelled=again,
        )
        made.empty = made.type == ORDERS and not self._changed(made, brand)
        self._made[made.id] = made
        return reply({"reportId": made.id}, 202)

    def _find(self, request: Request, brand: Brand) -> Made:
        made = self._made.get(request.match["id"].removesuffix(".document"))
        if made is None or made.brand != brand.key:
            raise Fault(404, "NotFound", "The requested resource does not exist.")
        return made

    def _state(self, request: Request, brand: Brand) -> Row:
        made = self._find(request, brand)
        row = self._row(made, brand)
        made.polls += 1
        return row

    def _row(self, made: Made, brand: Brand) -> Row:
        row: Row = {
            "reportType": made.type,
            "reportId": made.id,
            "marketplaceIds": [self._door.market_of(brand).id],
            "processingStatus": made.state,
            "createdTime": stamp(made.made_at),
        }
        if made.start:
            row["dataStartTime"] = made.start
        if made.end:
            row["dataEndTime"] = made.end
        if made.state != "IN_QUEUE":
            row["processingStartTime"] = stamp(made.made_at)
        if made.state in ("DONE", "CANCELLED"):
            row["processingEndTime"] = stamp(self._door.clock())
        if made.state == "DONE":
            row["reportDocumentId"] = f"{made.id}.document"
        return row

    def _list(self, request: Request, brand: Brand) -> Row:
        asked = request.params
        if "nextToken" in asked and len(asked) > 1:
            raise Fault(400, "InvalidInput", "With nextToken no other parameter is allowed.")
        types = asked.get("reportTypes", "").split(",")
        states = asked.get("processingStatuses", ",".join((*_STATES, "CANCELLED", "FATAL"))).split(",")
        rows = [
            self._row(made, brand)
            for made in self._made.values()
            if made.brand == brand.key and made.type in types and made.state in states
        ]
        page, token = self._door.cut(rows, asked.get("nextToken"), 100)
        return {"reports": page} | ({"nextToken": token} if token else {})

    def _document(self, request: Request, brand: Brand) -> Row:
        made = self._find(request, brand)
        if made.state != "DONE":
            raise Fault(404, "NotFound", "The requested resource does not exist.")
        packed = made.type == ORDERS
        url = self._door.store(f"{made.id}.bin", self._content(made, brand), packed, FILES)
        row: Row = {"reportDocumentId": f"{made.id}.document", "url": url}
        return row | ({"compressionAlgorithm": "GZIP"} if packed else {})

    def _content(self, made: Made, brand: Brand) -> bytes:
        market = self._door.market_of(brand)
        if made.type == HEALTH:
            return json.dumps(health(self._door, brand, market)).encode()
        if made.type == ORDERS:
            return self._orders(made, brand, market)
        sales = analytics.sales_of(self._door.world, brand, market, _time(made.end, self._door.world.now))
        if made.type in analytics.TABLES:
            return analytics.table(analytics.TABLES[made.type](sales))
        return json.dumps(analytics.DOCUMENTS[made.type](sales)).encode()

    def _shown(self) -> orders.Shown:
        habits = self._door.scenarios
        return orders.Shown(
            pending="moderation-delay" in habits, drifted="schema-drift" in habits, touched="restate" in habits
        )

    def _changed(self, made: Made, brand: Brand) -> list[Order]:
        """Orders that changed in the report's window."""
        world, shown = self._door.world, self._shown()
        start, end = _time(made.start, world.start), _time(made.end, world.now)
        return [o for o in orders.orders_of(world, brand) if start <= orders.changed(o, world, shown) <= end]

    def _orders(self, made: Made, brand: Brand, market: Marketplace) -> bytes:
        habits, world = self._door.scenarios, self._door.world
        rows = orders.order_table(world, brand, self._changed(made, brand), market, self._shown())
        if "shuffle" in habits:
            self._door.random.shuffle(rows)
        header = list(orders.COLUMNS)
        if "schema-drift" in habits:
            header.append("field-added-last-night")
            rows = [[*row, "x"] for row in rows]
        text = "".join("\t".join(row) + "\r\n" for row in (header, *rows))
        return text.encode("cp1252", "replace") if market.country != "JP" else text.encode("cp932", "replace")


def _time(text: str | None, default: datetime) -> datetime:
    try:
        return default if text is None else moment(text, "data time")
    except DataError as error:
        raise Fault(400, "InvalidInput", str(error)) from error


def health(door: AmazonDoor, brand: Brand, market: Marketplace) -> Row:
    """A seller performance report: some rules are kept, one is not."""
    world = door.world
    until = world.now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = {
        "reportingDateFrom": (until - timedelta(days=60)).strftime("%Y-%m-%dT%H:%MZ"),
        "reportingDateTo": until.strftime("%Y-%m-%dT%H:%MZ"),
    }
    count = len(orders.orders_of(world, brand))
    good: Any = {"count": 0, "status": "GOOD"}
    violation = {
        "reportingDateRange": days,
        "defectsCount": 0,
        "status": "GOOD",
        "targetValue": 0,
        "targetCondition": "EQUALS",
    }
    metric = {
        "marketplaceId": market.id,
        "orderDefectRate": {
            "afn": {
                "reportingDateRange": days,
                "orderCount": count,
                "orderWithDefects": good,
                "claims": good,
                "chargebacks": good,
                "negativeFeedback": good,
                "status": "GOOD",
                "rate": 0,
                "targetValue": 0.01,
                "targetCondition": "LESS_THAN",
            }
        },
        "listingPolicyViolations": violation | {"defectsCount": 1, "status": "BAD"},
        "productSafetyCustomerComplaints": violation,
        "warningStates": [],
        "accountHealthRating": {"ahrStatus": "GREAT", "reportingDateRange": days},
    }
    return {
        "accountStatuses": [{"marketplaceId": market.id, "status": "NORMAL"}],
        "performanceMetrics": [metric],
    }
