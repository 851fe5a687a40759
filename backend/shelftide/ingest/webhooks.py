"""The door for what platforms push: signature first, over the raw bytes; then kept once; then answered.

Nothing is parsed before an app's secret has verified it, and nothing takes effect here: a run does that later.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shelftide.core.errors import AppError, NotFoundError
from shelftide.core.log import get_logger
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault, VaultError, WrappedKey
from shelftide.ingest.registry import Registry
from shelftide.store.database import Database
from shelftide.store.repositories.agencies import agency_key
from shelftide.store.repositories.apps import get_platform_app
from shelftide.store.repositories.inbox import Arrival, ProcessingRun, Verdict, agencies_with_app, take_in
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk import Connector, Delivery, ForgedDeliveryError, Webhooks
from shelftide_sdk.auth import App

log = get_logger("webhooks")
PROCESSING = ProcessingRun(job="webhooks.process", queue="ingest", max_attempts=8)
_FUTURE = timedelta(minutes=5)
_APPS_SECONDS = 15.0
_NAME_LIMIT = 200
_HEADER_LIMIT = 1_000
_AT_ONCE = 8
# Of no use to a connector, or a secret of whoever sent them.
_DROPPED = frozenset({"authorization", "cookie", "host", "forwarded", "x-forwarded-for", "x-real-ip", "user-agent"})


class RefusedDeliveryError(AppError):
    """Not from the platform, not for this, or too old. The answer never says which."""

    status = 401
    code = "refused"

    def __init__(self, internal: str) -> None:
        super().__init__("This delivery is refused.", internal=internal)


class AppKey(msgspec.Struct, frozen=True):
    """An agency's app at a platform, and the key that seals what it sends."""

    agency_id: UUID
    app: App
    key: WrappedKey

    def __repr__(self) -> str:
        return f"AppKey({self.agency_id})"


class Receiver:
    """Takes in deliveries of all platforms, for all agencies."""

    def __init__(self, database: Database, *, vault: Vault, registry: Registry) -> None:
        self._database = database
        self._vault = vault
        self._registry = registry
        self._apps: dict[str, tuple[float, list[AppKey]]] = {}
        self._loading = asyncio.Lock()

    async def receive(self, name: str, headers: Sequence[tuple[str, str]], body: bytes, *, now: datetime) -> Verdict:
        """Verify a request and keep it, once. NEW and REPEATED are to be answered alike.

        Raises:
            NotFoundError: no connector of this name takes deliveries.
            RefusedDeliveryError: forged, stale, contradicting itself, or signed for something else.
        """
        connector, webhooks = self._connector(name)
        single = single_headers(headers)
        senders = [each for each in await self._senders(connector.info.name) if _signed(webhooks, each, single, body)]
        if not senders:
            raise RefusedDeliveryError("no app has signed it")
        deliveries = _described(webhooks, single, body, now)
        first = deliveries[0]
        digest = hashlib.sha256(body + (first.delivery_id.encode() if first.repeatable else b"")).hexdigest()
        arrival = Arrival(
            connector=connector.info.name,
            deliveries=deliveries,
            digest=digest,
            headers={name: value for name, value in single.items() if name not in _DROPPED},
            bodies={each.agency_id: self._seal(each, connector, digest, body) for each in senders},
            received_at=now,
        )
        async with SystemUnitOfWork(self._database, reason="a delivery names an account, not a brand") as uow:
            verdict = await take_in(uow, arrival, PROCESSING)
            await uow.commit()
        if verdict is Verdict.FORGED:
            raise RefusedDeliveryError("the same bytes came for another account or topic")
        return verdict

    async def challenge(self, name: str, params: Sequence[tuple[str, str]]) -> str:
        """The answer to a platform's question before it sends anything. Raises NotFoundError, RefusedDeliveryError."""
        connector, webhooks = self._connector(name)
        if webhooks.challenge is None:
            raise NotFoundError
        single = single_headers(params)
        for each in await self._senders(connector.info.name):
            answer = webhooks.challenge(each.app, single)
            if answer is not None:
                return answer
        raise RefusedDeliveryError("the challenge carries no token of ours")

    def _connector(self, name: str) -> tuple[type[Connector], Webhooks]:
        """By its own name, or by its platform's where only one connector of that takes deliveries."""
        found = [c for c in self._registry.connectors.values() if c.webhooks is not None]
        named = [c for c in found if c.info.name == name] or [c for c in found if c.info.platform == name]
        if len(named) != 1 or named[0].webhooks is None:
            raise NotFoundError
        return named[0], named[0].webhooks

    async def _senders(self, connector: str) -> list[AppKey]:
        """All apps that may sign, as they were at most a few seconds ago."""
        async with self._loading:
            until, found = self._apps.get(connector, (0.0, []))
            if until < time.monotonic():
                found = await self._load(connector)
                self._apps[connector] = (time.monotonic() + _APPS_SECONDS, found)
        return found

    async def _load(self, connector: str) -> list[AppKey]:
        async with SystemUnitOfWork(self._database, reason="a delivery does not say whose app signed it") as uow:
            agencies = await agencies_with_app(uow, connector)
        found: list[AppKey | None] = []
        for start in range(0, len(agencies), _AT_ONCE):
            chunk = agencies[start : start + _AT_ONCE]
            found += await asyncio.gather(*(self._app(agency_id, connector) for agency_id in chunk))
        return [each for each in found if each is not None]

    async def _app(self, agency_id: UUID, connector: str) -> AppKey | None:
        try:
            async with UnitOfWork(self._database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
                app = await get_platform_app(uow, self._vault, connector, "")
                return AppKey(agency_id, app, await agency_key(uow, self._vault))
        except (AppError, VaultError) as error:  # one agency's damage is not the others'
            log.error("app_unreadable", agency=str(agency_id), connector=connector, error=repr(error))
            return None

    def _seal(self, sender: AppKey, connector: type[Connector], digest: str, body: bytes) -> bytes:
        place = inbox_place(connector.info.name, digest)
        return self._vault.seal(sender.key, str(sender.agency_id), place, body.decode("latin-1"))


def inbox_place(connector: str, digest: str) -> str:
    """Where a sealed body belongs."""
    return f"inbox|{connector}|{digest}"


def single_headers(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Names in lower case; a name that occurs twice is dropped: which of the two would count is a matter of taste."""
    counts = Counter(name.lower() for name, _ in pairs)
    return {name.lower(): value for name, value in pairs if counts[name.lower()] == 1 and len(value) <= _HEADER_LIMIT}


def _signed(webhooks: Webhooks, sender: AppKey, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        return webhooks.verify(sender.app, headers, body)
    except Exception as error:  # noqa: BLE001  # outsiders' code before strangers' bytes: whatever it raises, refused
        log.warning("verify_failed", error=repr(error))
        return False


def _described(webhooks: Webhooks, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Delivery]:
    try:
        deliveries = webhooks.describe(headers, body)
    except ForgedDeliveryError as error:
        raise RefusedDeliveryError(f"it contradicts itself: {error}") from error
    except Exception as error:  # outsiders' code
        raise RefusedDeliveryError(f"it cannot be read: {error!r}") from error
    if not deliveries:
        raise RefusedDeliveryError("it says nothing")
    for delivery in deliveries:
        at = delivery.triggered_at
        if at is not None and not now - webhooks.max_age <= at <= now + _FUTURE:
            raise RefusedDeliveryError("too old, or from the future")
        if not all(_sound(word) for word in (delivery.delivery_id, delivery.topic, delivery.account)):
            raise RefusedDeliveryError("names that no platform gives")
    return deliveries


def _sound(word: str) -> bool:
    """What a name may be: short, printable, so that every database takes it."""
    return 0 < len(word) <= _NAME_LIMIT and word.isprintable()
