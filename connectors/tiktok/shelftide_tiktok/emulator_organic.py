"""TikTok's Accounts API on a loopback port: consent, tokens, profile, videos, moderation, and bad habits."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

from shelftide_sdk.testing.consent_pages import back_to, consent_page, refusal_page
from shelftide_sdk.testing.emulator import Request, Response, Route
from shelftide_sdk.testing.world.model import Brand, Network, Video, WorldView
from shelftide_tiktok.auth import ORGANIC_HEADER, ORGANIC_SCOPES
from shelftide_tiktok.emulator_comments import INLINE, CommentBook
from shelftide_tiktok.emulator_door import Denied, TikTokEmulator
from shelftide_tiktok.emulator_grants import (
    Issued,
    TokenState,
)
from shelftide_tiktok.emulator_organic_facts import (
    Row,
    audience,
    chosen,
    day_rows,
    profile_row,
    published_at,
    video_row,
)

DEMO_SECRET = "tiktok-demo-secret"
_API = "/open_api/v1.3"
_LONGEST_WINDOW = timedelta(days=60)
_MOST_VIDEOS = 20
_MOST_COMMENTS = 30


class TikTokOrganicEmulator(TikTokEmulator):
    """All Business accounts of the world.

    Attributes:
        grants: tokens; `grants.issue(open_id)` gives a pair without the consent page.
        closed: accounts whose owner never opened analytics: calls answer 40001.
    """

    platform: ClassVar[str] = "tiktok"
    networks: ClassVar[tuple[Network, ...]] = (Network.TIKTOK,)
    hosts: ClassVar[tuple[str, ...]] = ("business-api.tiktok.com", "www.tiktok.com")

    account_kind: ClassVar[str] = str(Network.TIKTOK)
    demo_secret: ClassVar[str] = DEMO_SECRET
    access_life: ClassVar[timedelta] = timedelta(seconds=86_400)
    refresh_life: ClassVar[timedelta] = timedelta(seconds=31_536_000)
    good_word: ClassVar[str] = "OK"
    failure: ClassVar[tuple[int, str]] = (50000, "System error")

    def __init__(self, world: WorldView, **options: Any) -> None:
        super().__init__(world, **options)
        self.closed: set[str] = set()
        self._book = CommentBook()

    def routes(self) -> Sequence[Route]:
        """Consent, tokens and data."""
        return (
            Route("GET", r"/v2/auth/authorize/", self.consent),
            Route("GET", r"/v2/auth/authorize/approve", self.approve),
            Route("POST", rf"{_API}/tt_user/oauth2/token/", self.exchange),
            Route("POST", rf"{_API}/tt_user/oauth2/refresh_token/", self.renew),
            Route("POST", rf"{_API}/tt_user/oauth2/revoke/", self.revoke),
            Route("GET", rf"{_API}/business/get/", self._api(self._get_business)),
            Route("GET", rf"{_API}/business/video/list/", self._api(self._list_videos)),
            Route("GET", rf"{_API}/business/comment/list/", self._api(self._list_comments)),
            Route("GET", rf"{_API}/business/comment/reply/list/", self._api(self._list_replies)),
            Route("GET", rf"{_API}/business/publish/status/", self._api(self._publish_status)),
        )

    def not_found(self, request: Request) -> Response:
        """What an unknown path answers."""
        return self._fail(40002, f"Unknown path {request.path}")

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which an account's owner agrees."""
        asked = request.params
        if asked.get("client_key") != self.client_id or asked.get("response_type") != "code":
            return refusal_page("client_key is unknown or response_type is not code")
        fields = {name: asked.get(name, "") for name in ("scope", "redirect_uri", "state")}
        accounts = [(key, brand.name) for key, brand in self._accounts.items()]
        return consent_page("Authorize the app for your TikTok account", accounts, fields)

    def approve(self, request: Request) -> Response:
        """The owner agrees: back to the app with a code."""
        asked = request.params
        account = asked.get("account", "")
        if account not in self._accounts:
            return refusal_page("unknown account")
        query = {
            "code": self.grants.code(account),
            "scopes": asked.get("scope", ""),
            "state": asked.get("state", ""),
        }
        return back_to(asked.get("redirect_uri", ""), query)

    def exchange(self, request: Request) -> Response:
        """Trade a code."""
        return self._token(request, "authorization_code", lambda asked: self.grants.redeem(str(asked.get("auth_code"))))

    def renew(self, request: Request) -> Response:
        """Trade a refresh token; it rotates."""
        return self._token(request, "refresh_token", lambda asked: self.grants.rotate(str(asked.get("refresh_token"))))

    def revoke(self, request: Request) -> Response:
        """The app gives its rights back."""
        asked = request.json() or {}
        if not self._is_app(asked):
            return self._fail(40101, "client_id and client_secret do not match")
        state, account = self.grants.look_up(str(asked.get("access_token")))
        if state is not TokenState.UNKNOWN:
            self.grants.revoke(account)
        return self._good({})

    def _token(self, request: Request, kind: str, trade: Callable[[Mapping[str, Any]], Issued | None]) -> Response:
        asked = request.json() or {}
        if not self._is_app(asked):
            return self._fail(40101, "client_id and client_secret do not match")
        if asked.get("grant_type") != kind:
            return self._fail(40002, f"grant_type must be {kind}")
        issued = trade(asked)
        if issued is None:
            return self._fail(40110, "the auth_code or refresh_token is invalid, used or expired")
        return self._good(self.token_data(issued))

    def _is_app(self, asked: Any) -> bool:
        wanted = (self.client_id, self.client_secret)
        return isinstance(asked, dict) and (asked.get("client_id"), asked.get("client_secret")) == wanted

    def token_data(self, issued: Issued) -> Row:
        """The data of a token reply. Lives are durations in seconds."""
        return {
            "access_token": issued.access,
            "token_type": "Bearer",
            "scope": ",".join(ORGANIC_SCOPES),
            "expires_in": int(self.access_life.total_seconds()),
            "refresh_token": issued.refresh,
            "refresh_token_expires_in": int(self.refresh_life.total_seconds()),
            "open_id": issued.account,
        }

    # -- one call ------------------------------------------------------------------------------------------------

    def is_data(self, request: Request) -> bool:
        """Calls under `business/`."""
        return request.path.startswith(f"{_API}/business/")

    def too_many(self) -> Response:
        """A code in HTTP 200."""
        return self._fail(40100, "Too many requests. Please retry in a while.")

    def _no_data(self) -> Row:
        return {}

    def _authenticate(self, request: Request) -> Brand:
        state, account = self._look_up(request.headers.get(ORGANIC_HEADER.lower(), ""))
        if state is TokenState.UNKNOWN:
            raise Denied(40105, "Access token is incorrect or has been revoked.")
        if state is TokenState.EXPIRED:
            raise Denied(40102, "Access token is expired.")
        if request.params.get("business_id") != account or account in self.closed:
            raise Denied(40001, "No permission to operate tiktok creator id")
        return self._accounts[account]

    # -- resources -----------------------------------------------------------------------------------------------

    def _get_business(self, request: Request, brand: Brand) -> Row:
        fields = _fields(request)
        days = self._memory.get(("days", brand.key), lambda: self.world.profile_days(brand.key, Network.TIKTOK))
        data = self._memory.get(
            ("profile", brand.key), lambda: profile_row(brand, days, self._videos(brand), self.now) | audience(brand)
        )
        found = chosen(data, fields)
        window = self._window(request)
        if window is not None:
            restated = "restate" in self.scenarios
            counted = self._memory.get(
                ("metrics", brand.key, restated), lambda: day_rows(days, self.now, restated=restated)
            )
            rows = [chosen(row, fields, ("date",)) for day, row in counted.items() if window[0] <= day <= window[1]]
            found["metrics"] = self._rearranged(rows)
        return found

    def _window(self, request: Request) -> tuple[date, date] | None:
        asked = request.params
        if "start_date" not in asked and "end_date" not in asked:
            return None
        try:
            first, last = date.fromisoformat(asked["start_date"]), date.fromisoformat(asked["end_date"])
        except (KeyError, ValueError) as error:
            raise Denied(40002, "start_date and end_date must both be dates") from error
        if not first <= last < self.clock().date() or last - first >= _LONGEST_WINDOW:
            raise Denied(40002, "the window must end before today and hold at most 60 days")
        return first, last

    def _videos(self, brand: Brand) -> list[Video]:
        """The brand's own videos, newest first; its creators' belong to their accounts."""

        def build() -> list[Video]:
            found = [v for v in self.world.videos(brand.key, Network.TIKTOK) if v.creator_key is None]
            return sorted(found, key=lambda video: (video.posted_at, video.key), reverse=True)

        return self._memory.get(("videos", brand.key), build)

    def _list_videos(self, request: Request, brand: Brand) -> Row:
        fields, asked = _fields(request), request.params
        size, cursor = asked.get("max_count", "10"), asked.get("cursor", "")
        if not size.isdigit() or not 1 <= int(size) <= _MOST_VIDEOS:
            raise Denied(40002, f"max_count must be 1 to {_MOST_VIDEOS}")
        if cursor and not cursor.isdigit():
            raise Denied(40002, "cursor must be a number of milliseconds")
        placed = [(place, video) for place, video in _placed(self._videos(brand)) if not cursor or place < int(cursor)]
        shown = placed[: int(size)]
        again = 1 if "duplicate" in self.scenarios and int(size) > 1 else 0  # the last one comes again
        rows = [self._video_row(video, brand, fields) for _, video in shown]
        return {
            "videos": self._rearranged(rows),
            "cursor": shown[-1][0] + again if shown else int(cursor or 0),
            "has_more": len(placed) > len(shown),
        }

    def _video_row(self, video: Video, brand: Brand, fields: Sequence[str]) -> Row:
        row = chosen(video_row(video, brand, self.now, public=self._is_public(video)), fields, ("item_id",))
        if "schema-drift" in self.scenarios:
            drift(row, video)
        return row

    def _is_public(self, video: Video) -> bool:
        return published_at(video, slow="moderation-delay" in self.scenarios) <= self.now

    def _publish_status(self, request: Request, brand: Brand) -> Row:
        asked = request.params.get("publish_id")
        for video in self._videos(brand):
            if video.pending_id == asked:
                return {"status": "PUBLISH_COMPLETE", "post_ids": [video.public_id] if self._is_public(video) else []}
        raise Denied(40007, "the publishing does not exist")

    def _list_comments(self, request: Request, brand: Brand) -> Row:
        video = self._video(request, brand)
        key = ("comments", brand.key, video.key)
        rows = self._memory.get(key, lambda: self._book.rows(video, self.now))
        data = self._comment_page(request, rows)
        if request.params.get("include_replies") == "true":
            for row in data["comments"]:
                row["reply_list"] = [dict(reply) for reply in self._thread(video, row)[:INLINE]]
        return data

    def _list_replies(self, request: Request, brand: Brand) -> Row:
        video = self._video(request, brand)
        asked = request.params.get("comment_id", "")
        tops = self._tops(video)
        if asked not in tops:
            raise Denied(40007, "the comment does not exist")
        return self._comment_page(request, self._book.replies(video, tops[asked], self.now))

    def _tops(self, video: Video) -> dict[str, int]:
        return self._memory.get(("tops", video.key), lambda: self._book.tops(video, self.now))

    def _thread(self, video: Video, row: Row) -> list[Row]:
        return self._book.replies(video, self._tops(video)[row["comment_id"]], self.now) if row["replies"] else []

    def _video(self, request: Request, brand: Brand) -> Video:
        asked = request.params.get("video_id", "")
        found = (video for video in self._videos(brand) if video.public_id == asked and self._is_public(video))
        video = next(found, None)
        if video is None:
            raise Denied(40007, "the video does not exist")
        return video

    def _comment_page(self, request: Request, rows: Sequence[Row]) -> Row:
        asked = request.params
        size, cursor = asked.get("max_count", "20"), asked.get("cursor", "0")
        if not size.isdigit() or not 1 <= int(size) <= _MOST_COMMENTS or not cursor.isdigit():
            raise Denied(40002, f"max_count must be 1 to {_MOST_COMMENTS} and cursor a number")
        shown = [row for row in rows if asked.get("status", "PUBLIC") == "ALL" or row["status"] == "PUBLIC"]
        start, end = int(cursor), int(cursor) + int(size)
        part = [dict(row) for row in shown[start:end]]
        return {"comments": self._rearranged(part), "cursor": min(end, len(shown)), "has_more": end < len(shown)}


def drift(row: Row, video: Video) -> None:
    """Scenario `schema-drift`: a new field, a new kind of media, and a null that should not be, in a few videos."""
    row["ai_generated_label"] = "NONE"
    mark = int(video.public_id)
    if mark % 5 == 0:
        row["media_type"] = "STORY_CLIP"
    if mark % 7 == 0:
        row["create_time"] = None


def _placed(videos: Sequence[Video]) -> list[tuple[int, Video]]:
    """Each video with its place in milliseconds, newest first; those of one second get places of their own."""
    found: list[tuple[int, Video]] = []
    for video in videos:
        place = int(video.posted_at.timestamp()) * 1000 + 999
        if found and place >= found[-1][0]:
            place = found[-1][0] - 1
        found.append((place, video))
    return found


def _fields(request: Request) -> list[str]:
    try:
        fields = json.loads(request.params.get("fields", "[]"))
    except ValueError as error:
        raise Denied(40002, "fields must be a JSON list") from error
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise Denied(40002, "fields must be a JSON list")
    return fields
