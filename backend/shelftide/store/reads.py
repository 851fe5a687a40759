"""Hot reads: one statement, one round trip, on a driver connection that keeps nothing between two of them.

The statement sets its own scope, which ends with it. The brands that it looks at are what setting the scope returned:
nothing is looked at before. Without a scope the policies compare with NULL and show nothing.
"""

import asyncio
from functools import cache
from typing import Any

import asyncpg

from shelftide.core.scope import Scope

_SESSION = """
select u.agency_id, u.user_id, u.name, u.email, u.locale, m.role, m.client_id, s.csrf,
    array(select t.tenant_id from membership_tenants t where t.agency_id = m.agency_id and t.user_id = m.user_id
        order by t.tenant_id) as tenant_ids
from sessions s
join users u on u.agency_id = s.agency_id and u.user_id = s.user_id
join memberships m on m.agency_id = u.agency_id and m.user_id = u.user_id
where s.session_hash = $1 and s.expires_at > now() and u.active
"""
_SCOPE = """
with scope as materialized (select string_to_array(set_config('app.tenants', $1, true), ',')::uuid[] as tenants)
"""


class Reads:
    """Two small pools, of the roles `app` and `gate`, opened by the first read."""

    def __init__(self, *, app: str, gate: str, size: int) -> None:
        self._app = _Pool(app, size)
        self._gate = _Pool(gate, size)

    async def of(self, scope: Scope, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of the brands in scope. `statement` finds their ids as `scope.tenants` and its values from $2 on."""
        if not isinstance(scope, Scope):
            raise TypeError("a read needs a scope")
        tenants = ",".join(map(str, scope.tenant_ids))
        found: list[asyncpg.Record] = await (await self._app.opened()).fetch(_scoped(statement), tenants, *values)
        return found

    async def session(self, session_hash: bytes) -> asyncpg.Record | None:
        """The person of a live session with today's rights; as `gate`, because no scope is known yet."""
        pool = await self._gate.opened()
        return await pool.fetchrow(_SESSION, session_hash)

    async def close(self) -> None:
        """Close all connections."""
        await self._app.close()
        await self._gate.close()


@cache
def _scoped(statement: str) -> str:
    return f"{_SCOPE} select found.* from scope cross join lateral ({statement} offset 0) found"  # noqa: S608  # ours


class _Pool:
    """Opened in the loop that first asks."""

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def opened(self) -> asyncpg.Pool:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        self._dsn,
                        min_size=0,
                        max_size=self._size,
                        reset=_keep,
                        server_settings={"application_name": "shelftide"},
                    )
        return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


async def _keep(connection: asyncpg.Connection) -> None:
    """Nothing to undo: a setting ends with its statement. The usual reset would be a second round trip."""
