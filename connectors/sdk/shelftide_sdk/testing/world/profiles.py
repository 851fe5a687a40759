"""Daily figures of social accounts, in the account's zone."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import floor

from shelftide_sdk.testing.world.cast import Following
from shelftide_sdk.testing.world.model import ProfileFigures, Totals
from shelftide_sdk.testing.world.parameters import CREATOR_FOLLOW_SHARE, LOST_FOLLOWERS_A_DAY, REACH_PER_VIEW
from shelftide_sdk.testing.world.streams import Dice, dice
from shelftide_sdk.testing.world.timeline import DAY, Timeline, complete_days, local_date, local_midnight
from shelftide_sdk.testing.world.videos import SimulatedVideo

_MONTH_DAYS = 30.0
_SUMMED = ("views", "likes", "comments", "shares", "profile_views", "link_clicks", "new_followers")
_NOTHING = dict.fromkeys(_SUMMED, 0)
_REACTING_SHARE = 0.8  # a person likes and comments: fewer people than reactions

Videos = Callable[[datetime], Sequence[SimulatedVideo]]


class ProfileHistory:
    """The days of one account. Views and reactions are the sums over its own videos, followers move with them.

    A rival's followers follow its published growth exactly, since only the total can be seen from outside.
    """

    def __init__(self, name: str, following: Following, zone: str, videos: Videos, *, rival: bool = False) -> None:
        self._name = name
        self._following = following
        self._zone = zone
        self._videos = videos
        self._rival = rival
        self._days: list[ProfileFigures] = []
        self._before: dict[str, Totals] = {}

    def until(self, seed: int, timeline: Timeline, now: datetime) -> list[ProfileFigures]:
        """Completed days by `now`."""
        wanted = complete_days(timeline.start, now, self._zone)
        missing = wanted[len(self._days) :]
        videos = self._videos(now) if missing else ()
        for day in missing:
            if not self._days:
                self._gained(videos, local_midnight(day, self._zone))
            own, creators = self._gained(videos, local_midnight(day + DAY, self._zone))
            rolls = dice(4, seed, "profile", self._name, (day - timeline.start.date()).days)
            self._days.append(self._figures(timeline, day, own, creators["new_followers"], rolls))
        return self._days[: len(wanted)]

    def _gained(self, videos: Sequence[SimulatedVideo], end: datetime) -> tuple[dict[str, int], dict[str, int]]:
        """What the account's own videos, and its creators', have gained since the last call."""
        own, creators = dict(_NOTHING), dict(_NOTHING)
        for video in videos:
            if video.public_at >= end:
                continue
            totals = video.totals(end)
            before = self._before.get(video.key)
            self._before[video.key] = totals
            sums = creators if video.creator_key else own
            for name in _SUMMED:
                sums[name] += getattr(totals, name) - (getattr(before, name) if before else 0)
        return own, creators

    def _figures(self, timeline: Timeline, day: date, own: dict[str, int], lent: int, rolls: Dice) -> ProfileFigures:
        before = self._days[-1].followers if self._days else self._followers_on(timeline, day - DAY)
        lost = floor(before * LOST_FOLLOWERS_A_DAY * rolls.between(0.7, 1.3))
        if self._rival:
            change = self._followers_on(timeline, day) - before
            lost = max(lost, -change)
            new = change + lost
        else:
            rate = (1 + self._following.monthly_growth) ** (1 / _MONTH_DAYS) - 1
            drift = before * (rate + LOST_FOLLOWERS_A_DAY) * rolls.between(0.6, 1.4)
            new = floor(drift + own["new_followers"] + CREATOR_FOLLOW_SHARE * lent)
        reactions = own["likes"] + own["comments"] + own["shares"]
        return ProfileFigures(
            day=day,
            followers=before + new - lost,
            new_followers=new,
            lost_followers=lost,
            views=own["views"],
            reach=floor(own["views"] * REACH_PER_VIEW),
            profile_views=own["profile_views"],
            likes=own["likes"],
            comments=own["comments"],
            shares=own["shares"],
            link_clicks=own["link_clicks"],
            engaged_audience=floor(reactions * _REACTING_SHARE),
        )

    def _followers_on(self, timeline: Timeline, day: date) -> int:
        age = (day - local_date(timeline.anchor, self._zone)).days + 1
        growth = float((1 + self._following.monthly_growth) ** (age / _MONTH_DAYS))
        return round(self._following.followers * growth)
