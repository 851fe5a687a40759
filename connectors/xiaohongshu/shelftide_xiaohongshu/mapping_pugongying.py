"""Pugongying: creators, their paid notes with running totals, and the orders for them.

A row is one note (or an order without one yet) on one `date_key`. Prices are taken to be yuan; rates such as `50.00`
mean 50 %. Source: public clients of `pgy/note/post/data` and `pgy/kol/data/detail`.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from shelftide_sdk.errors import DataError
from shelftide_sdk.records import Content, ContentKind, ContentSnapshot, Creator, Deal, Record
from shelftide_xiaohongshu.values import (
    SHANGHAI,
    ZONE,
    Row,
    Strays,
    identifier,
    maybe_identifier,
    maybe_local_moment,
    maybe_moment,
    maybe_whole,
    midnight,
    text,
    yuan,
)

_DAY = re.compile(r"\d{8}")
_TAG = re.compile(r"#([^\s#\[]+)")


def day_key(day: date) -> str:
    """`yyyyMMdd`."""
    return f"{day:%Y%m%d}"


def counted_until(value: Any) -> datetime:
    """The end of a `date_key`: totals are those of that moment. Raises DataError."""
    word = str(value) if isinstance(value, int | str) else ""
    if not _DAY.fullmatch(word):
        raise DataError(f"date_key is no day: {value!r}")
    try:
        day = datetime.strptime(word, "%Y%m%d").replace(tzinfo=SHANGHAI).date()
    except ValueError as error:
        raise DataError(f"date_key is no day: {value!r}") from error
    return midnight(day + timedelta(days=1))


def map_note(row: Row, day: date, strays: Strays) -> list[Record]:
    """A paid note with its totals on a day; an order whose note is not out gives nothing here.

    Raises DataError for a row of another day than was asked for that comes again.
    """
    at = _moment_of(row, day, strays)
    note_id = maybe_identifier(row, "note_id")
    if note_id is None:
        return []
    title = text(row, "note_title")
    creator = identifier(row.get("kol_id"), "kol_id")
    published = _published(row)
    if published is None:
        raise DataError("note_publish_time is missing")
    note = Content(
        source_id=note_id,
        profile_id=creator,
        kind=ContentKind.NOTE,
        published_at=published,
        zone=ZONE,
        caption=title,
        url=text(row, "note_link"),
        hashtags=tuple(_TAG.findall(title or "")),
        is_ad=True,
        creator_id=creator,
    )
    snapshot = ContentSnapshot(
        content_id=note_id,
        captured_at=at,
        zone=ZONE,
        views=maybe_whole(row, "read_num"),
        reach=maybe_whole(row, "read_uv"),
        likes=maybe_whole(row, "like_num"),
        comments=maybe_whole(row, "cmt_num"),
        shares=maybe_whole(row, "share_num"),
        saves=maybe_whole(row, "fav_num"),
        new_followers=maybe_whole(row, "follow_num"),
    )
    return [note, snapshot]


def map_deal(row: Row, day: date, strays: Strays) -> Deal:
    """The order behind a note, as it stands on a day: what the creator gets, without the platform's share."""
    at = _moment_of(row, day, strays)
    note_id = maybe_identifier(row, "note_id")
    return Deal(
        source_id=identifier(row.get("order_id"), "order_id"),
        creator_id=identifier(row.get("kol_id"), "kol_id"),
        kind="note",
        status="published" if note_id else "ordered",
        agreed_at=maybe_local_moment(row, "order_create_time"),
        content_id=note_id,
        fee=yuan(row, "kol_price"),
        updated_at=at,
    )


def map_creator(row: Row, at: datetime) -> Creator:
    """A row of `kol/data/detail` at `at`, the end of the reply's day. `price` is of an image note, in yuan."""
    red_id, name = maybe_identifier(row, "red_id"), text(row, "kol_nick_name")
    kol_id = identifier(row.get("kol_id"), "kol_id")
    return Creator(
        source_id=kol_id,
        handle=red_id or name or kol_id,
        name=name,
        followers=maybe_whole(row, "kol_fan_num"),
        country=None,
        price=yuan(row, "price"),
        updated_at=at,
    )


def kol_of(row: Any) -> str | None:
    """The creator that a row is about; None where it names none that can be looked up."""
    try:
        return maybe_identifier(row, "kol_id") if isinstance(row, Mapping) else None
    except DataError:
        return None


def _moment_of(row: Row, day: date, strays: Strays) -> datetime:
    at = counted_until(row.get("date_key"))
    told = f"a row of {row.get('date_key')} again in the reply for {day_key(day)}"
    strays.check(repr(row), fits=at == midnight(day + timedelta(days=1)), told=told)
    return at


def _published(row: Row) -> datetime | None:
    """Both spellings have been seen: local text and milliseconds."""
    value = row.get("note_publish_time")
    if isinstance(value, str) and not value.isdigit():
        return maybe_local_moment(row, "note_publish_time")
    return maybe_moment(row, "note_publish_time")
