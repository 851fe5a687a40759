"""What a batch of a connection is stamped with: who was erased is asked anew for each one."""

from collections.abc import Callable
from datetime import datetime

from shelftide.store.repositories.connections import Connection
from shelftide.store.repositories.inbox import erased_keys
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.warehouse import Stamp
from shelftide_sdk.pseudonyms import pseudonym


class Stamps:
    """Makes the stamps of one connection's batches. `open_work` opens a transaction in the brand's scope."""

    def __init__(self, connection: Connection, *, key: bytes, open_work: Callable[[], UnitOfWork]) -> None:
        self._connection = connection
        self._key = key
        self._open = open_work

    async def stamp(self, *, fetched_at: datetime, observed_at: datetime) -> Stamp:
        """A stamp under which nobody comes back who was erased before now."""
        async with self._open() as uow:
            erased = await erased_keys(uow)
        return Stamp(
            tenant_id=self._connection.tenant_id,
            connection_id=self._connection.connection_id,
            platform=self._connection.platform,
            fetched_at=fetched_at,
            observed_at=observed_at,
            pseudonym=pseudonym(self._key, erased),
        )
