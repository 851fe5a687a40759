"""The demo's calendar from the console: the simulator is told, the clock follows, every connection is read again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from litestar import Litestar
from tests.integration.pages.conftest import CONSOLE, Visit, csrf_of, sign_in
from tests.web_stage import Stage

from shelftide.core.scope import Scope
from shelftide.store.repositories.connections import list_connections
from shelftide.store.repositories.runs import list_runs
from shelftide.store.repositories.simulation import Simulation, read_simulation, save_simulation
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork


class Simulator(msgspec.Struct, kw_only=True):
    """What it was told, and how it answers."""

    url: str
    status: int = 200
    told: list[str] = []


@pytest.fixture
def demo() -> bool:
    return True


@pytest.fixture
async def simulator(site: Litestar) -> AsyncIterator[Simulator]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        found.told.append((await reader.readexactly(length)).decode())
        writer.write(f"HTTP/1.1 {found.status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found = Simulator(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", told=[])
    await _set(site, found.url)
    yield found
    server.close()


async def _set(site: Litestar, url: str) -> None:
    async with SystemUnitOfWork(site.state.services.database, reason="a test's calendar") as uow:
        await save_simulation(uow, Simulation(offset_seconds=0, control_url=url))
        await uow.commit()


async def _offset(site: Litestar) -> int:
    async with SystemUnitOfWork(site.state.services.database, reason="a test's calendar") as uow:
        found = await read_simulation(uow)
    assert found is not None
    return found.offset_seconds


async def test_a_day_passes_and_every_connection_in_scope_is_read(
    visit: Visit, site: Litestar, stage: Stage, simulator: Simulator
) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    html = (await owner.post("/console/simulation/advance", headers={"x-csrf-token": await csrf_of(owner)})).text
    assert [msgspec.json.decode(body) for body in simulator.told] == [{"seconds": 86400}]
    assert await _offset(site) == 86400
    assert site.state.services.clock.offset == timedelta(days=1)
    assert 'hx-get="/console/simulation"' in html
    scope = Scope(agency_id=stage.north, tenant_ids=(stage.luxi, stage.quiet))
    async with UnitOfWork(site.state.services.database, scope) as uow:
        queued = {run.arguments["connection_id"] for run in await list_runs(uow, limit=50) if run.state == "queued"}
        # Other tests may have connected something to these brands.
        connected = {str(connection.connection_id) for connection in await list_connections(uow)}
    assert {str(stage.luxi_connection), str(stage.quiet_connection)} <= connected
    assert queued == connected


async def test_the_calendar_stands_still_when_the_simulator_refuses(
    visit: Visit, site: Litestar, simulator: Simulator
) -> None:
    simulator.status = 500
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    headers = {"x-csrf-token": await csrf_of(owner), "accept": "*/*"}
    reply = await owner.post("/console/simulation/advance", headers=headers)
    assert reply.status_code == 503
    assert await _offset(site) == 0


async def test_only_who_may_sync_moves_the_calendar(visit: Visit, simulator: Simulator) -> None:
    analyst = await sign_in(visit(CONSOLE), "analyst@north.example")
    reply = await analyst.post("/console/simulation/advance", headers={"x-csrf-token": await csrf_of(analyst)})
    assert reply.status_code == 403
    assert simulator.told == []
    assert "Advance a day" not in (await analyst.get("/console")).text
