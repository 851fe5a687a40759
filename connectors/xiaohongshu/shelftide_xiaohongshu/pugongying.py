"""Pugongying (蒲公英): paid creators, their notes with daily snapshots, and the orders for them."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar

from shelftide_sdk.auth import OAuth2
from shelftide_sdk.client import Budget
from shelftide_sdk.connector import (
    Account,
    Connector,
    ConnectorInfo,
    Context,
    Cursor,
    Health,
    HealthState,
    Page,
    Reject,
    Stream,
    days,
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError, ContractError, DataError
from shelftide_sdk.records import Content, ContentSnapshot, Creator, Deal
from shelftide_xiaohongshu.auth import CONSENT_HOST, MAPI_HOST, PUGONGYING_AUTH
from shelftide_xiaohongshu.mapi import ask, day_windows, page_of, paged, start_of, the_setting
from shelftide_xiaohongshu.mapping_pugongying import (
    counted_until,
    day_key,
    kol_of,
    map_creator,
    map_deal,
    map_note,
)
from shelftide_xiaohongshu.replies import classify_mapi
from shelftide_xiaohongshu.values import (
    CURRENCY,
    ZONE,
    Strays,
    data_of,
    listed,
    midnight,
    shanghai_day,
    unrepeated,
)

NOTES = "/pgy/note/post/data"
CREATORS = "/pgy/kol/data/detail"
ORDERED, PUBLISHED = 1, 2  # date_type
PAGE_SIZE = 100
WINDOW_DAYS = 30
KEPT_DAYS = 3
CREATORS_A_CALL = 50


class XiaohongshuPugongying(Connector):
    """One brand. The platform keeps three days of snapshots, the newest of yesterday: read it every day."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="xiaohongshu-pugongying",
        title="Xiaohongshu creators (Pugongying)",
        platform="xiaohongshu",
        api_requires=(1, 0),
        hosts=(MAPI_HOST, CONSENT_HOST),
        tier="gold",
        # The platform publishes no number; this is a careful one.
        budgets=(Budget(name="pugongying", calls=5, seconds=1, scope="app", endpoints="/api/open/pgy/"),),
        docs_url="https://pgy.xiaohongshu.com",
        emulator="shelftide_xiaohongshu.emulator:MapiEmulator",
    )
    auth: ClassVar[OAuth2] = PUGONGYING_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("creators", Creator, whole=True),
        # Some figures come a day later than the rest: every day that is kept is read again.
        Stream("notes", Content, (ContentSnapshot,), "date_key", days(2), days(3)),
        Stream("deals", Deal, whole=True),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify_mapi(response)

    async def check(self, ctx: Context) -> Health:
        """Ask for one note of the last days."""
        day = shanghai_day(ctx.clock.now()) - timedelta(days=1)
        try:
            await ask(ctx.client, NOTES, {**_asked(ctx, PUBLISHED, (day, day), day), "page_num": 1, "page_size": 1})
        except AuthorizationError as error:
            return Health(state=HealthState.RECONNECT, reason=error.message, step=error.hint)
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """The brand that agreed; the token's reply names it."""
        found = ctx.settings.get("account_id", "")
        if not found:
            raise ConfigurationError("The grant names no brand.", hint="Reconnect the account.")
        settings = {"user_id": found}
        return [
            Account(
                source_id=found, name=found, kind="brand", currency=CURRENCY, zone=ZONE, country="CN", settings=settings
            )
        ]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        strays = Strays()
        if stream.name == "creators":
            async for page in self._creators(ctx):
                yield page
            return
        if stream.name == "deals":
            async for day, found in _rows(ctx, ORDERED, [_yesterday(ctx)]):
                yield page_of(found or (), partial(map_deal, day=day, strays=strays), Deal)
            return
        async for day, found in _rows(ctx, PUBLISHED, _days(ctx, stream, cursor)):
            cursor = {"date_key": midnight(day + timedelta(days=1)).isoformat()} if found is None else None
            yield page_of(found or (), partial(map_note, day=day, strays=strays), Content, cursor)

    async def _creators(self, ctx: Context) -> AsyncIterator[Page]:
        """The creators of all orders: the platform lists none, it looks up those that are named."""
        named: dict[str, None] = {}
        strays = Strays()
        async for _, found in _rows(ctx, ORDERED, [_yesterday(ctx)]):
            named |= {kol: None for row in found or () if (kol := kol_of(row))}
            nameless = [
                Reject("Creator", "an order that names no creator", row) for row in found or () if not kol_of(row)
            ]
            if nameless:
                yield Page(rejects=nameless)
        ids = list(named)
        for start in range(0, len(ids), CREATORS_A_CALL):
            some = ids[start : start + CREATORS_A_CALL]
            body = await ask(ctx.client, CREATORS, {"user_id": _user(ctx), "kol_ids": some})
            data = data_of(body, CREATORS)
            rows = unrepeated(listed(data, "datas", CREATORS), set())
            try:
                at = counted_until(data.get("date_key"))
            except DataError as error:
                raise ContractError(f"{CREATORS}: {error.message}") from error
            if missing := set(some) - {kol for row in rows if (kol := kol_of(row))}:
                ctx.log.info("%d creators are not known any more", len(missing))
            yield page_of(rows, partial(_known, at=at, asked=frozenset(some), strays=strays), Creator)


def _known(row: Any, at: Any, asked: frozenset[str], strays: Strays) -> Creator:
    found = map_creator(row, at)
    told = f"a creator that nobody asked for, again: {found.source_id}"
    strays.check(found.source_id, fits=found.source_id in asked, told=told)
    return found


def _user(ctx: Context) -> str:
    return the_setting(ctx, "user_id", "brand")


def _yesterday(ctx: Context) -> date:
    return shanghai_day(ctx.captured_at) - timedelta(days=1)


def _days(ctx: Context, stream: Stream, cursor: Cursor | None) -> list[date]:
    """The days whose snapshots are to be read: of those that are kept, the ones since the cursor less the lookback."""
    last = _yesterday(ctx)
    kept = [last - timedelta(days=back) for back in range(KEPT_DAYS - 1, -1, -1)]
    if not cursor or not cursor.get("date_key"):
        return kept
    since = start_of(ctx, stream, cursor)
    return [day for day in kept if midnight(day + timedelta(days=1)) >= since]


def _asked(ctx: Context, kind: int, window: tuple[date, date], day: date) -> dict[str, Any]:
    return {
        "user_id": _user(ctx),
        "date_type": kind,
        "start_time": window[0].isoformat(),
        "end_time": window[1].isoformat(),
        "date_key": day_key(day),
    }


async def _rows(ctx: Context, kind: int, wanted: list[date]) -> AsyncIterator[tuple[date, list[Any] | None]]:
    """(day, rows of a page) of all windows since the connection's first day; (day, None) when a day is done."""
    first = shanghai_day(ctx.since)
    for day in wanted:
        for window in day_windows(first, shanghai_day(ctx.captured_at), WINDOW_DAYS):
            async for found in paged(ctx, NOTES, "datas", _asked(ctx, kind, window, day), size=PAGE_SIZE):
                yield day, found
        yield day, None
