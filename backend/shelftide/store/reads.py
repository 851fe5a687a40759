"""Hot reads: one statement, one round trip, on a driver connection that keeps nothing between two of them.

The statement sets its own scope, which ends with it. The brands that it looks at are what setting the scope returned:
nothing is looked at before. Without a scope the policies compare with NULL and show nothing. Where only a credential is
known, the same statement proves it and takes the scope from there.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

import asyncpg

from shelftide.core.errors import ForbiddenError, NotFoundError, SignInRequiredError
from shelftide.core.scope import RIGHTS, Claim, Role, Scope

_PERSON = "select * from person_of_session($1)"
Row = Sequence[Any]


class Reads:
    """A small pool of the role `app`, opened by the first read, in the loop that asks."""

    def __init__(self, dsn: str, *, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def of(self, who: Scope | Claim, statement: str, *values: Any) -> Sequence[Row]:
        """Rows of the brands in scope, or of the brand of a claim. `statement` finds their ids as `scope.tenants`.

        Raises:
            SignInRequiredError: the claim's session is not live.
            ForbiddenError: its person has not the right.
            NotFoundError: the brand is not its person's.
        """
        if isinstance(who, Claim):
            return await self._claimed(who, statement, *values)
        if not isinstance(who, Scope):
            raise TypeError("a read needs a scope")
        pool = await self._opened()
        tenants = ",".join(map(str, who.tenant_ids))
        found: list[Row] = await pool.fetch(scoped(statement, len(values)), *values, tenants)
        return found

    async def _claimed(self, claim: Claim, statement: str, *values: Any) -> Sequence[Row]:
        pool = await self._opened()
        found = await pool.fetch(claimed(statement, len(values)), *values, claim.session_hash, claim.tenant_id)
        if not found:
            raise SignInRequiredError
        *_, here, role, theirs = found[0]
        if claim.right not in RIGHTS[Role(role)]:
            raise ForbiddenError("You may not do this.", hint="Ask an owner of your agency.")
        if not theirs:
            raise NotFoundError
        return [row[:-3] for row in found] if here else []

    async def person(self, session_hash: bytes) -> asyncpg.Record | None:
        """The person of a live session with today's rights. Whoever does not know the hash learns nothing."""
        return await (await self._opened()).fetchrow(_PERSON, session_hash)

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _opened(self) -> asyncpg.Pool:
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


async def _keep(connection: asyncpg.Connection) -> None:
    """Nothing to undo: a setting ends with its statement. The usual reset would be a second round trip."""


@cache
def scoped(statement: str, values: int) -> str:
    """A statement with so many values, and the brands in scope after them, as one text."""
    return f"""
with scope as materialized (
    select string_to_array(set_config('app.tenants', ${values + 1}, true), ',')::uuid[] as tenants)
select found.* from scope cross join lateral ({statement} offset 0) found
"""  # noqa: S608  # ours


@cache
def claimed(statement: str, values: int) -> str:
    """A statement with so many values, and a session's hash and a brand after them.

    No row: no live session. Else the rows, or one of nulls; behind each whether the statement found it, the person's
    role, and whether the brand is the person's. A left join runs its left side first: no plan looks before it.
    """
    person, tenant = f"${values + 1}", f"${values + 2}"
    return f"""
with scope as materialized (
    select who.role, string_to_array(set_config('app.tenants',
        case when {tenant} = any(who.tenant_ids) then {tenant}::text else '' end, true), ',')::uuid[] as tenants
    from person_of_session({person}) who)
select found.*, scope.role, cardinality(scope.tenants) > 0
from scope left join lateral (select rows.*, true as here from ({statement} offset 0) rows) found on true
"""  # noqa: S608  # ours
