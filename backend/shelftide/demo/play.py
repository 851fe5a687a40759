"""Playing the demo: wait for the parts, seed, connect by real consents, sync, compare with the truth."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from shelftide.core.errors import SetupError
from shelftide.core.scope import Scope
from shelftide.demo.consent import Browser
from shelftide.demo.seeding import Seeded, SeededBrand, seed
from shelftide.demo.truth import Comparison, compare
from shelftide.jobs.services import Services
from shelftide.store.repositories.runs import Run, list_runs
from shelftide.store.repositories.simulation import Simulation, save_simulation
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk import ConnectorInfo
from shelftide_sdk.auth import App

_PATIENCE_SECONDS = 120.0


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What `demo --once --json` prints."""

    seconds: dict[str, float]
    engine: str
    streams: list[dict[str, Any]]
    difference: dict[str, Any]
    alerts: list[dict[str, Any]]
    addresses: list[dict[str, str]]


class Demo:
    """One play of the demo against running parts."""

    def __init__(self, services: Services, *, sim_url: str, console_url: str, quiet: bool) -> None:
        self._services = services
        self._sim_url = sim_url
        self._console_url = console_url
        self._quiet = quiet
        self.seconds: dict[str, float] = {}

    async def play(self, announce: Callable[[Seeded], None]) -> tuple[Seeded, list[Comparison]]:
        """Everything from empty to compared. `announce` is called as soon as people can sign in."""
        seeded = await self.connect_all(announce)
        with _timed(self.seconds, "sync"):
            await self._wait_for_runs(seeded)
        with _timed(self.seconds, "compare"):
            found = await compare(self._services, self._sim_url, seeded.brands)
        return seeded, found

    async def connect_all(self, announce: Callable[[Seeded], None] = lambda _: None) -> Seeded:
        """From empty to every account of every brand connected; the first syncs are queued."""
        with _timed(self.seconds, "start"):
            await wait_for(f"{self._console_url}/health")
            state = await wait_for(f"{self._sim_url}/_sim/state")
        with _timed(self.seconds, "seed"):
            async with SystemUnitOfWork(self._services.database, reason="the demo's calendar") as uow:
                await save_simulation(uow, Simulation(offset_seconds=0, control_url=self._sim_url))
                await uow.commit()
            seeded = await seed(self._services, state, self._apps())
        announce(seeded)
        with _timed(self.seconds, "connect"):
            await self._connect(seeded)
        return seeded

    def _apps(self) -> dict[str, App]:
        return {
            name: App(
                client_id="shelftide-demo",
                client_secret=f"{connector.info.platform}-demo-secret",
                redirect_uri=f"{self._console_url}/connect/{name}/callback",
                extra={"service_id": "7000000000000000001"},
            )
            for name, connector in self._services.registry.connectors.items()
            if connector.info.emulator
        }

    def _wanted(self, brand: SeededBrand) -> list[tuple[ConnectorInfo, str]]:
        found = []
        for connector in self._services.registry.connectors.values():
            account = brand.accounts.get(connector.info.name)
            if connector.info.emulator and account:
                found.append((connector.info, account))
        return found

    async def _connect(self, seeded: Seeded) -> None:
        wanted = [(brand, info, account) for brand in seeded.brands for info, account in self._wanted(brand)]
        async with self._progress() as progress:
            task = progress.add_task("Connecting through the platforms' consent pages", total=len(wanted))
            async with asyncio.TaskGroup() as group:
                for agency_id, email in seeded.owners.items():
                    mine = [each for each in wanted if each[0].agency_id == agency_id]
                    group.create_task(self._consents(email, mine, lambda: progress.advance(task)))

    async def _consents(
        self, email: str, wanted: Sequence[tuple[SeededBrand, ConnectorInfo, str]], done: Callable[[], None]
    ) -> None:
        """One agency's owner connects the agency's brands, one after the other as a person does."""
        browser = Browser(self._console_url)
        try:
            await browser.sign_in(email)
            for brand, info, account in wanted:
                tenant_id = str(brand.tenant_id)
                if not await browser.assign(tenant_id, info.name, account):
                    settings = brand.settings.get(info.name, {})
                    await browser.connect(tenant_id, info.name, account=account, settings=settings)
                    await browser.assign(tenant_id, info.name, account)  # of several accounts, this brand's own
                done()
        finally:
            await browser.close()

    async def _wait_for_runs(self, seeded: Seeded) -> None:
        async with self._progress() as progress:
            task = progress.add_task("Syncing 90 days", total=None)
            while True:
                runs = await self._runs(seeded)
                ended = [run for run in runs if run.state in ("done", "failed")]
                rows = sum(_rows(run) for run in runs)
                progress.update(
                    task, completed=len(ended), total=len(runs), description=f"Syncing 90 days, {rows:,} rows"
                )
                if runs and len(ended) == len(runs):
                    return
                await asyncio.sleep(0.5)

    async def _runs(self, seeded: Seeded) -> list[Run]:
        found: list[Run] = []
        for agency_id in seeded.owners:
            tenant_ids = tuple(b.tenant_id for b in seeded.brands if b.agency_id == agency_id)
            async with UnitOfWork(self._services.database, Scope(agency_id=agency_id, tenant_ids=tenant_ids)) as uow:
                found += await list_runs(uow, limit=1000)
        return found

    @asynccontextmanager
    async def _progress(self) -> AsyncIterator[Progress]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, disable=self._quiet) as progress:
            yield progress


def _rows(run: Run) -> int:
    if run.result and "streams" in run.result:
        return sum(int(stream["seen"]) for stream in run.result["streams"])
    return int(run.progress.get("rows", 0))


async def wait_for(url: str) -> Any:
    """The JSON that an address answers, as soon as it does. Raises SetupError after two minutes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    async with httpx2.AsyncClient(timeout=30.0) as client:
        while time.monotonic() < deadline:
            try:
                reply = await client.get(url)
                if reply.status_code == 200:
                    return reply.json()
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise SetupError(f"{url} does not answer.", hint="Run `shelftide doctor`.")


class _timed:  # noqa: N801  # reads as a word: `with _timed(...)`
    def __init__(self, into: dict[str, float], name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._into = into
        self._name = name
        self._clock = clock

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(self, *_: Any) -> None:
        self._into[self._name] = round(self._clock() - self._started, 2)


def summary(seconds: dict[str, float], engine: str, seeded: Seeded, found: list[Comparison], console: str) -> Played:
    """The machine's summary."""
    return Played(
        seconds=seconds,
        engine=engine,
        streams=[row for comparison in found for row in comparison.streams],
        difference={
            "rows": sum(c.rows for c in found),
            "units": sum(c.units for c in found),
            "revenue": f"{sum((c.revenue for c in found), start=found[0].revenue * 0):.2f}" if found else "0.00",
            "views": sum(c.views for c in found),
        },
        alerts=[],
        addresses=[{"what": "console", "url": console}, *({**row} for row in seeded.sign_ins)],
    )
