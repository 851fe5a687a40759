"""Instagram's nodes and edges over the world."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shelftide_meta import emulator_facts as facts
from shelftide_meta.emulator_door import GraphFault, MetaDoor
from shelftide_meta.emulator_fields import Field, Row, parse_fields, project
from shelftide_meta.mapping_instagram import PACIFIC
from shelftide_meta.metrics import AUDIENCES, BY_KIND, FOLLOWS, LIVES, SERIES, TOTALS, living
from shelftide_sdk.testing.emulator import Request
from shelftide_sdk.testing.world.model import Brand, Network, ProfileFigures, Video, stable_id

_KEPT = timedelta(days=30)
_WINDOW_SECONDS = 30 * 86_400 + 7200  # a window with a change of clocks is an hour longer
_UNRIPE = timedelta(days=3)
# Neither for carousels: the platform says so by refusing the metric.
_WITHOUT = {"CAROUSEL_ALBUM": {"views"}}
_GONE = "Unsupported get request. Object with ID '%s' does not exist or cannot be loaded due to missing permissions"


class InstagramNodes:
    """Answers about Instagram accounts, posts and stories."""

    def __init__(self, door: MetaDoor) -> None:
        self._door = door
        self._world = door.world

    # -- what exists ---------------------------------------------------------------------------------------------

    def accounts(self, user: str) -> list[Row]:
        """Pages of a user; the last one has no Instagram account."""
        found: list[Row] = []
        for brand in self._door.brands_of(user):
            account = self.profile(brand)
            linked = {name: account[name] for name in ("id", "username", "name")}
            page_id = str(stable_id("page", brand.key, 15))
            found.append({"id": page_id, "name": f"{brand.name} page", "instagram_business_account": linked})
        return [*found, {"id": str(stable_id("page", user, 15)), "name": "A page of its own"}]

    def profile(self, brand: Brand) -> Row:
        """The account's row with its nested edges."""
        account_id = brand.accounts[Network.INSTAGRAM]
        row = facts.profile_row(brand, account_id, self._days(brand), len(self._posts(brand)))
        return row | {"business_discovery": lambda field: self._discovery(brand, field)}

    def node(self, user: str, number: str, fields: str) -> Row:
        """A node by id. Raises GraphFault 100/33 for what the user cannot see."""
        chosen = parse_fields(fields or "id")
        for brand in self._door.brands_of(user):
            if number == brand.accounts[Network.INSTAGRAM]:
                return project(self.profile(brand), chosen)
            for row in (*self._media(brand), *self._stories(brand)):
                if row["id"] == number:
                    return project(row, chosen)
        raise GraphFault(_GONE % number, code=100, subcode=33)

    def edge(self, request: Request, user: str, number: str, name: str) -> Row | None:
        """An edge of a node; None when this part of Meta does not know the node."""
        for brand in self._door.brands_of(user):
            if number == brand.accounts[Network.INSTAGRAM]:
                return self._account_edge(request, brand, name)
            video = next((v for v in self._posts(brand) if facts.media_id(v) == number), None)
            if video is not None:
                return self._post_edge(request, brand, video, name)
            story = next((row for row in self._stories(brand) if row["id"] == number), None)
            if story is not None:
                return self._story_insights(request, story)
        return None

    def _posts(self, brand: Brand) -> list[Video]:
        return facts.posts_of(self._world, brand, held="moderation-delay" in self._door.scenarios)

    def _media(self, brand: Brand) -> list[Row]:
        account_id, handle = brand.accounts[Network.INSTAGRAM], f"{brand.key}.official"
        restated = "restate" in self._door.scenarios
        return [
            facts.media_row(video, account_id, handle, self._world.now, restated=restated)
            for video in self._posts(brand)
        ]

    def _stories(self, brand: Brand) -> list[Row]:
        return facts.story_rows(brand, brand.accounts[Network.INSTAGRAM], self._world.now)

    def _days(self, brand: Brand) -> list[ProfileFigures]:
        return list(self._world.profile_days(brand.key, Network.INSTAGRAM))

    # -- edges ---------------------------------------------------------------------------------------------------

    def _account_edge(self, request: Request, brand: Brand, name: str) -> Row:
        edges: dict[str, Callable[[], list[Row]]] = {
            "media": lambda: self._since(request, self._drifted_media(request, brand)),
            "stories": lambda: self._stories(brand),
            "tags": lambda: facts.tag_rows(self._world, brand),
        }
        if name == "insights":
            return self._account_insights(request, brand)
        if name not in edges:
            raise GraphFault(f"(#100) Tried accessing nonexisting field ({name})", code=100)
        return self._door.edge(request, edges[name]())

    def _drifted_media(self, request: Request, brand: Brand) -> list[Row]:
        rows = self._media(brand)
        drifts = "schema-drift" in self._door.scenarios and "caption" in request.params.get("fields", "")
        return [_drifted(row) for row in rows] if drifts else rows

    def _since(self, request: Request, rows: list[Row]) -> list[Row]:
        since = int(request.params.get("since") or 0)
        return [row for row in rows if not row.get("timestamp") or _seconds(row["timestamp"]) >= since]

    def _post_edge(self, request: Request, brand: Brand, video: Video, name: str) -> Row:
        now, restated = self._world.now, "restate" in self._door.scenarios
        if name == "comments":
            count = facts.shown(video.totals(now), restated=False)["comments"]
            return self._door.edge(request, facts.comment_rows(video, count), most=50)
        if name == "product_tags":
            return self._door.edge(request, facts.product_rows(brand, video))
        if name == "insights":
            if facts.is_before_business(self._world, video):
                raise GraphFault("Invalid parameter", code=100, subcode=2108006)
            product, media = facts.kind_of(video)
            kind = product if product == "REELS" else media
            allowed = set(BY_KIND[kind]) - _WITHOUT.get(kind, set())
            return self._insights(request, facts.insight_values(video, now, restated=restated), allowed)
        raise GraphFault(f"(#100) Tried accessing nonexisting field ({name})", code=100)

    def _story_insights(self, request: Request, story: Row) -> Row:
        values = facts.story_values(story)
        if values["reach"] < facts.FEW_VIEWERS + 1:
            raise GraphFault("(#10) Not enough viewers for the media to show insights", code=10)
        return self._insights(request, values, set(BY_KIND["STORY"]))

    def _insights(self, request: Request, values: dict[str, int], allowed: set[str]) -> Row:
        asked = request.params.get("metric", "").split(",")
        for name in asked:
            if name not in values and name not in LIVES:
                raise GraphFault(f"(#100) metric[0] must be one of the following values: {', '.join(values)}", code=100)
            if name not in allowed or name not in living([name], _version(request)):
                message = (
                    f"(#100) The Media Insights API does not support the {name} metric for this media product type."
                )
                raise GraphFault(message, code=100)
        owner = request.match["id"]
        rows = [facts.insight(owner, name, "lifetime", [{"value": values[name]}]) for name in asked]
        return {"data": self._door._rearranged(rows)}

    # -- insights of an account ----------------------------------------------------------------------------------

    def _account_insights(self, request: Request, brand: Brand) -> Row:
        asked = request.params.get("metric", "").split(",")
        if request.params.get("period") == "lifetime":
            if asked == ["online_followers"]:
                return {"data": self._online(request, brand)}
            return {"data": [self._demographics(request, brand, name) for name in asked]}
        first, last = self._window(request)
        known = {*SERIES, *TOTALS, FOLLOWS}
        for name in asked:
            if name not in known or name not in living([name], _version(request)):
                raise GraphFault(f"(#100) The metric {name} is not supported.", code=100)
        days = {figures.day: figures for figures in self._days(brand)}
        if request.params.get("metric_type") == "total_value":
            return {"data": [self._total(request, name, days, first) for name in asked]}
        return {"data": [self._series(request, name, days, first, last) for name in asked]}

    def _window(self, request: Request) -> tuple[date, date]:
        since, until = (int(request.params.get(name) or 0) for name in ("since", "until"))
        if not 0 < until - since <= _WINDOW_SECONDS:
            raise GraphFault("(#100) There cannot be more than 30 days between since and until", code=100)
        first, last = (datetime.fromtimestamp(at, UTC).astimezone(PACIFIC).date() for at in (since, until))
        return first, last - timedelta(days=1)

    def _values(self, days: dict[date, ProfileFigures], day: date) -> dict[str, int]:
        unripe = "restate" in self._door.scenarios and facts.end_of(day) > self._world.now - _UNRIPE
        return facts.day_values(days.get(day), unripe=unripe)

    def _series(self, request: Request, name: str, days: dict[date, ProfileFigures], first: date, last: date) -> Row:
        values = []
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            kept = name != "follower_count" or day >= self._world.now.astimezone(PACIFIC).date() - _KEPT
            if day in days and facts.end_of(day) <= self._world.now and kept:
                value = self._values(days, day)[name]
                values.append({"value": value, "end_time": facts.label(facts.end_of(day))})
        return facts.insight(request.match["id"], name, "day", values)

    def _total(self, request: Request, name: str, days: dict[date, ProfileFigures], day: date) -> Row:
        values = self._values(days, day)
        if name != FOLLOWS:
            total: Row = {"value": values[name]} if day in days else {}
        else:
            results = [
                {"dimension_values": ["FOLLOWER"], "value": values["follower_count"]},
                {"dimension_values": ["NON_FOLLOWER"], "value": values["lost"]},
            ]
            total = {"breakdowns": [{"dimension_keys": ["follow_type"], "results": results}]}
        return facts.insight(request.match["id"], name, "day", total)

    def _demographics(self, request: Request, brand: Brand, name: str) -> Row:
        if name not in AUDIENCES or (name.startswith("reached") and living(["views"], _version(request))):
            raise GraphFault(f"(#100) The metric {name} is not supported.", code=100)
        keys = request.params.get("breakdown", "").split(",")
        days = self._days(brand)
        followers = days[-1].followers if days else 0
        total = followers if name.startswith("follower") else sum(day.engaged_audience for day in days[-30:])
        results = facts.audience(brand, name, total, keys)
        value = {"breakdowns": [{"dimension_keys": keys, "results": results}]}
        return facts.insight(request.match["id"], name, "lifetime", value)

    def _online(self, request: Request, brand: Brand) -> list[Row]:
        first, last = self._window(request)
        days = {figures.day: figures for figures in self._days(brand)}
        kept = self._world.now.astimezone(PACIFIC).date() - _KEPT
        values = []
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if day in days and day >= kept:
                hours = facts.split(days[day].followers * 3, f"{brand.key}/{day}", [str(hour) for hour in range(24)])
                by_hour = {str(hour): count for hour, count in enumerate(hours)}
                values.append({"value": by_hour, "end_time": facts.label(facts.end_of(day))})
        return [facts.insight(request.match["id"], "online_followers", "lifetime", values)]

    # -- business discovery --------------------------------------------------------------------------------------

    def _discovery(self, brand: Brand, field: Field) -> Any:
        handle = field.calls.get("username", "")
        rivals = {rival.handle: rival for rival in self._world.competitors(brand.key)}
        if handle not in rivals:
            raise GraphFault("(#110) Invalid user id", code=110, subcode=2207013)
        return project(facts.competitor_row(self._world, rivals[handle]), field.inner)


def _version(request: Request) -> str:
    return request.match.get("version") or ""


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _drifted(row: Row) -> Row:
    """New words, and a missing time, in some posts."""
    place = stable_id("drift", str(row["id"])) % 7
    if place == 0 and "children" not in row:
        return row | {"timestamp": None}
    return row | {"media_type": "HOLOGRAM"} if place == 1 and "children" not in row else row
