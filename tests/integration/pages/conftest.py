"""One filled database for the folder; each test gets the site over ASGI, and people who come to a host."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from tests.web_stage import PASSWORD, Stage, postgres, prepare

from shelftide.core.settings import Settings
from shelftide.jobs.wiring import open_services
from shelftide.store.embedded import Dsns
from shelftide.web.site import build_site

CONSOLE = "127.0.0.1"
Browser = httpx.AsyncClient
Visit = Callable[[str], Browser]


@pytest.fixture(scope="session")
def prepared() -> Iterator[tuple[Dsns, Stage]]:
    with postgres() as (server, home):
        yield asyncio.run(prepare(server, home))


@pytest.fixture
def stage(prepared: tuple[Dsns, Stage]) -> Stage:
    return prepared[1]


@pytest.fixture
def demo() -> bool:
    return False


@pytest.fixture
async def site(prepared: tuple[Dsns, Stage], demo: bool) -> AsyncIterator[Litestar]:
    dsns, stage = prepared
    settings = Settings(data_dir=stage.home, engine="postgres", demo=demo)
    services = await open_services(settings, dsns=dsns)
    app = build_site(settings=settings)
    app.state.services = services
    yield app
    await services.close()


@pytest.fixture
async def visit(site: Litestar) -> AsyncIterator[Visit]:
    opened: list[Browser] = []

    def open_one(host: str) -> Browser:
        app: Any = site  # both speak ASGI; their types for a message differ
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        client = Browser(transport=transport, base_url=f"http://{host}:8020", headers={"accept": "text/html"})
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        await client.aclose()


async def sign_in(browser: Browser, email: str) -> Browser:
    """The plain form, as a browser sends it."""
    reply = await browser.post("/sign-in", data={"email": email, "password": PASSWORD})
    assert reply.status_code == 303, reply.text
    return browser


async def csrf_of(browser: Browser) -> str:
    """The session's CSRF text."""
    return str((await browser.get("/api/v1/session")).json()["csrf"])
