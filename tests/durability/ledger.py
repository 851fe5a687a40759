"""Queueing runs and counting what became of them: 0 lost, 0 doubled, and how soon they were resumed."""

import asyncio
import time
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from tests.durability.processes import LOST, Installation

from shelftide.core.scope import Scope
from shelftide.core.vault import Vault, read_master_keys
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.ids import new_id
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.repositories.runs import enqueue
from shelftide.store.unit_of_work import UnitOfWork
from tests.conftest import brand_values


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the runs. `attempts` by number of tries."""

    runs: int
    done: int
    effects: int
    distinct: int
    attempts: dict[int, int]

    @property
    def exact(self) -> bool:
        """Every run done, with one effect each."""
        return self.runs == self.done == self.effects == self.distinct


class Ledger:
    """The runs of one installation. Its connection reads as the superuser: it counts over all tenants."""

    def __init__(self, installation: Installation, dsns: Dsns) -> None:
        self._installation = installation
        self._superuser = installation.server.superuser_dsn()
        self.database = Database(dsns, pool_size=4)
        folder = installation.home / "files"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.vault = Vault(read_master_keys(folder / "master.json"))
        self.scopes: list[Scope] = []

    async def make_brands(self, number: int) -> list[Scope]:
        """One agency with so many brands; runs are spread over all of them."""
        agency_id = new_id()
        async with UnitOfWork(self.database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
            await add_agency(uow, name="Evidence", colour="#2f5d62", locale="en")
            client_id = await add_client(uow, "Client")
            await uow.commit()
        made = []
        for index in range(number):
            tenant_id = new_id()
            scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
            async with UnitOfWork(self.database, scope) as uow:
                await add_tenant(uow, self.vault, brand_values(client_id, f"brand-{agency_id.hex[-8:]}-{index}"))
                await uow.commit()
            made.append(scope)
        self.scopes += made
        return made

    async def queue(self, count: int, *, milliseconds: int = 50) -> list[UUID]:
        """Queue runs that leave an effect each, spread over the brands, as nearly at once as the pool allows."""
        scopes = [self.scopes[index % len(self.scopes)] for index in range(count)]
        return await asyncio.gather(*(self._queue(scope, milliseconds) for scope in scopes))

    async def _queue(self, scope: Scope, milliseconds: int) -> UUID:
        async with UnitOfWork(self.database, scope) as uow:
            found = await enqueue(
                uow,
                job="evidence.effect",
                queue="analytics",
                arguments={"milliseconds": milliseconds},
                max_attempts=20,
            )
            await uow.commit()
        return found

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Rows, over all tenants."""
        connection = await asyncpg.connect(self._superuser)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *values)
        finally:
            await connection.close()
        return found

    async def finished(self, seconds: float) -> None:
        """Wait until no run waits or works. Raises TimeoutError naming what is left."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                left = await self.fetch(
                    "select run_id, job, state, attempts, error_message from runs where state in ('queued', 'running')"
                )
            except LOST:  # the database may be the victim
                left = [None]
            if not left:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(left)} runs are left: {left[:5]}\n{self._installation.complaints()}")
            await asyncio.sleep(0.1)

    async def count(self) -> Count:
        """All effect runs of the installation."""
        (row,) = await self.fetch(
            "select count(*) as runs, count(*) filter (where state = 'done') as done,"
            " (select count(*) from evidence_effects) as effects,"
            " (select count(distinct e.run_id) from evidence_effects e join runs using (run_id)) as kept"
            " from runs where job = 'evidence.effect'"
        )
        tries = await self.fetch("select attempts, count(*) as n from runs where job = 'evidence.effect' group by 1")
        return Count(
            runs=row["runs"],
            done=row["done"],
            effects=row["effects"],
            distinct=row["kept"],
            attempts={r["attempts"]: r["n"] for r in tries},
        )

    async def resumed_after(self, died_at: float) -> list[float]:
        """Seconds from a death to the next start of each run that waited or was at work then and needed one."""
        rows = await self.fetch(
            "select (extract(epoch from n.first) - $1)::float8 as seconds from runs r cross join"
            " lateral (select min(a.started_at) as first from run_attempts a where a.run_id = r.run_id"
            "  and a.started_at > to_timestamp($1)) n"
            " where r.created_at <= to_timestamp($1) and n.first is not null",
            died_at,
        )
        return [float(row["seconds"]) for row in rows]

    async def close(self) -> None:
        """Close connections."""
        await self.database.close()
