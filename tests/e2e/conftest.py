"""The site in a process of its own and a real Chromium before it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from shutil import which

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.web_stage import PASSWORD, Stage, postgres, prepare

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
AXE = Path(__file__).parents[2] / "var/vendor/axe-core/axe.min.js"


def chromium() -> str:
    """The browser's path; without one the test is skipped."""
    found = which("chromium") or which("chromium-browser") or which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here: `make system` installs it")
    return found


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A running site."""

    stage: Stage
    port: int

    @property
    def console(self) -> str:
        """Where staff enter."""
        return f"http://127.0.0.1:{self.port}"

    def portal(self, host: str) -> str:
        """Where clients enter."""
        return f"http://{host}:{self.port}"


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    chromium()
    with postgres() as (server, home):
        _, stage = asyncio.run(prepare(server, home))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **os.environ, "SHELFTIDE_DATA_DIR": str(home), "SHELFTIDE_PORT": str(port), "SHELFTIDE_ENGINE": "postgres",
            "PYTHONPATH": str(_outsider(home)),
        }  # fmt: skip
        command = [sys.executable, "-m", "granian", "--factory", "--interface", "asgi", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", "1", "--no-ws", "--no-log", "shelftide.app:create"]
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            _wait(process, port, stage.north_host)
            yield Served(stage=stage, port=port)
        finally:
            _end(process)


_OUTSIDER = """\
from shelftide_sdk import Connector, ConnectorInfo, Health, HealthState, Notifier, NotifierInfo, SettingField, hookimpl
from shelftide_sdk.metrics import PluginMetric


class Bazaar(Connector):
    info = ConnectorInfo(
        name="bazaar", title="Bazaar", platform="bazaar", api_requires=(1, 0), hosts=("bazaar.example",)
    )

    async def check(self, ctx):
        return Health(state=HealthState.OK)

    async def read(self, ctx, stream, cursor):
        return
        yield


class Crier(Notifier):
    info = NotifierInfo(
        name="crier", title="Market crier", api_requires=(1, 0), hosts=("bazaar.example",),
        settings=(SettingField(name="corner", title="Corner", pattern="[a-z]+", example="north"),),
    )

    async def send(self, ctx, notice):
        return None


@hookimpl
def register_connectors():
    return [Bazaar]


@hookimpl
def register_notifiers():
    return [Crier]


@hookimpl
def register_metrics():
    return [
        PluginMetric(name="bazaar.basket", title="Basket", formula="units / orders", unit="ratio", reference="handbook")
    ]
"""


def _outsider(home: Path) -> Path:
    """Somebody else's plugin, installed beside the server."""
    site = home / "site"
    told = site / "bazaar_plugin-1.2.dist-info"
    told.mkdir(parents=True)
    (site / "bazaar_plugin.py").write_text(_OUTSIDER)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: bazaar-plugin\nVersion: 1.2\nAuthor: Bazaar & Sons\n")
    (told / "entry_points.txt").write_text("[shelftide]\nbazaar = bazaar_plugin\n")
    return site


def _wait(process: subprocess.Popen[bytes], port: int, host: str) -> None:
    """Until this very server answers: only its database knows the host, whose name is new in each run."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended before it answered"
        try:
            reply = httpx.get(f"http://127.0.0.1:{port}/sign-in", headers={"host": host}, timeout=5)
            if reply.status_code == 200 and "North Pier" in reply.text:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the server did not answer within a minute")


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        found = await driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield found
        await found.close()


class Visitor:
    """A person at a browser. Notes every address that was asked for and everything that went wrong."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.hosts: set[str] = set()
        self.troubles: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def _note(self, url: str) -> None:
        if not url.startswith("data:"):
            self.hosts.add(url.split("/")[2])

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.troubles.append(text)

    async def sign_in(self, base: str, email: str) -> None:
        """By the form."""
        await self.page.goto(f"{base}/sign-in")
        await self.page.fill("#email", email)
        await self.page.fill("#password", PASSWORD)
        await self.page.click("form button[type=submit]")
        await self.page.wait_for_url(lambda url: "/sign-in" not in url)

    async def violations(self) -> list[str]:
        """What axe finds by WCAG 2.2 AA and its best practices."""
        assert AXE.is_file(), "run `make assets`"
        await self.page.evaluate(AXE.read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = await self.page.evaluate("tags => axe.run({runOnly: tags})", tags)
        assert found["passes"]
        return [f"{v['id']}: {[node['target'] for node in v['nodes']]}" for v in found["violations"]]


async def open_visitor(browser: Browser, **options: str) -> Visitor:
    """A fresh profile."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type]  # playwright's options are a long list of literals
    return Visitor(context, await context.new_page())
