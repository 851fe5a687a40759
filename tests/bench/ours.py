"""Contestant: the product's own path. A claimed run reads the orders with the connector and writes the warehouse.

Real are the connector, its client, stored credentials, the run's claim and fence, quarantine, saved cursors, row-level
security, versions, pseudonyms. Only the clock stands still, at the moment at which the tape was rendered.
"""

import cProfile
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import uvloop
from sqlalchemy import func, select
from tests.bench.measure import TABLES, Report, read_task
from tests.bench.render import APP, NOW

from shelftide.core.clock import FakeClock
from shelftide.core.scope import Scope
from shelftide.core.settings import Settings
from shelftide.core.vault import MasterKeys, Vault
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import load_plugins
from shelftide.ingest.sync import Sync
from shelftide.jobs.job import Job, JobContext, Queue
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.runs import Policy, Runner
from shelftide.jobs.services import Services
from shelftide.jobs.sync_connection import open_session, roll_up_touched
from shelftide.store.database import Database
from shelftide.store.embedded import EmbeddedPostgres, place_for
from shelftide.store.ids import new_id
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.repositories.connections import list_quarantine, save_stream
from shelftide.store.repositories.runs import get_run
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.tables import TABLES as BY_RECORD
from shelftide.warehouse.versions import known
from shelftide_sdk.auth import TokenSet
from shelftide_sdk.hosts import Routes
from tests.conftest import brand_values, give_grant, make_connection


async def sync_orders(ctx: JobContext, *, connection_id: str) -> Mapping[str, Any]:
    """The job `sync.run` for one stream: read, write, roll up."""
    session, key = await open_session(ctx, connection_id)
    async with session:
        warehouse = ctx.services.warehouses.of(session.connection.tenant_id)
        sync = Sync(
            session.connector, session.connection, context=session.context, warehouse=warehouse, claimed=ctx,
            pseudonym_key=key,
        )  # fmt: skip
        (report,) = await sync.run(("orders",))
        await roll_up_touched(ctx, session.connection, sync.touched)
    if report.error_code or report.rejected:
        raise RuntimeError(f"{report.error_code}: {report.error_message}, {report.rejected} rejected")
    return {"pages": report.pages, "written": report.written, "requests": session.client.requests}


JOB = Job(
    name="bench.sync", queue=Queue.INGEST, max_attempts=1, time_limit=timedelta(hours=1), work=sync_orders
)  # fmt: skip


class Shop:
    """A brand with one connected shop, and a runner for its runs."""

    def __init__(self, services: Services, scope: Scope, connection_id: UUID) -> None:
        self.services = services
        self.scope = scope
        self.connection_id = connection_id
        self._runner = Runner(services, worker="bench", policy=Policy(), jobs={JOB.name: JOB})

    async def sync(self) -> Mapping[str, Any]:
        """One run to its end; what it says. Raises RuntimeError when it did not end well."""
        async with UnitOfWork(self.services.database, self.scope) as uow:
            run_id = await JOB.enqueue(uow, connection_id=str(self.connection_id))
            await uow.commit()
        await self._runner.work_one([Queue.INGEST])
        async with UnitOfWork(self.services.database, self.scope) as uow:
            run = await get_run(uow, run_id)
            rejects = await list_quarantine(uow, limit=1)
        if run is None or run.state != "done" or rejects:
            raise RuntimeError(f"the run did not end well: {run} {rejects}")
        return cast(Mapping[str, Any], run.result)

    async def forget_cursor(self) -> None:
        """Let the next run read everything again."""
        async with UnitOfWork(self.services.database, self.scope) as uow:
            await save_stream(uow, self.connection_id, "orders", {"cursor": {}})
            await uow.commit()

    async def landed(self) -> dict[str, Any]:
        """Rows by table and two sums, read back from the warehouse."""
        warehouse = self.services.warehouses.of(self.scope.tenant_ids[0])
        counts = await warehouse.counts()
        orders, lines = known(BY_RECORD["Order"]), known(BY_RECORD["OrderLine"])
        total = await warehouse.query(select(func.sum(orders.c.total_amount).label("n")).select_from(orders))
        pieces = await warehouse.query(select(func.sum(lines.c.quantity).label("n")).select_from(lines))
        return {
            "rows": {name: counts[name] for name in TABLES},
            "total": f"{total['n'][0].as_py():.2f}",
            "pieces": int(pieces["n"][0].as_py()),
        }


async def open_shop(task: dict[str, Any]) -> Shop:
    """Services as a worker has them, on the benchmark's server, and a fresh brand."""
    home = Path(task["home"])
    dsns = await EmbeddedPostgres(place_for(home, home)).start()
    database, vault = Database(dsns), Vault(MasterKeys("k1", {"k1": b"0" * 32}))
    clock: Any = FakeClock(NOW)
    routes = Routes({"*": task["source"]})
    services = Services(
        settings=Settings(),
        database=database,
        vault=vault,
        registry=load_plugins(),
        warehouses=make_warehouses(
            task["engine"],
            app_dsn=dsns.app,
            lakes_dsn=dsns.lakes,
            folder=Path(task["folder"]),
            secrets=VaultLakeSecrets(database, vault),
        ),
        clock=clock,
        routes=routes,
        consent=Consent(vault=vault, clock=clock, routes=routes),
        data_dir=Path(task["folder"]),
    )
    return await _connect(services, {"shop": task["shop"], "bulk": task["bulk"]})


async def _connect(services: Services, settings: dict[str, str]) -> Shop:
    agency_id, tenant_id = new_id(), new_id()
    async with UnitOfWork(services.database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
        await add_agency(uow, name="Bench", colour="#2f5d62", locale="en")
        client_id = await add_client(uow, "Client")
        await uow.commit()
    scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
    async with UnitOfWork(services.database, scope) as uow:
        await add_tenant(uow, services.vault, brand_values(client_id, f"bench-{tenant_id}"))
        await uow.commit()
    connection_id = await make_connection(
        services.database, scope, account=settings["shop"], connector="shopify", platform="shopify", settings=settings
    )
    async with UnitOfWork(services.database, scope) as uow:
        await set_platform_app(uow, services.vault, "shopify", APP)
        await give_grant(uow, services.vault, client_id, connection_id, TokenSet(access_token="bench"))
        await uow.commit()
    return Shop(services, scope, connection_id)


async def main() -> None:
    """First load, then everything again an hour later."""
    task, report = read_task(), Report()
    shop = await open_shop(task)
    profile = cProfile.Profile() if task.get("profile") else None
    try:
        if profile:
            profile.enable()
        with report.phase("first"):
            said = await shop.sync()
        if profile:
            profile.disable()
            profile.dump_stats(task["profile"])
        report.facts = {"requests": said["requests"], "pages": said["pages"]}
        await shop.forget_cursor()
        cast(FakeClock, shop.services.clock).advance(timedelta(hours=1))
        with report.phase("again"):
            said = await shop.sync()
        if said["written"]:
            raise RuntimeError(f"a repeat wrote {said['written']} rows")
        report.facts |= await shop.landed()
        report.facts["versions"] = {name: version(name) for name in ("duckdb", "asyncpg", "httpx2", "pyarrow")}
        await shop.services.warehouses.of(shop.scope.tenant_ids[0]).erase()
    finally:
        await shop.services.close()
    report.send()


if __name__ == "__main__":
    uvloop.run(main())
