"""Comments under the world's videos: as many as the video's total says, the same ones at every later moment.

The world knows counts only. A comment's moment is the quarter of the day in which the count passed its number, so what
was shown once never changes its place. Most comments have two replies; some threads are too long for the list.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shelftide_sdk.testing.world.model import Video, stable_id

Row = dict[str, Any]
INLINE = 5
_STEP = timedelta(hours=6)
_BLOCK, _LONG, _LONGEST = 240, 12, 12  # in each 240, the comment at 12 has eleven replies
_TEXTS = ("Love it", "Where can I buy this?", "好看！", "Che bello ❤️", "Is it back in stock?", "Works for me")


class CommentBook:
    """All comments of all videos; what was worked out for a video is kept."""

    def __init__(self) -> None:
        self._marks: dict[str, list[tuple[datetime, int]]] = {}
        self._held: dict[str, tuple[datetime, list[datetime]]] = {}

    def rows(self, video: Video, now: datetime) -> list[Row]:
        """Comments without replies, newest first. Hidden ones are among them."""
        moments = self._moments(video, now)
        tops = self.tops(video, now).values()
        return [self._row(video, number, moments, len(moments)) for number in reversed(list(tops))]

    def tops(self, video: Video, now: datetime) -> dict[str, int]:
        """Ids of the comments that reply to none, with their numbers."""
        numbers = range(len(self._moments(video, now)))
        return {comment_id(video, number): number for number in numbers if parent_of(number) == number}

    def replies(self, video: Video, top: int, now: datetime) -> list[Row]:
        """Replies to the comment of this number, oldest first."""
        moments = self._moments(video, now)
        return [self._row(video, number, moments, len(moments)) for number in _thread(top, len(moments))]

    def _row(self, video: Video, number: int, moments: Sequence[datetime], count: int) -> Row:
        parent = parent_of(number)
        replies = len(_thread(number, count)) if parent == number else 0
        mark = stable_id("comment", f"{video.key}/{number}", 9)
        owner = parent != number and number % 7 == 0
        return {
            "comment_id": comment_id(video, number),
            "video_id": video.public_id,
            "unique_identifier": f"u{stable_id('commenter', str(mark % 5000))}" if not owner else "owner",
            "user_id": str(mark),
            "create_time": int(moments[number].timestamp()),
            "text": _TEXTS[mark % len(_TEXTS)],
            "likes": mark % 40,
            "replies": replies,
            "owner": owner,
            "liked": False,
            "pinned": False,
            "status": "HIDDEN" if hidden(video, number) else "PUBLIC",
            "username": f"user{mark}",
            "parent_comment_id": "" if parent == number else comment_id(video, parent),
        }

    def _moments(self, video: Video, now: datetime) -> list[datetime]:
        """When each comment was written, by its number."""
        held = self._held.get(video.key)
        if held is not None and held[0] == now:
            return held[1]
        marks = self._marks.setdefault(video.key, [(_floor(video.public_at), 0)])
        while marks[-1][0] + _STEP <= now:
            at = marks[-1][0] + _STEP
            marks.append((at, video.totals(at).comments))
        found: list[datetime] = []
        for at, count in [*marks[1:], (marks[-1][0] + _STEP, video.totals(now).comments)]:
            found += [max(at - _STEP, video.public_at)] * (count - len(found))
        self._held[video.key] = (now, found)
        return found


def _floor(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return at.replace(hour=at.hour // 6 * 6, minute=0, second=0, microsecond=0)


def parent_of(number: int) -> int:
    """The number of the comment that this one replies to; its own when it replies to none."""
    place = number % _BLOCK
    return number - place + _LONG if _LONG <= place < _LONG + _LONGEST else number - place % 3


def _thread(top: int, count: int) -> range:
    longest = _LONGEST if top % _BLOCK == _LONG else 3
    return range(top + 1, min(top + longest, count))


def comment_id(video: Video, number: int) -> str:
    """The id of a video's comment."""
    return f"7{stable_id('comment-id', f'{video.key}/{number}', 18)}"


def hidden(video: Video, number: int) -> bool:
    """Whether the account's owner has hidden it."""
    return stable_id("hidden", f"{video.key}/{number}", 6) % 17 == 0
