"""The connector: where data is. What it means is said by pure mapping functions beside it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from logging import LoggerAdapter
from typing import Any, ClassVar, Protocol

import msgspec

from shelftide_sdk.auth import Auth, NoAuth
from shelftide_sdk.client import Budget, Client
from shelftide_sdk.errors import ConnectorError, DataError, TransientError
from shelftide_sdk.metrics import Withdrawn
from shelftide_sdk.records import Record
from shelftide_sdk.webhooks import Webhooks

API_VERSION = (1, 0)

Cursor = dict[str, Any]
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
Logger = LoggerAdapter[Any]


def days(count: float) -> timedelta:
    """So many days, for declarations: `lookback=days(7)`."""
    return timedelta(days=count)


class SettingField(msgspec.Struct, frozen=True, kw_only=True):
    """One field that a person fills in before connecting, such as the shop's address."""

    name: str
    title: str
    pattern: str = ".+"
    example: str = ""
    secret: bool = False


class ConnectorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's business card.

    `hosts` are the only hosts that its client reaches; `*.` matches one label. `budgets` are the platform's limits.
    `emulator` names the class that emulates the platform, as `package.module:Class`; it is imported only by the
    simulator, so that production needs none of its dependencies. `app_accounts` is how many accounts one app may serve,
    where the platform limits that. `app_fields` are what an agency enters of its registration beside id and secret
    (`App.extra`). `withdrawn` are metrics that the platform has stopped giving.
    """

    name: str
    title: str
    platform: str
    api_requires: tuple[int, int]
    hosts: tuple[str, ...]
    tier: str = "bronze"
    settings: tuple[SettingField, ...] = ()
    budgets: tuple[Budget, ...] = ()
    docs_url: str = ""
    emulator: str = ""
    app_accounts: int | None = None
    app_fields: tuple[SettingField, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()


class Stream(msgspec.Struct, frozen=True):
    """One kind of data of a connection.

    Attributes:
        name: plural noun, unique in the connector.
        record: the main record type; `also` lists what else its pages may hold.
        cursor: name of the platform's field that the cursor follows, or None when each read is a full one.
        lookback: how far before the cursor a read starts again, because the platform changes the past.
        promise: how old the newest data may be before the stream counts as stale.
        whole: a first read takes everything that still exists (products, creators), not only what changed since
            `Context.since`.
    """

    name: str
    record: type[Record]
    also: tuple[type[Record], ...] = ()
    cursor: str | None = None
    lookback: timedelta = timedelta(0)
    promise: timedelta = timedelta(days=1)
    whole: bool = False


class Delete(msgspec.Struct, frozen=True):
    """The platform no longer has a row. `key` holds the record type's key fields."""

    record: type[Record]
    key: Mapping[str, Any]


class Reject(msgspec.Struct, frozen=True):
    """A row that could not be understood, on its way to quarantine."""

    record: str
    reason: str
    raw: Any


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a read. The host saves `cursor` only after all rows of the page are safe.

    A page with a cursor says: everything before this point has been yielded. None keeps the last one.
    `total` is the number of rows the platform promised for the whole read, where it says so.
    """

    records: Sequence[Record] = ()
    deletes: Sequence[Delete] = ()
    rejects: Sequence[Reject] = ()
    cursor: Cursor | None = None
    total: int | None = None


class HealthState(StrEnum):
    """What a check found."""

    OK = "ok"
    DEGRADED = "degraded"
    RECONNECT = "reconnect"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `check`: a state, why, and the one step that mends it."""

    state: HealthState
    reason: str = ""
    step: str = ""
    missing_scopes: tuple[str, ...] = ()
    lost_streams: tuple[str, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a grant opens and that can be assigned to one brand: a shop, a business account, an advertiser.

    `settings` are added to the connection's settings (a shop's cipher, for example); they are not secret.
    """

    source_id: str
    name: str
    kind: str = "account"
    currency: str | None = None
    zone: str | None = None
    country: str | None = None
    settings: Mapping[str, str] = {}


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A verified delivery."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present, aware UTC."""
        ...


class Context(msgspec.Struct, kw_only=True):
    """All that a connector sees while it works.

    Attributes:
        client: signs, refreshes, waits, retries; reaches only the declared hosts.
        settings: the grant's and account's settings. No secrets.
        since: how far back a first read goes.
        captured_at: the moment of this read, the same for all its pages (snapshots carry it).
    """

    client: Client
    clock: Clock
    log: Logger
    settings: Mapping[str, str]
    since: datetime
    captured_at: datetime

    def start(self, stream: Stream, cursor: Cursor | None) -> datetime:
        """Where a read of `stream` begins: the cursor's time less the lookback; on a first read `since`, or the
        beginning of time for a `whole` stream.

        Raises:
            ValueError: the cursor's value is not an ISO-8601 time.
        """
        if not stream.cursor or not cursor or not cursor.get(stream.cursor):
            return _BEGINNING if stream.whole else self.since
        seen = datetime.fromisoformat(str(cursor[stream.cursor]))
        return max(_BEGINNING if stream.whole else self.since, seen.astimezone(UTC) - stream.lookback)


class Connector(ABC):
    """Base of all connectors. One instance serves one connection for one run.

    Example:
        class Acme(Connector):
            info = ConnectorInfo(name="acme", title="Acme", platform="acme", api_requires=(1, 0), hosts=("a.example",))
            auth = ApiKey()
            streams = (Stream("orders", Order, cursor="updated_at"),)
    """

    info: ClassVar[ConnectorInfo]
    auth: ClassVar[Auth] = NoAuth()
    streams: ClassVar[tuple[Stream, ...]] = ()
    webhooks: ClassVar[Webhooks | None] = None
    cursor_version: ClassVar[int] = 1

    @abstractmethod
    async def check(self, ctx: Context) -> Health:
        """Make one cheap call that proves the grant works, and name what is missing."""

    @abstractmethod
    def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Yield pages from `cursor` on, oldest change first where the platform allows it."""

    async def accounts(self, ctx: Context) -> list[Account]:
        """The accounts that a fresh grant opens."""
        return []

    async def discover(self, ctx: Context) -> list[Stream]:
        """The streams that this connection can really read (scopes, plan, region)."""
        return list(self.streams)

    async def webhook(self, ctx: Context, request: WebhookRequest) -> list[Page]:
        """Turn a verified delivery into pages. Called later, never while the platform waits."""
        return []

    async def subscribe(self, ctx: Context, address: str) -> list[str]:
        """Make sure that the platform sends what matters to `address`; the topics that had to be asked for again.

        Called after connecting and once a day: platforms drop the subscriptions of receivers that were deaf.
        """
        return []

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Name the error in a reply (an `httpx2.Response`), or None if the reply is good.

        Called by the client for every reply, so that platforms which answer errors with HTTP 200 are caught.
        Return None for HTTP statuses that need no special reading: the client knows 401, 403, 429 and 5xx.
        """
        return None

    @classmethod
    def migrate_cursor(cls, stream: Stream, cursor: Cursor, version: int) -> Cursor | None:
        """A cursor that version `version` saved, as `cursor_version` reads it; None begins anew.

        Pure. Called once, before the first read after an upgrade. By default every older cursor begins anew, which
        reads rows again and loses none.
        """
        return None

    def stream(self, name: str) -> Stream:
        """The stream called `name`. Raises KeyError with the names that exist."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(f"{self.info.name} has no stream {name!r}; it has {', '.join(s.name for s in self.streams)}")


def promised(rows: Sequence[Any], shown: int, total: Any, call: str) -> int | None:
    """The platform's count of rows, or None where it tells none. An empty page before the last row is refused.

    `total` is the count as the platform wrote it; one that is no number promises nothing. Lists change while they are
    read, so that a last page with fewer rows than promised is no fault.

    Raises:
        TransientError: the rows that were promised did not come.
    """
    text = str(total)
    if isinstance(total, bool) or not (text.isascii() and text.isdigit()) or len(text) > 12:
        return None
    if not rows and int(text) > shown:
        raise TransientError(f"{call} promised {text} rows and came to an empty page after {shown}")
    return int(text)


Mapped = Record | Sequence[Record]
_ROWS = (Mapping, tuple)  # a connector may pair a row with what it knows of it


def map_rows(
    rows: Iterable[Any], mapping: Callable[[Any], Mapped], record: type[Record]
) -> tuple[list[Record], list[Reject]]:
    """Apply a pure mapping to each row; a row that cannot be understood becomes a Reject, never an exception."""
    records: list[Record] = []
    rejects: list[Reject] = []
    for row in rows:
        try:
            mapped = mapping(row)
        except DataError as error:
            rejects.append(Reject(record.__name__, error.message, error.raw if error.raw is not None else row))
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError) as error:
            reason = (
                f"{type(error).__name__}: {error}" if isinstance(row, _ROWS) else f"a row is no object: {row!r}"[:200]
            )
            rejects.append(Reject(record.__name__, reason, row))
        else:
            if isinstance(mapped, Record):
                records.append(mapped)
            else:
                records.extend(mapped)
    return records, rejects
