"""One unit of work = one transaction = one scope, set transaction-locally by its first statement.

No scope means an error, never all rows. `SystemUnitOfWork` connects as the role `gate`, for what must be read before a
scope is known; the modules that may import it are a written list in tests/architecture.
"""

from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shelftide.core.scope import Scope
from shelftide.store.database import Database
from shelftide.store.reads import Reads

_ENTER = text(
    "select nullif(current_setting('app.tenants', true), '') as dirty, "
    "set_config('app.tenant', :tenant, true), set_config('app.tenants', :tenants, true), "
    "set_config('app.agency', :agency, true)"
)
_TRIES = 3


class UnitOfWork:
    """A transaction on the control plane inside a scope.

    Example:
        async with UnitOfWork(database, scope) as uow:
            await Connections(uow).pause(connection_id)
            await uow.commit()

    Leaving without commit rolls back.
    """

    def __init__(self, database: Database, scope: Scope) -> None:
        if not isinstance(scope, Scope):
            raise TypeError("a unit of work needs a scope")
        self._database = database
        self.scope = scope
        self._connection: AsyncConnection | None = None

    @property
    def connection(self) -> AsyncConnection:
        """The open connection. Raises RuntimeError outside `async with`."""
        if self._connection is None:
            raise RuntimeError("the unit of work is not open")
        return self._connection

    async def __aenter__(self) -> Self:
        values = {
            "tenant": str(self.scope.tenant_id or ""),
            "tenants": ",".join(map(str, self.scope.tenant_ids)),
            "agency": str(self.scope.agency_id),
        }
        for _ in range(_TRIES):
            connection = await self._database.app.connect()
            try:
                dirty = (await connection.execute(_ENTER, values)).scalar_one()
                if dirty is None:
                    self._connection = connection
                    return self
            except BaseException:
                await connection.close()
                raise
            # Somebody set a session-level scope. That connection is never used again.
            structlog.get_logger(part="store").error("dirty_connection_discarded")
            await connection.invalidate()
            await connection.close()
        raise RuntimeError("no clean database connection could be had")

    @property
    def reads(self) -> Reads:
        """Hot reads of the same database, beside the transaction: they do not see what it has not committed."""
        return self._database.reads

    async def commit(self) -> None:
        """Make the work durable. The scope ends with the transaction; nothing more can be done in it."""
        await self.connection.commit()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class SystemUnitOfWork:
    """A transaction as the role `gate`. `reason` says why no scope can be known yet; it goes to the log on errors."""

    def __init__(self, database: Database, *, reason: str) -> None:
        if not reason:
            raise ValueError("say why no scope is known")
        self._database = database
        self.reason = reason
        self._connection: AsyncConnection | None = None

    @property
    def connection(self) -> AsyncConnection:
        """The open connection. Raises RuntimeError outside `async with`."""
        if self._connection is None:
            raise RuntimeError("the unit of work is not open")
        return self._connection

    async def __aenter__(self) -> Self:
        self._connection = await self._database.gate.connect()
        return self

    async def commit(self) -> None:
        """Make the work durable."""
        await self.connection.commit()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
