"""Xiaohongshu's marketing API on a loopback port: one consent, Juguang's ads and Pugongying's paid notes."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

from shelftide_sdk.testing.consent_pages import back_to, consent_page, refusal_page
from shelftide_sdk.testing.emulator import Request, Response, Route, reply
from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Brand, Network, Video
from shelftide_xiaohongshu.auth import CONSENT_HOST, MAPI_HEADER, MAPI_HOST
from shelftide_xiaohongshu.emulator_door import (
    Denied,
    Issued,
    Row,
    XiaohongshuEmulator,
    brands_by_account,
    chance,
)
from shelftide_xiaohongshu.emulator_mapi_facts import (
    HOURS,
    LEVELS,
    NETWORK,
    ORDERED_BEFORE,
    PLACEMENTS,
    Paid,
    Totals,
    by_level,
    campaign_row,
    creative_row,
    cut,
    dimensions,
    kol_id,
    kol_row,
    metrics,
    note_row,
    paid_notes,
    public_at,
    unit_row,
)
from shelftide_xiaohongshu.values import midnight, shanghai_day

PAID = "xiaohongshu-pugongying"
DEMO_SECRET = "xiaohongshu-demo-secret"
_API = "/api/open"
_KEPT = 3
_LATE = ("success_goods_order", "like", "click")  # orders come late, and clicks are cleaned
_LONGEST = timedelta(days=29)


class MapiEmulator(XiaohongshuEmulator):
    """All advertisers and brands of the world. A consent opens one advertiser, all of a client's (`client:KEY`), or
    one brand's paid notes; lives are those that are quoted, 24 hours and 7 days.
    """

    platform: ClassVar[str] = "xiaohongshu"
    hosts: ClassVar[tuple[str, ...]] = (MAPI_HOST, CONSENT_HOST)
    demo_secret: ClassVar[str] = DEMO_SECRET
    access_life: ClassVar[timedelta] = timedelta(hours=24)
    refresh_life: ClassVar[timedelta] = timedelta(days=7)

    def __init__(self, world: Any, **options: Any) -> None:
        super().__init__(world, **options)
        self._advertisers = brands_by_account(world.brands, NETWORK)
        self._brands = brands_by_account(world.brands, PAID)
        self._clients: dict[str, list[str]] = {}
        for account, brand in self._advertisers.items():
            self._clients.setdefault(f"client:{brand.client_key}", []).append(account)

    def routes(self) -> Sequence[Route]:
        """Consent, tokens and data."""
        levels = "campaign|unit|creativity"
        return (
            Route("GET", r"/aurora/openApiAuth", self.consent),
            Route("GET", r"/aurora/approve", self.approve),
            Route("POST", rf"{_API}/oauth2/(?P<step>access_token|refresh_token)", self.token),
            Route("POST", rf"{_API}/jg/campaign/list", self._ads(self._campaigns)),
            Route("POST", rf"{_API}/jg/unit/list", self._ads(self._units)),
            Route("POST", rf"{_API}/jg/creativity/search", self._ads(self._creatives)),
            Route("POST", rf"{_API}/jg/data/report/offline/(?P<level>{levels})", self._ads(self._settled)),
            Route("POST", rf"{_API}/jg/data/report/realtime/(?P<level>{levels})", self._ads(self._live)),
            Route("POST", rf"{_API}/pgy/note/post/data", self._paid(self._notes)),
            Route("POST", rf"{_API}/pgy/kol/data/detail", self._paid(self._creators)),
        )

    def is_data(self, request: Request) -> bool:
        """Whether a request asks for data."""
        return request.path.startswith((f"{_API}/jg/", f"{_API}/pgy/"))

    def not_found(self, request: Request) -> Response:
        """What an unknown path answers."""
        return self.fail(404, f"unknown path {request.path}", 404)

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which a person of the advertiser agrees."""
        asked = request.params
        try:
            scopes = json.loads(asked.get("scope", ""))
        except ValueError:
            scopes = None
        if asked.get("app_id") != self.client_id or not isinstance(scopes, list) or not scopes:
            return refusal_page("app_id or scope is wrong")
        if any(str(scope).startswith("pgy") for scope in scopes):
            accounts = [(key, brand.name) for key, brand in self._brands.items()]
        else:
            accounts = [(key, brand.name) for key, brand in self._advertisers.items()]
            accounts += [(key, f"{len(owned)} 个账户") for key, owned in self._clients.items() if len(owned) > 1]
        fields = {name: asked.get(name, "") for name in ("redirect_uri", "state")}
        return consent_page("授权应用访问您的账户", accounts, fields, action="approve", button="授权", language="zh")

    def approve(self, request: Request) -> Response:
        """Back to the app with a code."""
        asked = request.params
        account = asked.get("account", "")
        if account not in self._advertisers and account not in self._brands and account not in self._clients:
            return refusal_page("unknown account")
        query = {"auth_code": self.grants.code(account), "state": asked.get("state", "")}
        return back_to(asked.get("redirect_uri", ""), query)

    def token(self, request: Request) -> Response:
        """A code or a refresh token for a pair; the refresh token rotates."""
        body = request.json()
        if not isinstance(body, dict) or body.get("app_id") not in (self.client_id, str(self.client_id)):
            return self.fail(-1, "app_id 应用不存在")
        if body.get("secret") != self.client_secret:
            return self.fail(-1, "app_secret 应用无效")
        if request.match["step"] == "access_token":
            issued = self.grants.redeem(str(body.get("auth_code", "")))
        else:
            pair = self.grants.pair(str(body.get("refresh_token", "")))
            issued = self.grants.issue(pair.account) if pair else None
            self.grants.drop(str(body.get("refresh_token", "")))
        if issued is None:
            return self.fail(-1, "token 无效，授权已失效")
        return self._good({"data": self.token_data(issued)})

    def token_data(self, issued: Issued) -> Row:
        """A pair as the platform writes it."""
        owned = self._clients.get(issued.account, [issued.account])
        advertisers = [each for each in owned if each in self._advertisers]
        return {
            "access_token": issued.access,
            "access_token_expires_in": int(self.access_life.total_seconds()),
            "refresh_token": issued.refresh,
            "refresh_token_expires_in": int(self.refresh_life.total_seconds()),
            "user_id": issued.account,
            "approval_role_type": 4,
            "role_type": 3,
            "platform_type": 1 if advertisers else 2,
            "approval_advertisers": [
                {"advertiser_id": int(each), "advertiser_name": self._advertisers[each].name} for each in advertisers
            ],
        }

    # -- one call ------------------------------------------------------------------------------------------------

    def _ads(self, handler: Callable[[Request, Row, Brand], Row]) -> Callable[[Request], Response]:
        return self._guarded(handler, "advertiser_id", self._advertisers)

    def _paid(self, handler: Callable[[Request, Row, Brand], Row]) -> Callable[[Request], Response]:
        return self._guarded(handler, "user_id", self._brands)

    def _guarded(
        self, handler: Callable[[Request, Row, Brand], Row], name: str, brands: Mapping[str, Brand]
    ) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                account = self.account_of(request.headers.get(MAPI_HEADER.lower(), ""))
                body = request.json()
                if not isinstance(body, dict):
                    raise Denied(-1, "参数错误")
                wanted = str(body.get(name, ""))
                if wanted not in self._clients.get(account, [account]) or wanted not in brands:
                    raise Denied(-1, f"无权访问 {name} {wanted}")
                return self._good(handler(request, body, brands[wanted]))
            except Denied as denied:
                return self.fail(denied.code, str(denied), denied.status)

        return answer

    def _good(self, parts: Row) -> Response:
        return reply({"success": True, "code": 0, "msg": "成功", "request_id": f"{self.requests:016d}", **parts})

    def fail(self, code: int, message: str, status: int = 200) -> Response:
        """An error in the envelope."""
        return reply({"success": False, "code": code, "msg": message, "request_id": f"{self.requests:016d}"}, status)

    # -- entities ------------------------------------------------------------------------------------------------

    def _entities(self, brand: Brand) -> dict[str, AdEntity]:
        return self._memory.get(
            ("ads", brand.key), lambda: {entity.key: entity for entity in self.world.ads(brand.key, NETWORK)}
        )

    def _notes_of(self, brand: Brand) -> Sequence[Video]:
        return self._memory.get(("notes", brand.key), lambda: self.world.videos(brand.key, Network.XIAOHONGSHU))

    def _campaigns(self, request: Request, body: Row, brand: Brand) -> Row:
        found = [campaign_row(e, brand) for e in self._entities(brand).values() if e.level == "campaign"]
        return self._entity_page(found, body, "base_campaign_dtos")

    def _units(self, request: Request, body: Row, brand: Brand) -> Row:
        notes = self._notes_of(brand)
        found = [unit_row(e, notes) for e in self._entities(brand).values() if e.level == "ad_group"]
        shown = self._slice(found, body.get("page"), body.get("page_size"))
        return {"data": {"total_count": len(found), "unit_infos": shown}}

    def _creatives(self, request: Request, body: Row, brand: Brand) -> Row:
        ads, notes = self._entities(brand), self._notes_of(brand)
        advertiser = int(brand.accounts[NETWORK])
        found = [creative_row(e, ads, advertiser, notes) for e in ads.values() if e.level == "ad"]
        return self._entity_page(found, body, "creativity_dtos")

    def _entity_page(self, found: list[Row], body: Row, root: str) -> Row:
        place = body.get("page") or {}
        if "schema-drift" in self.scenarios and found:
            found[0] = {**found[0], "optimize_target": "NEVER_SEEN", "marketing_target": 99}
        shown = self._slice(found, place.get("page_index"), place.get("page_size"))
        page = {"page_index": place.get("page_index") or 1, "total_count": len(found)}
        return {"data": {"page": page, root: shown}}

    def _slice(self, found: Sequence[Row], number: Any, size: Any, most: int = 500) -> list[Row]:
        index, count = int(number or 1), int(size or 20)
        if index < 1 or not 1 <= count <= most:
            raise Denied(-1, "分页参数错误")
        return self.rearranged(found[(index - 1) * count : index * count])

    # -- reports -------------------------------------------------------------------------------------------------

    def _figures(self, brand: Brand) -> Sequence[AdFigures]:
        return self._memory.get(("ad-days", brand.key), lambda: self.world.ad_days(brand.key, NETWORK))

    def _totals(self, brand: Brand, level: str, first: date, last: date) -> list[tuple[AdEntity, date, Totals]]:
        ads = self._entities(brand)
        shown = [row for row in self._figures(brand) if first <= row.day <= last]
        found = by_level(shown, ads, LEVELS[level], brand.currency)
        return [(ads[key], day, totals) for (key, day), totals in sorted(found.items(), key=lambda pair: pair[0])]

    def _settled(self, request: Request, body: Row, brand: Brand) -> Row:
        level, today = request.match["level"], shanghai_day(self.now)
        first, last = _window(body, "start_date", "end_date")
        rows = []
        for entity, day, totals in self._totals(brand, level, first, min(last, today - timedelta(days=1))):
            known = dimensions(entity, self._entities(brand), level)
            if "restate" in self.scenarios and (today - day).days <= 3:
                totals.counts |= {name: totals.counts[name] * 9 // 10 for name in _LATE}
            rows += self._cut(body, known, day, totals)
        if "schema-drift" in self.scenarios and rows:
            rows[0] = {**rows[0], "click": None, "marketing_target": "NEVER_SEEN"}
        shown = self._slice(rows, body.get("page_num"), body.get("page_size"))
        return {"data": {"data_list": shown, "total_count": len(rows), "aggregation_data": {}}}

    def _cut(self, body: Row, known: Row, day: date, totals: Totals) -> list[Row]:
        if body.get("time_unit") == "HOUR":
            parts = cut(totals, HOURS).items()
            return [{"time": f"{day} {hour:02d}:00:00", **known, **metrics(part)} for hour, part in parts]
        if "placement" in (body.get("split_columns") or ()):
            places = cut(totals, PLACEMENTS).items()
            return [{"time": day.isoformat(), **known, "placement": place, **metrics(part)} for place, part in places]
        return [{"time": day.isoformat(), **known, **metrics(totals)}]

    def _live(self, request: Request, body: Row, brand: Brand) -> Row:
        """Today; the rows stand beside `data`, and a part of a creative's keeps its typing error."""
        level, today = request.match["level"], shanghai_day(self.now)
        about = {"campaign": "base_campaign_dto", "unit": "base_unit_dto", "creativity": "base_creativty_dto"}[level]
        ads = self._entities(brand)
        rows = []
        for entity, _, totals in self._totals(brand, level, today, today):
            known = dimensions(entity, ads, level)
            numbers = {name: int(value) if name.endswith("_id") else value for name, value in known.items()}
            rows.append({about: numbers, "data": metrics(totals)})
        shown = self._slice(rows, body.get("page_num"), body.get("page_size"))
        page = {"page_index": int(body.get("page_num") or 1), "total_count": len(rows)}
        return {"page": page, f"{level}_dtos": shown, "total_data": {}}

    # -- paid notes ----------------------------------------------------------------------------------------------

    def _all_paid(self, brand: Brand) -> list[Paid]:
        return self._memory.get(
            ("paid", brand.key), lambda: paid_notes(self._notes_of(brand), self.world.creators(brand.key))
        )

    def _notes(self, request: Request, body: Row, brand: Brand) -> Row:
        kind, (first, last) = body.get("date_type"), _window(body, "start_time", "end_time")
        yesterday = shanghai_day(self.now) - timedelta(days=1)
        kept = [yesterday - timedelta(days=back) for back in range(_KEPT)]
        day = next((each for each in kept if f"{each:%Y%m%d}" == str(body.get("date_key"))), None)
        if kind not in (1, 2) or day is None:
            raise Denied(-1, "date_type 或 date_key 参数错误，仅支持最近三天")
        end = midnight(day + timedelta(days=1))
        slow = "moderation-delay" in self.scenarios
        rows = []
        for paid in self._all_paid(brand):
            note = paid.note
            out = public_at(note, slow=slow) < end
            ordered = note.posted_at - ORDERED_BEFORE
            counted = shanghai_day(ordered if kind == 1 else note.posted_at)
            if first <= counted <= last and ordered < end and (kind == 1 or out):
                unripe = "restate" in self.scenarios and day == yesterday
                rows.append(note_row(paid, end, f"{day:%Y%m%d}", out=out, unripe=unripe))
        if "schema-drift" in self.scenarios:
            rows = [{**row, "read_uv": None} if chance(row["order_id"], 3) else row for row in rows]
        shown = self._slice(rows, body.get("page_num"), body.get("page_size"), 100)
        size = int(body.get("page_size") or 20)
        pages = {"page_num": int(body.get("page_num") or 1), "page_size": size, "total_page": -(-len(rows) // size)}
        return {"data": {"total": len(rows), **pages, "datas": shown}}

    def _creators(self, request: Request, body: Row, brand: Brand) -> Row:
        wanted = body.get("kol_ids") or []
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
            raise Denied(-1, "kol_ids 参数错误")
        found = [kol_row(creator) for creator in self.world.creators(brand.key) if kol_id(creator) in wanted]
        yesterday = shanghai_day(self.now) - timedelta(days=1)
        return {"data": {"date_key": f"{yesterday:%Y%m%d}", "datas": self.rearranged(found)}}


def _window(body: Row, since: str, until: str) -> tuple[date, date]:
    try:
        first, last = date.fromisoformat(str(body.get(since))), date.fromisoformat(str(body.get(until)))
    except ValueError as error:
        raise Denied(-1, f"{since}/{until} 参数错误") from error
    if last - first > _LONGEST or last < first:
        raise Denied(-1, "时间跨度不能超过 30 天")
    return first, last
