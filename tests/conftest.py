"""One embedded Postgres for the whole test run, and factories for who lives in it."""

import asyncio
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from shelftide.core.scope import Role, Scope
from shelftide.core.vault import MasterKeys, Vault
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.store.ids import new_id
from shelftide.store.migrate import migrate
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.repositories.connections import add_connection, get_connection, repoint_connections
from shelftide.store.repositories.grants import TokenStore, add_grant
from shelftide.store.repositories.people import Person, add_person
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk.auth import TokenSet
from shelftide_sdk.errors import plain_text


class House(msgspec.Struct, frozen=True, kw_only=True):
    """An agency in the test database."""

    agency_id: UUID
    client_id: UUID
    tenant_ids: tuple[UUID, ...]

    @property
    def scope(self) -> Scope:
        """All brands of the agency, to read."""
        return Scope(agency_id=self.agency_id, tenant_ids=self.tenant_ids)

    def on(self, index: int = 0) -> Scope:
        """One brand, to write."""
        return self.scope.narrow(self.tenant_ids[index])


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    home = Path(tempfile.mkdtemp(prefix="shelftide-test-"))
    home.chmod(0o755)
    found = EmbeddedPostgres(place_for(home, home))
    try:
        yield found
    finally:
        found.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def installation(server: EmbeddedPostgres) -> Dsns:
    async def prepare() -> Dsns:
        dsns = await server.start()
        await migrate(dsns)
        return dsns

    return asyncio.run(prepare())


@pytest.fixture
async def database(installation: Dsns) -> AsyncIterator[Database]:
    async with Database(installation) as found:
        yield found


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault(MasterKeys("k1", {"k1": b"0" * 32}))


MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
def make_house(database: Database, vault: Vault) -> MakeHouse:
    """Make an agency with one client and some brands."""

    async def make(brands: int = 2, name: str = "Agency") -> House:
        agency_id = new_id()
        async with UnitOfWork(database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
            await add_agency(uow, name=name, colour="#2f5d62", locale="en")
            client_id = await add_client(uow, f"Client of {name}")
            await uow.commit()
        tenant_ids = []
        for number in range(brands):
            tenant_id = new_id()
            scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
            async with UnitOfWork(database, scope) as uow:
                await add_tenant(uow, vault, brand_values(client_id, f"{name}-brand-{number}"))
                await uow.commit()
            tenant_ids.append(tenant_id)
        return House(agency_id=agency_id, client_id=client_id, tenant_ids=tuple(tenant_ids))

    return make


def brand_values(client_id: UUID, name: str) -> dict[str, object]:
    """A brand's columns."""
    return {
        "client_id": client_id,
        "slug": name.lower(),
        "name": name,
        "aliases": [],
        "currency": "EUR",
        "zone": "Europe/Rome",
        "market": "IT",
    }


async def give_grant(uow: UnitOfWork, vault: Vault, client_id: UUID, connection_id: UUID, token: TokenSet) -> UUID:
    """A grant with its token, used by a connection."""
    connection = await get_connection(uow, connection_id)
    grant_id = await add_grant(
        uow, client_id=client_id, connector=connection.connector, subject=token.account_id or connection.account_id
    )
    await TokenStore(uow, vault).save(grant_id, token)
    await repoint_connections(uow, connection.connector, [connection.account_id], grant_id)
    return grant_id


async def make_connection(database: Database, scope: Scope, account: str = "shop.example", **values: object) -> UUID:
    """A connection of the scope's brand."""
    async with UnitOfWork(database, scope) as uow:
        found = await add_connection(
            uow,
            {
                "connector": "test",
                "platform": "test",
                "account_id": account,
                "account_name": account,
                "zone": "Europe/Rome",
                "currency": "EUR",
                "settings": {},
                **values,
            },
        )
        await uow.commit()
    return found


async def make_person(
    database: Database, house: House, email: str, role: Role, tenant_ids: tuple[UUID, ...], password_hash: str
) -> UUID:
    """A person of an agency."""
    user_id = new_id()
    person = Person(
        agency_id=house.agency_id, user_id=user_id, email=email, name=email, locale="en", password_hash=password_hash
    )
    async with UnitOfWork(database, house.scope) as uow:
        client_id = house.client_id if role is Role.CLIENT else None
        await add_person(uow, person, role=role, client_id=client_id, tenant_ids=tenant_ids)
        await uow.commit()
    return user_id


# -- reports ----------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Captured text may hold half a surrogate pair, which no other process of the run could be told."""
    report: Any = yield
    report.sections = [(title, plain_text(text)) for title, text in report.sections]
    if report.longrepr is not None and plain_text(told := str(report.longrepr)) != told:
        report.longrepr = plain_text(told)
    return report


# -- skips ---------------------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say which skips CI does not allow."""
    for line in getattr(config, "forbidden_skips", []):
        terminalreporter.write_line(f"FORBIDDEN SKIP {line}", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CI=true, a skip that tests/skips.toml does not list fails the run."""
    if os.environ.get("CI") != "true":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    allowed = tomllib.loads((Path(__file__).parent / "skips.toml").read_text())["skip"]
    forbidden = []
    for report in reporter.stats.get("skipped", []):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not any(re.search(a["test"], report.nodeid) and re.search(a["reason"], reason) for a in allowed):
            forbidden.append(f"{report.nodeid}: {reason}")
    if forbidden:
        session.config.forbidden_skips = forbidden  # type: ignore[attr-defined]  # carried to the summary
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
