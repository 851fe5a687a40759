"""From connector to warehouse: data first, cursor after; and platforms that answer nonsense."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx2
import msgspec
import pytest
from sqlalchemy import func, select, text
from tests.connectors.fake_world import NOW, SHOP, FakeWorld, brand, many_orders

from shelftide.core.clock import FakeClock
from shelftide.core.points import Point, arm
from shelftide.core.settings import Settings
from shelftide.core.vault import Vault
from shelftide.ingest.coverage import Coverage
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import load_plugins
from shelftide.jobs import all_jobs
from shelftide.jobs import sync_connection as module
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.runs import Policy, Runner
from shelftide.jobs.services import Services
from shelftide.jobs.sync_connection import sync_connection
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.repositories.connections import (
    Connection,
    QuarantinedRow,
    StreamState,
    get_connection,
    list_quarantine,
    list_streams,
)
from shelftide.store.repositories.runs import Run, get_run
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide_sdk.auth import App
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import Patience, PlatformClient
from shelftide_sdk.testing.emulator import Gateway, Request, Response
from shelftide_shopify import bulk
from shelftide_shopify.auth import SCOPES
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator import ShopifyEmulator
from tests.conftest import House, MakeHouse, give_grant, make_connection

APP = App(client_id="shelftide-demo", client_secret="shopify-demo-secret", redirect_uri="")
OTHER = "other-test.myshopify.com"
Lie = Callable[[bytes], bytes]


class Liar(ShopifyEmulator):
    """A shop whose replies to one host are spoiled on the way out."""

    lie: Lie | None = None
    asked_for_tokens = 0
    data_requests = 0

    async def handle(self, request: Request) -> Response:
        """The truth, spoiled."""
        self.asked_for_tokens += request.path.endswith("access_token")
        self.data_requests += "graphql" in request.path
        reply = await super().handle(request)
        if self.lie is None or request.host == OTHER or reply.status != 200 or b"{" not in reply.body:
            return reply
        return Response(status=200, body=self.lie(reply.body), headers=reply.headers)


class Plant:
    """Two brands of one agency, a shop each, and a runner."""

    def __init__(self, services: Services, emulator: Liar, house: House, connection_ids: list[UUID]) -> None:
        self.services = services
        self.emulator = emulator
        self.house = house
        self.connection_ids = connection_ids
        self.runner = Runner(services, worker="w", policy=Policy(), jobs=all_jobs())

    async def sync(self, index: int = 0) -> Run:
        """One run of a brand's connection, to its end."""
        async with UnitOfWork(self.services.database, self.house.on(index)) as uow:
            run_id = await sync_connection.enqueue(uow, connection_id=str(self.connection_ids[index]))
            await uow.commit()
        found = None
        while found is None or not found.attempts:  # what an earlier sync queued comes first
            assert await self.runner.work_one(["ingest"])
            async with UnitOfWork(self.services.database, self.house.on(index)) as uow:
                found = await get_run(uow, run_id)
        return found

    async def streams(self, index: int = 0) -> dict[str, StreamState]:
        async with UnitOfWork(self.services.database, self.house.on(index)) as uow:
            return {s.stream: s for s in await list_streams(uow, self.connection_ids[index])}

    async def quarantine(self, index: int = 0) -> list[QuarantinedRow]:
        async with UnitOfWork(self.services.database, self.house.on(index)) as uow:
            return await list_quarantine(uow, limit=1000)

    async def connection(self, index: int = 0) -> Connection:
        async with UnitOfWork(self.services.database, self.house.on(index)) as uow:
            return await get_connection(uow, self.connection_ids[index])

    async def orders(self, index: int = 0) -> int:
        """Orders that the warehouse shows now."""
        warehouse = self.services.warehouses.of(self.house.tenant_ids[index])
        table = await warehouse.query(select(func.count().label("n")).select_from(known(TABLES["Order"])))
        return int(table["n"][0].as_py())


@pytest.fixture
async def plant(
    installation: Dsns,
    database: Database,
    make_house: MakeHouse,
    vault: Vault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Plant]:
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(text("delete from runs"))
        await uow.commit()
    brands = [brand(), brand(key="other", shop=OTHER)]
    orders = many_orders(brands[0], 60)
    emulator = Liar(FakeWorld(brands, orders))
    transport = httpx2.ASGITransport(app=cast(Any, Gateway([emulator])))
    patience = Patience(attempts=2, sleep=lambda _: asyncio.sleep(0))
    client = functools.partial(PlatformClient, transport=transport, patience=patience)
    monkeypatch.setattr(module, "PlatformClient", client)
    monkeypatch.setattr(httpx2, "AsyncHTTPTransport", lambda *_, **__: transport)
    monkeypatch.setattr(bulk, "_FIRST_POLL_SECONDS", 0.001)
    house = await make_house(2)
    clock = cast(Any, FakeClock(NOW))
    services = Services(
        settings=Settings(),
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
        routes=Routes(),
        consent=Consent(vault=vault, clock=clock, routes=Routes()),
        data_dir=tmp_path,
    )
    connection_ids = [await connect(services, house, emulator, i, shop) for i, shop in enumerate((SHOP, OTHER))]
    yield Plant(services, emulator, house, connection_ids)
    await services.warehouses.close()


async def connect(services: Services, house: House, emulator: Liar, index: int, shop: str) -> UUID:
    scope = house.on(index)
    settings = {"shop": shop}
    found = await make_connection(
        services.database, scope, account=shop, connector="shopify", platform="shopify", settings=settings
    )
    token = Shopify.auth.parse_token(emulator.tokens.issue(shop, frozenset(SCOPES)), NOW)
    async with UnitOfWork(services.database, scope) as uow:
        await set_platform_app(uow, services.vault, "shopify", APP)
        await give_grant(uow, services.vault, house.client_id, found, token)
        await uow.commit()
    return found


def coverage(state: StreamState) -> Coverage:
    return msgspec.convert(state.coverage, Coverage)


class DeadError(BaseException):
    """Stands for SIGKILL."""


def die_at(point: Point, nth: int = 1) -> None:
    left = nth

    def die(found: Point) -> None:
        nonlocal left
        left -= found is point
        if left == 0:
            arm(None)
            raise DeadError

    arm(die)


async def test_all_is_read_and_a_second_run_reads_little(plant: Plant) -> None:
    first = await plant.sync()
    assert (first.state, first.error_message) == ("done", None)
    assert await plant.orders() == 54  # six of sixty are test orders
    assert all(state.cursor is not None and state.synced_at for state in (await plant.streams()).values())
    first_read = {name: coverage(state) for name, state in (await plant.streams()).items()}
    assert (first_read["orders"].came, first_read["orders"].rejected) == (first_read["orders"].stored, 0)
    assert {each.lost for each in first_read.values()} == {0}
    second = await plant.sync()
    assert second.state == "done"
    assert await plant.orders() == 54
    again = coverage((await plant.streams())["orders"])
    assert 0 < again.stored == again.came <= first_read["orders"].came, "the last read's rows, not the sum of both"


async def test_the_cursor_is_saved_after_the_data_and_never_before(plant: Plant) -> None:
    die_at(Point.WRITTEN_CURSOR_NOT_SAVED)
    with pytest.raises(DeadError):
        await plant.sync()
    assert all(state.cursor is None for state in (await plant.streams()).values())


async def test_what_was_read_before_a_crash_is_kept_and_the_rest_follows(plant: Plant) -> None:
    die_at(Point.WRITTEN_CURSOR_NOT_SAVED, nth=2)
    with pytest.raises(DeadError):
        await plant.sync()
    assert len(await plant.streams()) == 1
    async with SystemUnitOfWork(plant.services.database, reason="test") as uow:
        await uow.connection.execute(text("delete from runs"))
        await uow.commit()
    assert (await plant.sync()).state == "done"
    assert await plant.orders() == 54


async def test_a_crash_with_two_batches_in_memory_loses_neither(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide.ingest.sync._BATCH_ROWS", 20)
    die_at(Point.WRITTEN_CURSOR_NOT_SAVED, nth=2)
    with pytest.raises(DeadError):
        await plant.sync()
    half = (await plant.streams())["orders"]
    assert half.cursor, "the first batch is safe"
    assert half.synced_at is None
    assert 0 < await plant.orders() < 54
    async with SystemUnitOfWork(plant.services.database, reason="test") as uow:
        await uow.connection.execute(text("delete from runs"))
        await uow.commit()
    assert (await plant.sync()).state == "done"
    assert await plant.orders() == 54


async def test_a_revoked_token_flags_the_connection_and_keeps_quiet(plant: Plant) -> None:
    plant.emulator.tokens.uninstall(SHOP)
    first = await plant.sync()
    assert (first.state, first.error_code) == ("failed", "authorization")
    found = await plant.connection()
    assert found.state == "reconnect"
    assert found.step
    for _ in range(3):
        await plant.sync()
    assert plant.emulator.asked_for_tokens == 1
    assert (await plant.sync(1)).state == "done"


async def test_a_broken_row_is_kept_aside_with_its_reason_and_counted(plant: Plant) -> None:
    plant.emulator.lie = replaced(b'"currencyCode":"EUR"', b'"currencyCode":"EURO"')
    await plant.sync()
    rows = await plant.quarantine()
    assert rows
    assert all(row.reason and row.raw for row in rows)
    told = coverage((await plant.streams())["orders"])
    assert (told.rejected, told.lost) == (len([row for row in rows if row.stream == "orders"]), 0)
    assert told.came == told.stored + told.rejected
    before = {row.fingerprint: row.times for row in rows}
    await plant.sync()
    assert all(row.times >= before.get(row.fingerprint, 1) for row in await plant.quarantine())


async def test_one_streams_failure_leaves_the_others_alone(plant: Plant) -> None:
    plant.emulator.lie = only(b"inventoryLevels", lambda _: b'{"data": 7}')
    run = await plant.sync()
    states = await plant.streams()
    assert {name for name, state in states.items() if state.error_code} != set(states)
    assert any(state.error_code for state in states.values())
    assert run.state == "done"
    assert await plant.orders() == 54


def replaced(old: bytes, new: bytes) -> Lie:
    return lambda body: body.replace(old, new).replace(old.replace(b":", b": "), new)


def only(mark: bytes, lie: Lie) -> Lie:
    return lambda body: lie(body) if mark in body else body


def same_cursor(body: bytes) -> bytes:
    """Every page says that there is another one, which begins where this one did."""
    found = json.loads(body)

    def loop(value: Any) -> None:
        if isinstance(value, dict):
            if "hasNextPage" in value:
                value |= {"hasNextPage": True, "endCursor": "always-the-same"}
            for child in value.values():
                loop(child)
        elif isinstance(value, list):
            for child in value:
                loop(child)

    loop(found)
    return json.dumps(found).encode()


LIES: dict[str, Lie] = {
    "cut JSON": lambda body: body[: len(body) // 2],
    "empty": lambda body: b"",
    "not JSON": lambda body: b"<html>sorry</html>",
    "wrong types": replaced(b'"EUR"', b"17"),
    "a list": lambda body: b"[" + body + b"]",
    "null data": lambda body: b'{"data": null}',
    "bad UTF-8": replaced(b"SKU-", b"\xff\xfe-"),
    "unknown currency": replaced(b'"EUR"', b'"XQQ"'),
    "huge numbers": replaced(b'"amount":"', b'"amount":"9e999999'),
    "not a number": replaced(b'"amount":"', b'"amount":"NaN'),
    "negative beyond sense": replaced(b'"quantity":2', b'"quantity":-99999999999999999999999'),
    "NUL in text": replaced(b"SKU-", b"\\u0000-"),
    "unknown enum": replaced(b'"FULFILLED"', b'"TELEPORTED"'),
    "dates of nowhere": replaced(b"2026-", b"9999-99-"),
    "looping cursor": same_cursor,
    "deep nesting": lambda body: b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("lie", LIES)
async def test_nonsense_ends_in_a_named_error_or_in_quarantine(plant: Plant, lie: str) -> None:
    plant.emulator.lie = LIES[lie]
    run = await asyncio.wait_for(plant.sync(), 60)
    assert run.error_code != "internal", run.error_message
    named = [s.stream for s in (await plant.streams()).values() if s.error_code] or run.error_code
    rows = await plant.quarantine()
    harmless = run.state == "done" and not named and not rows and await plant.orders() == 54
    assert named or rows or harmless
    assert plant.emulator.data_requests < 2000
    plant.emulator.lie = None
    assert (await plant.sync(1)).state == "done"
    assert await plant.quarantine(1) == []


async def test_only_the_first_read_of_a_stream_with_a_cursor_is_history(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bool] = []
    monkeypatch.setattr(PlatformClient, "pace", lambda _, *, backfill: said.append(backfill))
    with_cursor = [stream.cursor is not None for stream in Shopify.streams]
    assert {True, False} == set(with_cursor)
    await plant.sync()
    assert said == with_cursor
    said.clear()
    await plant.sync()
    assert said == [False] * len(with_cursor)
