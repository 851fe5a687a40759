"""TikTok's Marketing API on a loopback port: consent, advertisers, entities, synchronous reports, and bad habits."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

import msgspec

from shelftide_sdk.testing.consent_pages import back_to, consent_page, refusal_page
from shelftide_sdk.testing.emulator import Request, Response, Route
from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Brand, Network, Video, WorldView
from shelftide_tiktok.auth import ORGANIC_HEADER
from shelftide_tiktok.emulator_ads_facts import (
    AUDIENCE_METRICS,
    CUTS,
    IDS,
    LEVELS,
    METRICS,
    NETWORK,
    Row,
    Totals,
    advertiser_row,
    changed_at,
    cut,
    entity_id,
    entity_row,
    is_deleted,
    metric_values,
    totals_by_level,
)
from shelftide_tiktok.emulator_ads_reference import REFERENCE, Asked, Call, check, fields_of
from shelftide_tiktok.emulator_ads_tasks import ReportTasks
from shelftide_tiktok.emulator_door import Denied, TikTokEmulator
from shelftide_tiktok.emulator_grants import Issued, TokenState

DEMO_SECRET = "tiktok-ads-demo-secret"
_API = "/open_api/v1.3"
_LONGEST = timedelta(days=30)
_RIPENING = timedelta(days=3)
_MOST = 1000
_ALL_STATUSES = ("CAMPAIGN_STATUS_ALL", "ADGROUP_STATUS_ALL", "AD_STATUS_ALL")


class TikTokAdsEmulator(TikTokEmulator):
    """All advertisers of the world. A consent opens one advertiser, or all of a client's (`client:KEY`).

    Attributes:
        grants: tokens; `grants.issue(advertiser_id)` gives one without the consent page. They do not expire.
    """

    platform: ClassVar[str] = "tiktok-ads"
    hosts: ClassVar[tuple[str, ...]] = ("business-api.tiktok.com",)

    account_kind: ClassVar[str] = NETWORK
    demo_secret: ClassVar[str] = DEMO_SECRET
    access_life: ClassVar[timedelta] = timedelta(days=3650)
    refresh_life: ClassVar[timedelta] = timedelta(days=3650)
    good_word: ClassVar[str] = "OK"
    failure: ClassVar[tuple[int, str]] = (50000, "System error")

    def __init__(self, world: WorldView, **options: Any) -> None:
        super().__init__(world, **options)
        self.tasks = ReportTasks(self._task_rows, self.clock)
        self._clients: dict[str, list[str]] = {}
        for account, brand in self._accounts.items():
            self._clients.setdefault(f"client:{brand.client_key}", []).append(account)

    def routes(self) -> Sequence[Route]:
        """Consent, tokens and data."""
        return (
            Route("GET", r"/portal/auth", self.consent),
            Route("GET", r"/portal/approve", self.approve),
            Route("POST", rf"{_API}/oauth2/access_token/", self.exchange),
            Route("POST", rf"{_API}/oauth2/revoke_token/", self.revoke),
            Route("GET", rf"{_API}/oauth2/advertiser/get/", self.advertisers),
            Route("GET", rf"{_API}/advertiser/info/", self._answer(self._info)),
            Route("GET", rf"{_API}/(?P<kind>campaign|adgroup|ad)/get/", self._answer(self._entities)),
            Route("GET", rf"{_API}/report/integrated/get/", self._answer(self._report)),
            Route("POST", rf"{_API}/report/task/create/", self._answer(lambda r, o: self.tasks.create(r.json(), o))),
            Route("GET", rf"{_API}/report/task/check/", self._answer(lambda r, o: self.tasks.check(r.params, o))),
            Route("GET", rf"{_API}/report/task/download/", self._download),
            *(
                Route(call.method, f"{_API}/{path}/", self._answer(self._refer(call)))
                for path, call in REFERENCE.items()
            ),
        )

    def not_found(self, request: Request) -> Response:
        """What an unknown path answers."""
        return self._fail(40002, f"Unknown path {request.path}")

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which a person of the advertiser agrees."""
        asked = request.params
        if asked.get("app_id") != self.client_id:
            return refusal_page("app_id is unknown")
        accounts = [(key, f"{brand.name} Ads") for key, brand in self._accounts.items()]
        accounts += [(key, f"all {len(owned)} advertisers") for key, owned in self._clients.items() if len(owned) > 1]
        fields = {name: asked.get(name, "") for name in ("redirect_uri", "state")}
        return consent_page("Allow the app to see your advertisers", accounts, fields)

    def approve(self, request: Request) -> Response:
        """They agree: back to the app with a code, under both names."""
        asked = request.params
        account = asked.get("account", "")
        if not self._opened(account):
            return refusal_page("unknown advertiser")
        code = self.grants.code(account)
        return back_to(
            asked.get("redirect_uri", ""), {"auth_code": code, "code": code, "state": asked.get("state", "")}
        )

    def exchange(self, request: Request) -> Response:
        """Trade a code for a token that lives until it is revoked."""
        asked = request.json() or {}
        if not isinstance(asked, dict) or not self._is_app(asked):
            return self._fail(40101, "app_id and secret do not match")
        issued = self.grants.redeem(str(asked.get("auth_code")))
        if issued is None:
            return self._fail(40110, "the auth_code is invalid, used or expired")
        return self._good(self.token_data(issued))

    def revoke(self, request: Request) -> Response:
        """The app gives its rights back."""
        asked = request.json() or {}
        if not isinstance(asked, dict) or not self._is_app(asked):
            return self._fail(40101, "app_id and secret do not match")
        state, account = self.grants.look_up(str(asked.get("access_token")))
        if state is not TokenState.UNKNOWN:
            self.grants.revoke(account)
        return self._good({})

    def token_data(self, issued: Issued) -> Row:
        """The data of a token reply: no life, no refresh token."""
        return {"access_token": issued.access, "advertiser_ids": self._opened(issued.account), "scope": [4, 5]}

    def advertisers(self, request: Request) -> Response:
        """What a token opens. Asks for the app's id and secret too."""
        if not self._is_app(request.params):
            return self._fail(40101, "app_id and secret do not match")
        try:
            opened = self._opened(self._account(request))
        except Denied as denied:
            return self._fail(denied.code, str(denied))
        rows = [{"advertiser_id": key, "advertiser_name": f"{self._accounts[key].name} Ads"} for key in opened]
        return self._good({"list": rows})

    def _is_app(self, asked: Mapping[str, Any]) -> bool:
        return (asked.get("app_id"), asked.get("secret")) == (self.client_id, self.client_secret)

    def _opened(self, account: str) -> list[str]:
        return [account] if account in self._accounts else list(self._clients.get(account, ()))

    # -- one call ------------------------------------------------------------------------------------------------

    def is_data(self, request: Request) -> bool:
        """All calls but consent and tokens."""
        return request.path.startswith(_API) and "/oauth2/" not in request.path

    def too_many(self) -> Response:
        """A code in HTTP 200."""
        return self._fail(40100, "Too many requests. Please retry in a while.")

    def _no_data(self) -> Row:
        return {}

    def _account(self, request: Request) -> str:
        state, account = self.grants.look_up(request.headers.get(ORGANIC_HEADER.lower(), ""))
        if state is not TokenState.GOOD:
            raise Denied(40105, "Access token is incorrect or has been revoked.")
        return account

    def _answer(self, handler: Callable[[Request, Sequence[str]], Row]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return self._good(handler(request, self._opened(self._account(request))))
            except Denied as denied:
                return self._fail(denied.code, str(denied), denied.status)

        return answer

    def _download(self, request: Request) -> Response:
        try:
            return self.tasks.download(request.params, self._opened(self._account(request)))
        except Denied as denied:
            return self._fail(denied.code, str(denied), denied.status)

    def _brand(self, request: Request, opened: Sequence[str]) -> Brand:
        advertiser = request.params.get("advertiser_id", "")
        if advertiser not in opened:
            raise Denied(40001, "No permission to operate advertiser")
        return self._accounts[advertiser]

    # -- data ----------------------------------------------------------------------------------------------------

    def _info(self, request: Request, opened: Sequence[str]) -> Row:
        ids = [str(each) for each in _list(request, "advertiser_ids")]
        if not ids or len(ids) > 100:
            raise Denied(40002, "advertiser_ids must hold 1 to 100 ids")
        if set(ids) - set(opened):
            raise Denied(40001, "No permission to operate advertiser")
        return {"list": self._rearranged([advertiser_row(self._accounts[key], key) for key in ids])}

    def _refer(self, call: Call) -> Callable[[Request, Sequence[str]], Row]:
        """A call that no stream makes. One without an advertiser is answered for the first that the token opens."""

        def answer(request: Request, opened: Sequence[str]) -> Row:
            fields = fields_of(request)
            check(call, fields)
            advertiser = fields.get("advertiser_id") or opened[0]
            if advertiser not in opened:
                raise Denied(40001, "No permission to operate advertiser")
            return call.answer(Asked(brand=self._accounts[advertiser], world=self.world, fields=fields))

        return answer

    def _world_ads(self, brand: Brand) -> dict[str, AdEntity]:
        return self._memory.get(
            ("ads", brand.key), lambda: {entity.key: entity for entity in self.world.ads(brand.key, NETWORK)}
        )

    def _entities(self, request: Request, opened: Sequence[str]) -> Row:
        brand = self._brand(request, opened)
        ads = self._world_ads(brand)
        level = {"campaign": "campaign", "adgroup": "ad_group", "ad": "ad"}[request.match["kind"]]
        filtering = _object(request, "filtering")
        every = filtering.get("secondary_status") in _ALL_STATUSES
        videos: dict[str, Video] = {v.key: v for v in self.world.videos(brand.key, Network.TIKTOK)}
        last: dict[str, date] = {}
        for figures in self.world.ad_days(brand.key, NETWORK):
            last[figures.ad_key] = max(figures.day, last.get(figures.ad_key, figures.day))
        rows = [
            {"advertiser_id": request.params["advertiser_id"]}
            | entity_row(entity, ads, changed_at(entity, last, brand.zone), videos.get(entity.video_key or ""))
            for entity in ads.values()
            if entity.level == level and (every or not is_deleted(entity))
        ]
        return self._page(request, rows)

    def _report(self, request: Request, opened: Sequence[str]) -> Row:
        self._brand(request, opened)
        lists = {name: _list(request, name) for name in ("dimensions", "metrics")}
        every = "STATUS_ALL" in request.params.get("filtering", "")
        hourly = "stat_time_hour" in lists["dimensions"]
        if request.params.get("query_lifetime") != "true":
            first, last = self._window(request.params)
            if last - first >= _LONGEST or (hourly and first != last):
                raise Denied(40002, "the window is too long: 30 days by day, one day by hour")
        return self._page(request, self._rows_of({**request.params, **lists}, every))

    def _task_rows(self, body: Mapping[str, Any], every: bool) -> list[Row]:
        return self._rearranged(self._rows_of(body, every))

    def _rows_of(self, asked: Mapping[str, Any], every: bool) -> list[Row]:
        """Rows of a report, of whichever kind. Raises Denied for what does not go together."""
        brand = self._accounts[asked["advertiser_id"]]
        level = LEVELS.get(asked.get("data_level", ""))
        dimensions = [str(each) for each in asked["dimensions"]]
        metrics = [str(each) for each in asked.get("metrics") or ("spend", "impressions")]
        if level is None or asked.get("service_type") != "AUCTION" or IDS[level] not in dimensions:
            raise Denied(40002, "data_level, service_type and dimensions do not go together")
        if asked.get("report_type") not in ("BASIC", "AUDIENCE"):
            raise Denied(40002, f"report_type is none of BASIC and AUDIENCE: {asked.get('report_type')}")
        known = AUDIENCE_METRICS if asked["report_type"] == "AUDIENCE" else METRICS
        if set(metrics) - known:
            raise Denied(40002, f"Invalid metric fields: {sorted(set(metrics) - known)}")
        return self._report_rows(asked, brand, level, dimensions, metrics, every=every)

    def _report_rows(  # a report's own words
        self,
        asked: Mapping[str, Any],
        brand: Brand,
        level: str,
        dimensions: Sequence[str],
        metrics: Sequence[str],
        *,
        every: bool,
    ) -> list[Row]:
        lifetime = str(asked.get("query_lifetime")).lower() == "true"
        ads = self._world_ads(brand)
        first, last = (None, None) if lifetime else self._window(asked)
        shown = [
            self._ripe(figures)
            for figures in self.world.ad_days(brand.key, NETWORK)
            if (first is None or first <= figures.day) and (last is None or figures.day <= last)
            if every or not is_deleted(ads[figures.ad_key])
        ]
        extra = [name for name in dimensions if name in CUTS]
        unknown = set(dimensions) - {IDS[level], *CUTS} - (set() if lifetime else {"stat_time_day"})
        if unknown or len(extra) > 1:
            raise Denied(40002, f"Invalid dimensions: {dimensions}")
        rows = []
        for (key, day), totals in sorted(totals_by_level(shown, ads, level, lifetime=lifetime).items()):
            own = str(asked["advertiser_id"]) if level == "account" else entity_id(key)
            for bucket, part in self._parts(totals, key, extra).items():
                named = {IDS[level]: own, **_when(brand, day, extra, bucket)}
                rows.append({"dimensions": named, "metrics": metric_values(part, metrics, _parents(ads, key))})
        return rows

    def _ripe(self, figures: AdFigures) -> AdFigures:
        """Conversions of the last days come late: half of them are missing where the platform restates."""
        if "restate" not in self.scenarios or self.now.date() - figures.day > _RIPENING:
            return figures
        known = figures.conversions // 2
        revenue = figures.revenue * known / figures.conversions if figures.conversions else figures.revenue
        return msgspec.structs.replace(figures, conversions=known, revenue=round(revenue, 2))

    def _parts(self, totals: Totals, key: str, extra: Sequence[str]) -> dict[str, Totals]:
        if not extra:
            return {"": totals}
        return {b: part for b, part in cut(totals, key, extra[0]).items() if part.counts["impressions"]}

    def _window(self, asked: Mapping[str, Any]) -> tuple[date, date]:
        try:
            first, last = date.fromisoformat(asked["start_date"]), date.fromisoformat(asked["end_date"])
        except (KeyError, TypeError, ValueError) as error:
            raise Denied(40002, "start_date and end_date must both be dates") from error
        if first > last:
            raise Denied(40002, "start_date is after end_date")
        return first, last

    def _page(self, request: Request, rows: list[Row]) -> Row:
        asked = request.params
        number, size = asked.get("page", "1"), asked.get("page_size", "10")
        if not number.isdigit() or not size.isdigit() or not 1 <= int(size) <= _MOST or int(number) < 1:
            raise Denied(40002, f"page must be 1 or more and page_size 1 to {_MOST}")
        start = (int(number) - 1) * int(size)
        info = {
            "page": int(number),
            "page_size": int(size),
            "total_number": len(rows),
            "total_page": -(-len(rows) // int(size)),
        }
        return {"list": self._rearranged(rows[start : start + int(size)]), "page_info": info}


def _parents(ads: Mapping[str, AdEntity], key: str) -> dict[str, str]:
    """Ids of an entity and of all above it, as metrics carry them."""
    found = {}
    while key:
        found[IDS[ads[key].level]] = entity_id(key)
        key = ads[key].parent_key
    return found


def _when(brand: Brand, day: date | None, extra: Sequence[str], bucket: str) -> Row:
    home = brand.market if bucket == "HOME" else bucket
    if day is None:
        return dict.fromkeys(extra, home)
    if extra == ["stat_time_hour"]:
        return {"stat_time_hour": f"{day.isoformat()} {bucket}:00:00"}
    return {"stat_time_day": f"{day.isoformat()} 00:00:00", **dict.fromkeys(extra, home)}


def _list(request: Request, name: str) -> list[Any]:
    found = _decoded(request, name, "[]")
    if not isinstance(found, list):
        raise Denied(40002, f"{name} must be a JSON list")
    return found


def _object(request: Request, name: str) -> Mapping[str, Any]:
    found = _decoded(request, name, "{}")
    if not isinstance(found, dict):
        raise Denied(40002, f"{name} must be a JSON object")
    return found


def _decoded(request: Request, name: str, default: str) -> Any:
    try:
        return json.loads(request.params.get(name, default))
    except ValueError as error:
        raise Denied(40002, f"{name} must be JSON") from error
