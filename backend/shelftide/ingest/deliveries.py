"""Deliveries take effect: data first, mark after. A crash between the two repeats a delivery, which changes nothing.

Order does not matter: rows know by `newer_by` which state is newer, and what a delivery removed is not brought back by
one that tells of an earlier moment.
"""

from datetime import date
from typing import Any

import msgspec

from shelftide.core.points import Point, reached
from shelftide.core.vault import Secret, Vault, VaultError
from shelftide.ingest.privacy import Note, Privacy
from shelftide.ingest.stamps import Stamps
from shelftide.ingest.sync import Claimed, quarantine_row
from shelftide.ingest.webhooks import inbox_place
from shelftide.store.repositories.agencies import agency_key
from shelftide.store.repositories.connections import Connection, save_rejects, set_health
from shelftide.store.repositories.inbox import Letter, end_letter, tombstones, waiting_letters
from shelftide.warehouse.families import Key, is_of, key_of, with_children
from shelftide.warehouse.warehouse import Batch, Warehouse
from shelftide_sdk import (
    AuthorizationError,
    ConfigurationError,
    Connector,
    ConnectorError,
    Context,
    DataError,
    Matter,
    Page,
    RateLimitedError,
    Reject,
    Subject,
    TransientError,
    WebhookRequest,
)
from shelftide_sdk.reading import own

_AT_ONCE = 50
_STREAM = "webhooks"
# Errors that are about the platform or the grant, not about one delivery.
_NOT_ITS_FAULT = (RateLimitedError, TransientError, AuthorizationError, ConfigurationError)


class DeliveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did with what waited."""

    deliveries: int = 0
    written: int = 0
    deleted: int = 0
    rejected: int = 0


class _Effect(msgspec.Struct):
    """What one delivery did, before it is marked."""

    state: str = "done"
    outcome: str = ""
    rejects: list[Reject] = []
    removed: list[Key] = []
    note: Note | None = None


class Deliveries:
    """A connection's waiting deliveries inside one run. `touched` and `tables` say what changed."""

    def __init__(
        self,
        connector: Connector,
        connection: Connection,
        *,
        context: Context,
        warehouse: Warehouse,
        claimed: Claimed,
        vault: Vault,
        key: bytes,
    ) -> None:
        self._connector = connector
        self._connection = connection
        self._context = context
        self._warehouse = warehouse
        self._claimed = claimed
        self._vault = vault
        self._stamps = Stamps(connection, key=key, open_work=claimed.unit_of_work)
        self._privacy = Privacy(connection, warehouse=warehouse, key=key, open_work=claimed.unit_of_work)
        self._counts = {"deliveries": 0, "written": 0, "deleted": 0, "rejected": 0}
        self.touched: set[tuple[str, date]] = set()
        self.tables: set[str] = set()

    @property
    def report(self) -> DeliveryReport:
        """What was done so far."""
        return DeliveryReport(**self._counts)

    async def run(self) -> None:
        """All that waits, in the order in which it happened.

        Raises:
            ConnectorError: the platform or the grant fails; what is not done keeps waiting.
        """
        while True:
            async with self._claimed.unit_of_work() as uow:
                letters = await waiting_letters(uow, self._connection.connection_id, limit=_AT_ONCE)
            if not letters:
                return
            for letter in letters:
                await self._one(letter)

    async def _one(self, letter: Letter) -> None:
        try:
            effect = await self._effect(letter)
        except _NOT_ITS_FAULT as error:
            if isinstance(error, AuthorizationError) and not error.missing_scopes:
                await self._unwell(error)
            raise
        except ConnectorError as error:
            effect = _rejected(letter, error.message)
        except VaultError as error:  # its key is gone or another: it will never open
            effect = _rejected(letter, str(error))
        reached(Point.WRITTEN_CURSOR_NOT_SAVED)
        rejects = [quarantine_row(self._connection.connection_id, _STREAM, reject) for reject in effect.rejects]
        async with self._claimed.unit_of_work() as uow:
            await self._claimed.guard(uow)
            await save_rejects(uow, rejects)
            if effect.note is not None:
                await effect.note(uow)
            removed = [(name, list(values)) for name, values in effect.removed]
            await end_letter(uow, letter, state=effect.state, outcome=effect.outcome, deleted=removed)
            await uow.commit()
        self._counts["deliveries"] += 1
        self._counts["rejected"] += len(rejects)

    async def _effect(self, letter: Letter) -> _Effect:
        matter = Matter(letter.matter)
        if matter is Matter.DATA:
            if self._connection.state == "paused":
                return _Effect(outcome="the connection reads no more")
            return await self._data(letter)
        if matter is Matter.APP_REMOVED:
            return _Effect(outcome=matter, note=await self._privacy.app_removed(letter.triggered_at))
        if matter is Matter.GRANT_ENDING:
            return _Effect(outcome=matter, note=await self._privacy.grant_ending(letter.triggered_at))
        if matter is Matter.ACCOUNT_ERASURE:
            return _Effect(outcome=matter, note=await self._privacy.erase_account())
        if matter is Matter.JOB_FINISHED:
            return _Effect(outcome="the sync that waits for it looks by itself")
        subject = self._subject(await self._body(letter))
        if matter is Matter.CUSTOMER_ERASURE:
            return _Effect(outcome=matter, note=await self._privacy.erase_customer(subject))
        return _Effect(outcome=matter, note=await self._privacy.tell(subject, letter.received_at))

    def _subject(self, body: bytes) -> Subject:
        webhooks = self._connector.webhooks
        if webhooks is None or webhooks.subject is None:
            raise DataError("the connector does not say whose request this is")
        return webhooks.subject(body)

    async def _data(self, letter: Letter) -> _Effect:
        request = WebhookRequest(headers=letter.headers, body=await self._body(letter), received_at=letter.received_at)
        try:
            pages = [
                own(page, self._connector.info.name) for page in await self._connector.webhook(self._context, request)
            ]
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001  # outsiders' code may raise anything; the delivery is kept as a reject
            return _rejected(letter, f"{type(error).__name__}: {error}")
        effect = _Effect(outcome="data", rejects=[reject for page in pages for reject in page.rejects])
        gone = await self._gone(letter)
        for page in pages:
            await self._write(page, gone, effect)
        return effect

    async def _gone(self, letter: Letter) -> set[Key]:
        """Rows that later deliveries have removed already."""
        if letter.triggered_at is None:
            return set()
        async with self._claimed.unit_of_work() as uow:
            found = await tombstones(uow, self._connection.connection_id, since=letter.triggered_at)
        return {(name, tuple(values)) for tombstone in found for name, values in tombstone.deleted}

    async def _write(self, page: Page, gone: set[Key], effect: _Effect) -> None:
        records = [record for record in page.records if not is_of(record, gone)]
        effect.removed += [key_of(delete) for delete in page.deletes]
        deletes = await with_children(self._warehouse, self._connection.connection_id, page.deletes)
        if not records and not deletes:
            return
        now = self._context.clock.now()
        stamp = await self._stamps.stamp(fetched_at=now, observed_at=now)
        change = await self._warehouse.write(Batch(records=records, deletes=deletes, stamp=stamp))
        effect.rejects += change.rejects
        self.touched |= change.days
        self.tables |= {name for name, table in change.tables.items() if table.inserted + table.updated + table.deleted}
        self._counts["written"] += change.written
        self._counts["deleted"] += change.deleted

    async def _body(self, letter: Letter) -> bytes:
        if letter.body is None:
            raise DataError("the delivery has no body any more")
        async with self._claimed.unit_of_work() as uow:
            key = await agency_key(uow, self._vault)
            await uow.commit()
        place = inbox_place(letter.connector, letter.digest)
        opened: Secret = self._vault.open(key, str(letter.agency_id), place, letter.body)
        return opened.reveal().encode("latin-1")

    async def _unwell(self, error: ConnectorError) -> None:
        async with self._claimed.unit_of_work() as uow:
            await set_health(
                uow, self._connection.connection_id, state="reconnect", reason=error.message, step=error.hint
            )
            await uow.commit()


def _rejected(letter: Letter, reason: str) -> _Effect:
    raw: dict[str, Any] = {"topic": letter.topic, "delivery_id": letter.delivery_id, "account": letter.account}
    return _Effect(
        state="rejected", outcome=reason, rejects=[Reject("Delivery", f"webhook {letter.topic}: {reason}", raw)]
    )
