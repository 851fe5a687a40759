"""Engines, one per role. Pools keep no session state: every setting is local to a transaction."""

from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shelftide.store.embedded import Dsns
from shelftide.store.reads import Reads


def _engine(dsn: str, size: int) -> AsyncEngine:
    url = dsn.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=size,
        pool_pre_ping=True,
        pool_recycle=1800,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={"server_settings": {"application_name": "shelftide"}},
    )


def is_lost(error: BaseException) -> bool:
    """Whether an error is that of a database that went away, or is not back yet; not that of a wrong statement."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        # Classes 08 (connection) and 57P (shut down, crashed, starting up).
        return bool(error.connection_invalidated) or state.startswith(("08", "57P"))
    return isinstance(error, ConnectionError)


class Database:
    """The control plane as the roles `app` and `gate` see it. Made in a composition root, closed there."""

    def __init__(self, dsns: Dsns, *, pool_size: int = 8) -> None:
        self.dsns = dsns
        self.app = _engine(dsns.app, pool_size)
        self.gate = _engine(dsns.gate, pool_size)
        self.reads = Reads(dsns.app, size=pool_size)

    async def close(self) -> None:
        """Close all connections."""
        await self.app.dispose()
        await self.gate.dispose()
        await self.reads.close()

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()
