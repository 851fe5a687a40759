"""Matters of privacy and of the grant, as platforms push them: forget a person, forget an account, tell what is known.

Whoever was forgotten stays forgotten: the keys are listed before anything is erased, and every later batch asks the
list. A batch that was being written at that very moment is caught by a second erasure a little later.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.connections import (
    Connection,
    detach_connection,
    erase_connection_rows,
    set_health,
)
from shelftide.store.repositories.grants import forget_token, release_account, token_stored_at
from shelftide.store.repositories.inbox import add_erased
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.families import customers_of_orders
from shelftide.warehouse.warehouse import Warehouse
from shelftide_sdk import Subject
from shelftide_sdk.pseudonyms import pseudonyms

Note = Callable[[UnitOfWork], Awaitable[None]]


class Privacy:
    """Acts for one connection. Each method returns what is to be noted in the transaction that ends the delivery."""

    def __init__(
        self, connection: Connection, *, warehouse: Warehouse, key: bytes, open_work: Callable[[], UnitOfWork]
    ) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self._key = key
        self._open = open_work

    async def keys_of(self, subject: Subject) -> list[str]:
        """All keys that a person may be known by here: by the identifiers, and by the orders that are named."""
        found = [name for customer in subject.customers for name, _ in pseudonyms(self._key, customer)]
        found += await customers_of_orders(self._warehouse, self._connection.connection_id, subject.order_ids)
        return list(dict.fromkeys(found))

    async def erase_customer(self, subject: Subject) -> Note:
        """Forget a person on all platforms of the brand."""
        keys = await self.keys_of(subject)
        async with self._open() as uow:
            await add_erased(uow, keys)
            await uow.commit()
        rows = await erase_keys(self._warehouse, keys)
        return self._note("privacy.customer_erased", {"rows": rows, "orders": len(subject.order_ids)})

    async def tell(self, subject: Subject, received_at: datetime) -> Note:
        """Note a person's wish to know: the agency answers it from what is listed."""
        detail = {
            "request": subject.request_id,
            "customer_keys": await self.keys_of(subject),
            "orders": list(subject.order_ids),
            "received_at": received_at.isoformat(),
        }
        return self._note("privacy.data_request", detail)

    async def erase_account(self) -> Note:
        """Forget all that a connection read, and its token. Other connections of the brand stay as they are."""
        connection_id, grant_id = self._connection.connection_id, self._connection.grant_id
        async with self._open() as uow:  # first: nothing may be read again
            if grant_id is not None:
                await release_account(uow, grant_id, self._connection.account_id)
                await forget_token(uow, grant_id, besides=connection_id)
            await detach_connection(uow, connection_id, reason="Erased at the platform's request.")
            await uow.commit()
        await self._warehouse.erase_connection(connection_id)
        async with self._open() as uow:
            await erase_connection_rows(uow, connection_id)
            await uow.commit()
        return self._note("privacy.account_erased", {"account": self._connection.account_name})

    async def app_removed(self, triggered_at: datetime | None) -> Note:
        """The account's owner removed the app; not news when the account was connected again since."""
        return await self._grant_news(triggered_at, "reconnect", "The app was removed at the platform.")

    async def grant_ending(self, triggered_at: datetime | None) -> Note:
        """The platform will end the grant soon."""
        return await self._grant_news(triggered_at, "degraded", "The platform will end the authorisation soon.")

    async def _grant_news(self, triggered_at: datetime | None, state: str, reason: str) -> Note:
        connection_id, grant_id = self._connection.connection_id, self._connection.grant_id

        async def note(uow: UnitOfWork) -> None:
            stored_at = None if grant_id is None else await token_stored_at(uow, grant_id)
            old = stored_at is not None and triggered_at is not None and triggered_at < stored_at
            if grant_id is not None and not old:
                await set_health(uow, connection_id, state=state, reason=reason, step="Reconnect the account.")
                await record(uow, f"connection.{state}", target=str(connection_id), detail={"reason": reason})

        return note

    def _note(self, action: str, detail: dict[str, Any]) -> Note:
        target = str(self._connection.connection_id)

        async def note(uow: UnitOfWork) -> None:
            await record(uow, action, target=target, detail=detail)

        return note


async def erase_keys(warehouse: Warehouse, keys: Sequence[str]) -> int:
    """Empty these keys in all versions of all rows; how many rows those were."""
    rows = 0
    for key in keys:
        rows += await warehouse.erase_customer(key)
    return rows
