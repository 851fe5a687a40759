"""The demo's people connect every account of every brand through the platforms' own consent pages."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select
from tests.attacks.server import served
from tests.durability.processes import free_port

from shelftide.core.clock import SystemClock
from shelftide.core.scope import Scope
from shelftide.core.settings import Settings
from shelftide.core.vault import Vault
from shelftide.demo.play import Demo
from shelftide.demo.seeding import Seeded
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import load_plugins
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.models import schedules
from shelftide.store.repositories.connections import list_connections
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.web.site import build_site
from shelftide_sdk.hosts import Routes
from shelftide_sdk.testing.serve import Simulator, load_emulator
from shelftide_sdk.testing.world import World


async def test_every_account_of_every_brand_is_connected_to_its_brand(
    installation: Dsns, database: Database, vault: Vault, tmp_path: Path
) -> None:
    registry, clock = load_plugins(), SystemClock()
    emulated = {c.info.emulator: c for c in registry.connectors.values() if c.info.emulator}
    simulator = Simulator(World(size="small"), [load_emulator(path) for path in emulated])
    async with served(simulator.gateway) as sim_url:
        routes = Routes({host: sim_url for c in registry.connectors.values() for host in c.info.hosts})
        settings = Settings(port=free_port(), demo=True)
        services = Services(
            settings=settings,
            database=database,
            vault=vault,
            registry=registry,
            warehouses=make_warehouses(
                "postgres",
                app_dsn=installation.app,
                lakes_dsn=installation.lakes,
                folder=tmp_path,
                secrets=VaultLakeSecrets(database, vault),
            ),
            clock=clock,
            routes=routes,
            consent=Consent(vault=vault, clock=clock, routes=routes),
            data_dir=tmp_path,
        )
        site = build_site(settings=settings)
        site.state.services = services
        async with served(site, settings.port) as console_url:
            demo = Demo(services, sim_url=sim_url, console_url=console_url, quiet=True)
            seeded = await demo.connect_all()
        await services.warehouses.close()
    found = await connected(database, seeded)
    assert Counter((brand, connector) for brand, connector, _ in found) == wanted(simulator, set(registry.connectors))
    assert len({(connector, account) for _, connector, account in found}) == len(found), "an account has one brand"
    jobs = await standing(database, seeded)
    assert (jobs["sync.run"], jobs["webhooks.keep"]) == (len(found), len(found)), (
        "each is read by the clock from now on"
    )
    assert jobs["reconcile.run"] == jobs["warehouse.maintain"] == len({brand for brand, _, _ in found})


async def connected(database: Database, seeded: Seeded) -> list[tuple[str, str, str]]:
    """Brand, connector and account of each connection."""
    found = []
    for brand in seeded.brands:
        scope = Scope(agency_id=brand.agency_id, tenant_ids=(brand.tenant_id,), tenant_id=brand.tenant_id)
        async with UnitOfWork(database, scope) as uow:
            found += [(brand.key, c.connector, c.account_id) for c in await list_connections(uow)]
    return found


async def standing(database: Database, seeded: Seeded) -> Counter[str]:
    """How many schedules of each job the brands have."""
    found: Counter[str] = Counter()
    for brand in seeded.brands:
        scope = Scope(agency_id=brand.agency_id, tenant_ids=(brand.tenant_id,), tenant_id=brand.tenant_id)
        async with UnitOfWork(database, scope) as uow:
            found.update((await uow.connection.execute(select(schedules.c.job))).scalars())
    return found


def wanted(simulator: Simulator, connectors: set[str]) -> Counter[tuple[str, str]]:
    brands = cast(list[dict[str, Any]], json.loads(json.dumps(simulator.state()["brands"], default=str)))
    found = Counter((b["key"], name) for b in brands for name in b["accounts"] if name in connectors)
    assert {name for _, name in found} >= {"amazon-ads", "instagram", "meta-ads", "xiaohongshu-ark", "tiktok-ads"}
    return found
