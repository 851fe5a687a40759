"""The wiring that jobs and pages are handed: made in a composition root, closed there."""

from datetime import timedelta
from pathlib import Path

import msgspec

from shelftide.core.clock import SystemClock
from shelftide.core.settings import Settings
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import Registry
from shelftide.store.database import Database
from shelftide.store.repositories.simulation import read_simulation
from shelftide.store.unit_of_work import SystemUnitOfWork
from shelftide.warehouse.warehouse import Warehouses
from shelftide_sdk.hosts import Routes


class Services(msgspec.Struct, kw_only=True):
    """Everything that lives as long as the process."""

    settings: Settings
    database: Database
    vault: Vault
    registry: Registry
    warehouses: Warehouses
    clock: SystemClock
    routes: Routes
    consent: Consent
    data_dir: Path

    async def refresh_clock(self) -> None:
        """In demo mode, follow the simulator's calendar."""
        if not self.settings.demo:
            return
        async with SystemUnitOfWork(self.database, reason="the demo's calendar belongs to no tenant") as uow:
            found = await read_simulation(uow)
        if found is not None:
            self.clock.offset = timedelta(seconds=found.offset_seconds)

    async def close(self) -> None:
        """Close what was opened."""
        await self.warehouses.close()
        await self.database.close()
