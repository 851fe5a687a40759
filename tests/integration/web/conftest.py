"""The web application over the test database, two agencies with people of every role."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from litestar import Litestar

from shelftide.core.clock import SystemClock
from shelftide.core.scope import Role
from shelftide.core.settings import Settings
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import load_plugins
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.people import add_domain
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.web.auth.sessions import hash_password
from shelftide.web.site import build_site
from shelftide_sdk.hosts import Routes
from tests.conftest import House, MakeHouse, make_person

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
CONSOLE = "http://console.test"


@pytest.fixture
async def services(installation: Dsns, database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[Services]:
    clock, routes = SystemClock(), Routes()
    found = Services(
        settings=Settings(public_url=CONSOLE),
        database=database,
        vault=vault,
        registry=load_plugins(),
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
    yield found
    await found.warehouses.close()


@pytest.fixture
def app(services: Services) -> Litestar:
    site = build_site(settings=services.settings)
    site.state.services = services
    return site


class Caller:
    """Somebody with (or without) a session."""

    def __init__(self, app: Litestar, base_url: str = CONSOLE) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url)  # type: ignore[arg-type]  # Litestar's ASGI types are its own
        self.csrf = ""

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        reply = await self.http.post("/api/v1/session", json={"email": email, "password": password})
        if reply.status_code == 201:
            self.csrf = reply.json()["csrf"]
        return reply

    async def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"x-csrf-token": self.csrf} if method != "GET" else {}
        return await self.http.request(method, path, json=body if method != "GET" else None, headers=headers)


class Agency(msgspec.Struct, frozen=True, kw_only=True):
    """A house and the e-mail of one person of each role."""

    house: House
    people: dict[Role, str]


@pytest.fixture
async def agencies(database: Database, make_house: MakeHouse) -> tuple[Agency, Agency]:
    """Two agencies with three brands each. Manager and client see the first brand only."""
    found = []
    for name in ("north", "south"):
        house = await make_house(3, name=name)
        people = {}
        for role in Role:
            email = f"{role.value}-{house.agency_id}@example.com"
            whole = role in (Role.OWNER, Role.ANALYST)
            brands = house.tenant_ids if whole else house.tenant_ids[:1]
            await make_person(database, house, email, role, brands, HASH)
            people[role] = email
        found.append(Agency(house=house, people=people))
    return found[0], found[1]


async def portal_of(database: Database, house: House) -> str:
    """The host of a verified portal."""
    host = f"portal-{house.agency_id}.example"
    async with UnitOfWork(database, house.scope) as uow:
        await add_domain(uow, host)
        await uow.commit()
    return host
