"""The emulated Ads API: profiles, lists of three products, and reports that take their time."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_amazon import emulator_ads_facts as facts
from shelftide_amazon.auth import MEDIA_TYPES
from shelftide_amazon.emulator_ads_actions import ACTIONS, Advertiser
from shelftide_amazon.emulator_door import AmazonDoor, Fault, Row
from shelftide_amazon.mapping_ad_reports import AD_REPORTS, AdReport, report_of
from shelftide_amazon.mapping_ads import PRODUCTS
from shelftide_sdk.testing.emulator import Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Brand, stable_id

FILES = "offline-report-storage-us-east-1-prod.s3.amazonaws.com"
MEDIA = "application/vnd.createasyncreportrequest.v3+json"
_STATES = ("PENDING", "PENDING", "PROCESSING", "COMPLETED")
_KEPT = {"SPONSORED_PRODUCTS": 95, "SPONSORED_BRANDS": 60, "SPONSORED_DISPLAY": 65}
_LONGEST = 31


class Asked(msgspec.Struct, kw_only=True):
    """A report with how often its state was asked for."""

    id: str
    brand: str
    body: Row
    made_at: datetime
    polls: int = 0

    @property
    def state(self) -> str:
        """Pending for minutes, then processed, then completed."""
        return _STATES[min(self.polls, len(_STATES) - 1)]


class AdsNodes:
    """Answers about advertising."""

    def __init__(self, door: AmazonDoor) -> None:
        self._door = door
        self._reports: dict[str, Asked] = {}

    def routes(self) -> Sequence[Route]:
        """Paths of the Ads API."""
        lists = [path for path in MEDIA_TYPES if path.endswith("/list")]
        return (
            Route("GET", r"/v2/profiles", self._api(self._profiles)),
            *(Route("POST", path, self._api(self._list)) for path in lists),
            *(
                Route("GET", path, self._api(self._display))
                for path in ("/sd/campaigns", "/sd/adGroups", "/sd/productAds")
            ),
            Route("POST", r"/reporting/reports", self._api(self._create)),
            Route("GET", r"/reporting/reports/(?P<id>[\w-]+)", self._api(self._state)),
            Route("POST", r"/attribution/report", self._api(self._attributed)),
            *(Route(method, path, self._act(answer)) for method, path, answer in ACTIONS),
        )

    def _api(self, handler: Callable[[Request, list[Brand]], Any]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return reply(
                    handler(request, self._brands(request)), headers={"x-amzn-requestid": self._door.request_id()}
                )
            except Fault as fault:
                return self._fail(fault)

        return answer

    def _act(self, answer: Callable[[Advertiser], tuple[int, Any]]) -> Callable[[Request], Response]:
        def act(request: Request) -> Response:
            try:
                (brand,) = self._brands(request)
                named = request.match.get("named", "")
                body = request.json() if request.body else None
                status, found = answer(Advertiser(world=self._door.world, brand=brand, named=named, body=body))
            except Fault as fault:
                return self._fail(fault)
            return reply(found, status, headers={"x-amzn-requestid": self._door.request_id()})

        return act

    def _fail(self, fault: Fault) -> Response:
        body = {"code": fault.code, "details": str(fault), "requestId": self._door.request_id()}
        return reply(body, fault.status, fault.headers)

    def _brands(self, request: Request) -> list[Brand]:
        """The brands that the caller may see: all at the list of profiles, elsewhere the one that he names."""
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.headers.get("amazon-advertising-api-clientid") != self._door.client_id:
            raise Fault(401, "UNAUTHORIZED", "No matching client found")
        user = self._user(sent)
        brands = self._door.advertisers().get(user, [])
        if request.path == "/v2/profiles":
            return brands
        scope = request.headers.get("amazon-advertising-api-scope", "")
        found = [brand for brand in brands if brand.accounts[facts.NETWORK] == scope]
        if not found:
            raise Fault(401, "UNAUTHORIZED", f"Not authorized to access scope {scope}")
        return found

    def _user(self, text: str) -> str:
        token = self._door.grants.look_up(text)
        if token is None:
            raise Fault(401, "UNAUTHORIZED", "Not authenticated: HTTP 401 Unauthorized")
        self._door.use(token)
        if token.until <= self._door.clock():
            raise Fault(401, "UNAUTHORIZED", "HTTP 401 Unauthorized: the token has expired")
        return token.user

    # -- entities ------------------------------------------------------------------------------------------------

    def _profiles(self, request: Request, brands: list[Brand]) -> list[Row]:
        return [facts.profile_row(brand, self._door.market_of(brand).id) for brand in brands]

    def _list(self, request: Request, brands: list[Brand]) -> Row:
        media = MEDIA_TYPES[request.path]
        if request.headers.get("content-type") != media or request.headers.get("accept") != media:
            raise Fault(415, "415", f"Cannot consume content type {request.headers.get('content-type')}")
        asked = request.json() or {}
        *_, level, _end = request.path.split("/")
        product = "sp" if request.path.startswith("/sp/") else "sb"
        rows = facts.entity_rows(self._door.world, brands[0], product, level, self._drifts())
        states = asked.get("stateFilter", {}).get("include", ["ENABLED", "PAUSED"])
        rows = [row for row in rows if row["state"] in (*states, "ON_HOLIDAY")]
        page, token = self._door.cut(rows, asked.get("nextToken"), int(asked.get("maxResults", 10)))
        body: Row = {level: page, "totalResults" if product == "sp" else "totalCount": len(rows)}
        return body | ({"nextToken": token} if token else {})

    def _drifts(self) -> bool:
        return "schema-drift" in self._door.scenarios

    def _display(self, request: Request, brands: list[Brand]) -> list[Row]:
        asked = request.params
        level = request.path.rsplit("/", maxsplit=1)[-1]
        rows = facts.entity_rows(self._door.world, brands[0], "sd", level)
        states = asked.get("stateFilter", "enabled,paused").split(",")
        rows = [row for row in rows if row["state"] in states]
        start, count = int(asked.get("startIndex", 0)), int(asked.get("count", 5000))
        return self._door.rearranged(rows[start : start + count])

    # -- reports -------------------------------------------------------------------------------------------------

    def _create(self, request: Request, brands: list[Brand]) -> Row:
        if request.headers.get("content-type") != MEDIA:
            raise Fault(415, "415", "Cannot consume content type")
        body = request.json()
        days, wanted = self._window(body, brands[0]), body["configuration"]
        if days[0] < self._today(brands[0]) - timedelta(days=_KEPT[wanted["adProduct"]]):
            raise Fault(400, "400", "Report date is too far in the past. Reports are only available for 95 days.")
        for made in self._reports.values():
            if made.brand == brands[0].key and made.body == body and made.state != "COMPLETED":
                raise Fault(425, "425", f"The Request is a duplicate of : {made.id}")
        number = len(self._reports) + 1
        text = f"{stable_id('ads-report', f'{brands[0].key}/{number}', 12)}"
        made = Asked(id=f"0034fb06-812c-4cad-ba88-{text}", brand=brands[0].key, body=body, made_at=self._door.clock())
        self._reports[made.id] = made
        return self._row(made, brands[0])

    def _window(self, body: Any, brand: Brand) -> tuple[date, date]:
        try:
            wanted = body["configuration"]
            days = date.fromisoformat(body["startDate"]), date.fromisoformat(body["endDate"])
            if _report(wanted) is None:
                raise Fault(400, "400", f"configuration reportTypeId {wanted['reportTypeId']} is not supported")
            if wanted["timeUnit"] != "DAILY" or wanted["format"] != "GZIP_JSON" or "date" not in wanted["columns"]:
                raise Fault(400, "400", "configuration columns includes invalid values")
        except (KeyError, TypeError, ValueError) as error:
            raise Fault(400, "400", f"the request lacks {error}") from error
        if days[1] < days[0] or (days[1] - days[0]).days >= _LONGEST:
            raise Fault(400, "400", "endDate - startDate must not exceed 31 days")
        return days

    def _today(self, brand: Brand) -> date:
        return self._door.world.now.astimezone(ZoneInfo(brand.zone)).date()

    def _state(self, request: Request, brands: list[Brand]) -> Row:
        made = self._reports.get(request.match["id"])
        if made is None or made.brand != brands[0].key:
            raise Fault(404, "404", "Report was not found")
        made.polls += 1
        return self._row(made, brands[0])

    def _row(self, made: Asked, brand: Brand) -> Row:
        at = made.made_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        row: Row = {
            "reportId": made.id,
            "status": made.state,
            "createdAt": at,
            "updatedAt": at,
            "generatedAt": None,
            "url": None,
            "urlExpiresAt": None,
            "fileSize": None,
            "failureReason": None,
            "configuration": {**made.body["configuration"], "filters": None},
            **{name: made.body.get(name) for name in ("startDate", "endDate", "name")},
        }
        if made.state != "COMPLETED":
            return row
        content = json.dumps(self._content(made, brand)).encode()
        url = self._door.store(f"report-{made.id}.json.gz", content, True, FILES)
        return row | {"url": url, "generatedAt": at, "urlExpiresAt": at, "fileSize": len(content)}

    def _content(self, made: Asked, brand: Brand) -> list[Row]:
        wanted = made.body["configuration"]
        report = _report(wanted)
        assert report is not None  # it was when it was asked for
        product = next(name for name, product in PRODUCTS.items() if product is report.product)
        days = date.fromisoformat(made.body["startDate"]), date.fromisoformat(made.body["endDate"])
        rows = facts.report_rows(self._door.world, brand, product, days, "restate" in self._door.scenarios)
        shown = [{name: row.get(name) for name in wanted["columns"]} for row in facts.rolled_up(rows, report)]
        if self._drifts():
            shown = [{**row, "fieldAddedLastNight": {"deep": [1]}} for row in shown]
        return self._door.rearranged(shown)

    def _attributed(self, request: Request, brands: list[Brand]) -> Row:
        asked = request.json()
        if not isinstance(asked, dict) or not {"reportType", "startDate", "endDate"} <= asked.keys():
            raise Fault(400, "400", "the request lacks its type or its days")
        return {"reports": self._attributed_rows(brands[0]), "size": 0, "cursorId": None}

    def _attributed_rows(self, brand: Brand) -> list[Row]:
        """None: no link of these brands carries a tag of Attribution."""
        return []


def _report(wanted: Any) -> AdReport | None:
    """The type of report that a configuration asks for."""
    known = (*map(report_of, PRODUCTS.values()), *AD_REPORTS.values())
    asked = (wanted["adProduct"], wanted["reportTypeId"], tuple(wanted["groupBy"]))
    return next((each for each in known if (each.product.name, each.type, each.groups) == asked), None)
