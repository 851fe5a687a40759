"""A simulated shop over real HTTP, connected as a person would, and the comparison with the world's truth."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx2
import msgspec
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation, answers, free_port

from shelftide.analytics.totals import totals
from shelftide.core.scope import Role, Scope
from shelftide.core.settings import read_settings
from shelftide.demo.consent import Browser, agree_url
from shelftide.demo.seeding import PASSWORD, SeededBrand
from shelftide.demo.truth import compare
from shelftide.ingest.connect import Connecting
from shelftide.jobs.services import Services
from shelftide.jobs.sync_connection import sync_connection
from shelftide.jobs.wiring import open_services
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.sessions import hash_password
from shelftide_sdk.auth import App
from tests.conftest import House, make_person

CALLBACK = "http://127.0.0.1/connect/shopify/callback"
APP = App(client_id="shelftide-demo", client_secret="shopify-demo-secret", redirect_uri=CALLBACK)


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A brand of ours that is connected to a brand of the world."""

    scope: Scope
    connection_id: UUID
    brand: SeededBrand


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The warehouse against the truth, and the roll-up against the warehouse: what is missing, what is too much."""

    compared: int
    lost: int
    doubled: int


class Someone(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in, and the one brand that the person has."""

    email: str
    scope: Scope


class Simulation:
    """The simulator's process and the services of this process."""

    def __init__(self, installation: Installation, ledger: Ledger) -> None:
        self._installation = installation
        self.ledger = ledger
        self.url = f"http://127.0.0.1:{free_port()}"
        installation.settings["SHELFTIDE_ROUTES"] = f"*.myshopify.com={self.url},storage.googleapis.com={self.url}"
        self.services: Services | None = None

    async def start(self, emulator: str = "shelftide_shopify.emulator:ShopifyEmulator") -> Services:
        """Start the simulator, open the services."""
        port = self.url.rsplit(":", 1)[1]
        command = (sys.executable, "-m", "shelftide_sdk.testing.serve", "--port", port, "--world", "small")
        process = self._installation.process((*command, "--emulator", emulator))
        await answers(f"{self.url}/_sim/state", process)
        self.services = await open_services(read_settings(self._installation.settings), dsns=self._installation.dsns)
        return self.services

    async def scenarios(self, *names: str) -> None:
        """Choose the platform's bad habits."""
        async with httpx2.AsyncClient(timeout=30.0) as client:
            (await client.post(f"{self.url}/_sim/scenarios", json={"names": names})).raise_for_status()

    async def connect(self, index: int = -1) -> Shop:
        """A new brand, connected to one of the world's shops (the smallest) through the platform's own consent."""
        scope = (await self.person()).scope
        async with httpx2.AsyncClient(timeout=60.0) as client:
            state = (await client.get(f"{self.url}/_sim/state")).json()
            brand = [b for b in state["brands"] if "shopify" in b["accounts"]][index]
            connection_id = await self._consent(client, scope, brand["accounts"]["shopify"])
        return Shop(
            scope=scope,
            connection_id=connection_id,
            brand=SeededBrand(
                key=brand["key"],
                name=brand["name"],
                tenant_id=scope.tenant_ids[0],
                agency_id=scope.agency_id,
                deep=True,
                accounts={"shopify": brand["accounts"]["shopify"]},
            ),
        )

    async def person(self) -> Someone:
        """The owner of a new agency with one brand and a registration at the platform."""
        (scope,) = await self.ledger.make_brands(1)
        async with UnitOfWork(self.ledger.database, scope) as uow:
            await set_platform_app(uow, self.ledger.vault, "shopify", APP)
            client_id = (await get_tenant(uow, scope.tenant_ids[0])).client_id
            await uow.commit()
        house = House(agency_id=scope.agency_id, client_id=client_id, tenant_ids=scope.tenant_ids)
        email = f"owner-{scope.agency_id}@example.com"
        user_id = await make_person(
            self.ledger.database, house, email, Role.OWNER, scope.tenant_ids, hash_password(PASSWORD)
        )
        return Someone(email=email, scope=msgspec.structs.replace(scope, subject_id=user_id))

    @asynccontextmanager
    async def browser(self, console_url: str, person: Someone) -> AsyncIterator[Browser]:
        """A person's browser, signed in."""
        browser = Browser(console_url)
        try:
            await browser.sign_in(person.email)
            yield browser
        finally:
            await browser.close()

    async def connect_in(self, browser: Browser, person: Someone) -> None:
        """Connect the smallest shop through the web server. Raises TransportError when that dies."""
        async with httpx2.AsyncClient(timeout=60.0) as client:
            state = (await client.get(f"{self.url}/_sim/state")).json()
        shop = [b for b in state["brands"] if "shopify" in b["accounts"]][-1]["accounts"]["shopify"]
        await browser.connect(str(person.scope.tenant_id), "shopify", account=shop, settings={"shop": shop})

    async def runs_of(self, person: Someone) -> list[str]:
        """States of the syncs of a person's brand."""
        statement = "select state from runs where tenant_id = $1 and job = 'sync.run'"
        rows = await self.ledger.fetch(statement, person.scope.tenant_id)
        return [row["state"] for row in rows]

    async def _consent(self, client: httpx2.AsyncClient, scope: Scope, shop: str) -> UUID:
        services = self.services
        assert services is not None
        connector = services.registry.connector("shopify")
        async with UnitOfWork(services.database, scope) as uow:
            address = await services.consent.begin(
                uow, connector, settings={"shop": shop}, session_hash="evidence", redirect_uri=CALLBACK
            )
            await uow.commit()
        consent = await client.get(address)
        agreed = await client.get(agree_url(address, consent.text, shop))
        params = dict(parse_qsl(urlsplit(agreed.headers["location"]).query))
        connecting = Connecting(
            services.database,
            vault=services.vault,
            consent=services.consent,
            clock=services.clock,
            routes=services.routes,
            queue=_later,
        )
        connected = await connecting.finish(scope, connector, params, session_hash="evidence")
        (connection_id,) = connected.connection_ids
        return connection_id

    async def queue_sync(self, shop: Shop) -> UUID:
        """Queue the job that reads a shop."""
        async with UnitOfWork(self.ledger.database, shop.scope) as uow:
            lane = str(shop.connection_id)
            run_id = await sync_connection.enqueue(uow, lane=lane, dedupe=f"sync:{lane}", connection_id=lane)
            await uow.commit()
        return run_id

    async def verdict(self, shop: Shop) -> Verdict:
        """The warehouse against the truth, the roll-up against the warehouse.

        Raises AssertionError when the rows are all there, but with other values.
        """
        assert self.services is not None
        (found,) = await compare(self.services, self.url, [shop.brand])
        gaps = [(row["rows"], row["truth_rows"], row["difference"]) for row in found.streams]
        gaps += await self._roll_up_gaps(shop)
        lost = sum(gap - ours + theirs for ours, theirs, gap in gaps) // 2
        doubled = sum(gap + ours - theirs for ours, theirs, gap in gaps) // 2
        if not lost and not doubled:  # as many rows as there are, but are they the same?
            assert found.rows == found.units == found.revenue == 0, found
        return Verdict(compared=sum(theirs for _, theirs, _ in gaps), lost=lost, doubled=doubled)

    async def _roll_up_gaps(self, shop: Shop) -> list[tuple[int, int, int]]:
        """Per metric: the roll-up's sum, the warehouse's, and the sum of their absolute differences by day."""
        assert self.services is not None
        facts = await totals(self.services.warehouses.of(shop.scope.tenant_ids[0]))
        theirs: Counter[tuple[str, str]] = Counter()
        for row in facts["orders"]:
            theirs["orders", str(row["day"])] += int(row["orders"])
        for row in facts["sales"]:
            theirs["units", str(row["day"])] += int(row["units"]) - int(row["cancelled_units"])
        ours: Counter[tuple[str, str]] = Counter()
        for row in await self.ledger.fetch(
            "select metric, day, value from metric_daily where tenant_id = $1 and metric in ('orders', 'units')",
            shop.scope.tenant_ids[0],
        ):
            ours[row["metric"], str(row["day"])] += int(row["value"])
        gap = sum(abs(ours[key] - theirs[key]) for key in ours.keys() | theirs.keys())
        return [(ours.total(), theirs.total(), gap)]

    async def token_stored_at(self, shop: Shop) -> float:
        """When the connection's token was stored last, in seconds since the epoch."""
        (row,) = await self.ledger.fetch(
            "select extract(epoch from updated_at)::float8 as at from credentials"
            " where grant_id = (select grant_id from connections where connection_id = $1)",
            shop.connection_id,
        )
        return float(row["at"])

    async def started_after(self, person: Someone, moment: float) -> list[float]:
        """Seconds from a moment to the first try at each sync of a person's brand."""
        rows = await self.ledger.fetch(
            "select (extract(epoch from min(started_at)) - $2)::float8 as seconds from run_attempts"
            " where run_id in (select run_id from runs where tenant_id = $1 and job = 'sync.run') group by run_id",
            person.scope.tenant_id,
            moment,
        )
        return [float(row["seconds"]) for row in rows]

    async def close(self) -> None:
        """Close what was opened."""
        if self.services is not None:
            await self.services.close()


async def _later(uow: UnitOfWork, connection_id: UUID) -> None:
    """The proofs queue their syncs themselves."""
