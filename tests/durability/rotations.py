"""A sign-in page that rotates tokens, brands with grants at it, and processes that renew them and may be killed.

Processes come from a fork server that has the product loaded: a child is at work after some hundredths of a second.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from typing import ClassVar
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from shelftide.core.clock import FakeClock
from shelftide.core.points import Point, arm
from shelftide.core.scope import Scope
from shelftide.core.vault import MasterKeys, Vault
from shelftide.ingest.credentials import Consent, StoredCredentials
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.ids import new_id
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.repositories.connections import get_connection
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import (
    AuthorizationError,
    Connector,
    ConnectorInfo,
    Context,
    Cursor,
    Health,
    HealthState,
    OAuth2,
    Page,
    Stream,
)
from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.hosts import Routes
from tests.conftest import brand_values, give_grant, make_connection

NOW = datetime(2026, 9, 1, tzinfo=UTC)
VAULT = Vault(MasterKeys("k1", {"k1": b"0" * 32}))
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload([__name__])


class Strict(Connector):
    """A platform whose old refresh token is dead as soon as it answered."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="strict", title="Strict", platform="strict", api_requires=(1, 0), hosts=("sign-in.example",)
    )
    auth: ClassVar[OAuth2] = OAuth2(authorize_url="", token_url="https://sign-in.example/token")

    async def check(self, ctx: Context) -> Health:
        """Always well."""
        return Health(state=HealthState.OK)

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Not asked for here."""
        yield Page()


class Lenient(Strict):
    """A platform whose old refresh token works until the new one is used."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="lenient", title="Lenient", platform="lenient", api_requires=(1, 0), hosts=("sign-in.example",)
    )
    auth: ClassVar[OAuth2] = OAuth2(authorize_url="", token_url="https://sign-in.example/token", rotation_overlap=True)


CONNECTORS: dict[str, type[Connector]] = {"strict": Strict, "lenient": Lenient}


class SignIn:
    """The token endpoint. A refresh token is `account:kind:number`; each answer takes `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls: dict[str, int] = {}
        self.current: dict[str, int] = {}
        self.url = ""
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    def works(self, access_token: str) -> bool:
        """Whether an access token is of the newest pair, or of the one before where they overlap."""
        _, account, kind, number = access_token.split(":")
        return self.current.get(account, 0) - int(number) <= (kind == "lenient")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                form = parse_qs((await reader.readexactly(length)).decode())
                await asyncio.sleep(self.seconds / 2)
                body, status = self._answer(form["refresh_token"][0])
                await asyncio.sleep(self.seconds / 2)
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                    % (status, len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, refresh_token: str) -> tuple[bytes, int]:
        account, kind, number = refresh_token.split(":")
        self.calls[account] = self.calls.get(account, 0) + 1
        newest = self.current.setdefault(account, 0)
        if newest - int(number) > (kind == "lenient"):
            return b'{"error":"invalid_grant"}', 400
        self.current[account] = newest + 1
        return msgspec.json.encode(_pair(account, kind, newest + 1)), 200


def _pair(account: str, kind: str, number: int) -> dict[str, object]:
    token = f"{account}:{kind}:{number}"
    return {"access_token": f"a:{token}", "refresh_token": token, "token_type": "bearer", "expires_in": 3600}


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One brand's connection with its own grant."""

    agency_id: UUID
    tenant_id: UUID
    connection_id: UUID
    kind: str

    def scope(self) -> Scope:
        """The brand, to write."""
        return Scope(agency_id=self.agency_id, tenant_ids=(self.tenant_id,), tenant_id=self.tenant_id)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a child does: `callers` callers for each grant renew what they see. `dies`: before it stores."""

    dsns: Dsns
    url: str
    grants: Sequence[Grant]
    callers: int
    patience: float
    dies: bool = False


async def make_grants(database: Database, count: int, kind: str) -> list[Grant]:
    """An agency with `count` brands, each with a connection and a fresh token."""
    agency_id = new_id()
    async with UnitOfWork(database, Scope(agency_id=agency_id, tenant_ids=())) as uow:
        await add_agency(uow, name=f"Agency {kind}", colour="#2f5d62", locale="en")
        client_id = await add_client(uow, "Client")
        await set_platform_app(uow, VAULT, kind, App(client_id="app", client_secret="secret", redirect_uri=""))
        await uow.commit()
    return [await _make_grant(database, agency_id, client_id, kind, number) for number in range(count)]


async def _make_grant(database: Database, agency_id: UUID, client_id: UUID, kind: str, number: int) -> Grant:
    tenant_id = new_id()
    scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
    async with UnitOfWork(database, scope) as uow:
        await add_tenant(uow, VAULT, brand_values(client_id, f"{kind}-{number}"))
        await uow.commit()
    connection_id = await make_connection(database, scope, account=str(number), connector=kind, platform=kind)
    account = f"{kind}-{number}"
    async with UnitOfWork(database, scope) as uow:
        token = TokenSet(access_token=f"a:{account}:{kind}:0", refresh_token=f"{account}:{kind}:0", account_id=account)
        await give_grant(uow, VAULT, client_id, connection_id, token)
        await uow.commit()
    return Grant(agency_id=agency_id, tenant_id=tenant_id, connection_id=connection_id, kind=kind)


async def credentials(database: Database, grant: Grant, url: str, patience: float) -> StoredCredentials:
    """The grant's token as a run holds it."""
    async with UnitOfWork(database, grant.scope()) as uow:
        connection = await get_connection(uow, grant.connection_id)
        await uow.commit()
    return StoredCredentials(
        database,
        grant.scope(),
        consent=Consent(vault=VAULT, clock=FakeClock(NOW), routes=Routes({"sign-in.example": url})),
        vault=VAULT,
        connection=connection,
        connector=CONNECTORS[grant.kind],
        patience=timedelta(seconds=patience),
    )


def start_child(work: Work, ready: Barrier) -> BaseProcess:
    """A process at that work: it reads the tokens, waits for the others at `ready`, and asks for newer ones."""
    child = CHILDREN.Process(target=_child, args=(msgspec.json.encode(work), ready), daemon=True)
    child.start()
    return child


def _child(work: bytes, ready: Barrier) -> None:
    asyncio.run(_renew(msgspec.json.decode(work, type=Work), ready))


async def _renew(work: Work, ready: Barrier) -> None:
    if work.dies:
        arm(_die)
    database = Database(work.dsns, pool_size=8)
    held = [
        await credentials(database, grant, work.url, work.patience)
        for grant in work.grants
        for _ in range(work.callers)
    ]
    seen = [(await one.current())[1] for one in held]
    await asyncio.to_thread(ready.wait, 120)
    await asyncio.gather(*(one.refresh(token) for one, token in zip(held, seen, strict=True)))
    await database.close()


def _die(point: Point) -> None:
    if point is Point.REFRESH_NOT_STORED:
        os.kill(os.getpid(), signal.SIGKILL)


async def after_a_death(database: Database, grant: Grant, sign_in: SignIn, patience: float) -> str:
    """What the next run finds: "renewed", "flagged" (reconnect needed, and said so) or "silent"."""
    held = await credentials(database, grant, sign_in.url, patience)
    _, seen = await held.current()
    try:
        token = await held.refresh(seen)
    except AuthorizationError:
        async with UnitOfWork(database, grant.scope()) as uow:
            state = (await get_connection(uow, grant.connection_id)).state
            await uow.commit()
        return "flagged" if state == "reconnect" else "silent"
    return "renewed" if sign_in.works(token.access_token) else "silent"
