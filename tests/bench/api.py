"""A read of the API under granian and wrk, beside the same reply by hand and by an object-relational mapper.

Usage: python -m tests.bench.run --only api [--seconds N] [--repetitions N]
Credential, brand and data are checked in the tables by every request of every contestant; none keeps a token.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.bench import brands
from tests.bench.brands import LAST
from tests.durability.processes import short_folder

from shelftide.core.errors import SetupError
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.web.auth.sessions import hash_password

CONTESTANTS = {
    "ours": "shelftide.app:create",
    "by hand": "tests.bench.api_peers:by_hand",
    "mapper": "tests.bench.api_peers:by_mapper",
}
CONNECTIONS = 32
GOALS = {"ours / by hand": 0.65, "ours / mapper": 6.0}
_PASSWORD = "correct horse battery"
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def environment(dsns: Dsns, home: Path) -> dict[str, str]:
    """The product's settings; the peers read the same."""
    return {
        **os.environ,
        "DATABASE_URL": dsns.app,
        "DATABASE_OWNER_URL": dsns.owner,
        "DATABASE_GATE_URL": dsns.gate,
        "DATABASE_BACKUP_URL": dsns.backup,
        "DATABASE_LAKES_URL": dsns.lakes,
        "SHELFTIDE_DATA_DIR": str(home / "data"),
        "SHELFTIDE_ENGINE": "postgres",
    }


@contextmanager
def served(target: str, variables: Mapping[str, str]) -> Iterator[str]:
    """A granian of one process; its address once it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    options = ("--interface", "asgi", "--loop", "uvloop", "--host", "127.0.0.1", "--port", port, "--workers", "1")
    command = [sys.executable, "-m", "granian", "--factory", *options, "--no-log", "--no-ws", target]
    process = subprocess.Popen(command, env=dict(variables), stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(process, address)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(1_200):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            urlopen(f"{address}/health").close()
        except HTTPError:
            return  # it answers, whatever it says
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not answer")


def sign_in(address: str, email: str) -> str:
    """The cookie of a fresh session."""
    body = json.dumps({"email": email, "password": _PASSWORD}).encode()
    request = Request(f"{address}/api/v1/session", body, {"content-type": "application/json"})
    with urlopen(request) as reply:
        return str(reply.headers["set-cookie"]).partition(";")[0]


def load(address: str, cookie: str, seconds: int) -> dict[str, float]:
    """What wrk says. Raises RuntimeError when a reply was no success."""
    command = (
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--timeout",
        "20s",
        "--latency",
        "-H",
        f"Cookie: {cookie}",
        address,
    )
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if rate is None or "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    late = {place: float(n) * _UNITS[unit] for place, n, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)\b", told)}
    return {"requests_per_second": float(rate[1]), "p50_ms": late["50"], "p99_ms": late["99"]}


async def measure_in(home: Path, seconds: int, repetitions: int) -> dict[str, Any]:
    """All contestants on one database, taking turns."""
    async with brands.installation(home) as dsns, Database(dsns) as database:
        town = await brands.found_town(dsns, database, 5)
        await brands.fill(town, 4_000)
        await brands.roll_up_all(town)
        email = await brands.add_reader(town, hash_password(_PASSWORD))
        days = f"since={LAST - timedelta(days=6)}&until={LAST}"
        path = f"/api/v1/tenants/{town.brands[0].tenant_id}/metrics?metrics=units&metrics=revenue&{days}"
        return await asyncio.to_thread(_contest, path, email, environment(dsns, home), seconds, repetitions)


def _contest(path: str, email: str, variables: Mapping[str, str], seconds: int, repetitions: int) -> dict[str, Any]:
    with (
        served(CONTESTANTS["ours"], variables) as ours,
        served(CONTESTANTS["by hand"], variables) as by_hand,
        served(CONTESTANTS["mapper"], variables) as mapper,
    ):
        cookie = sign_in(ours, email)
        addresses = {"ours": ours, "by hand": by_hand, "mapper": mapper}
        _same(addresses, path, cookie)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in addresses}
        for number in range(repetitions + 1):
            names = list(addresses)
            for name in names[number % 3 :] + names[: number % 3]:
                found = load(addresses[name] + path, cookie, seconds if number else 1)
                if number:  # the first round only warms up
                    taken[name].append(found)
    return _figures(taken)


def _same(addresses: Mapping[str, str], path: str, cookie: str) -> None:
    """All reply the same with the cookie, and refuse without. Raises RuntimeError."""
    replies = []
    for address in addresses.values():
        with urlopen(Request(address + path, headers={"cookie": cookie})) as reply:
            replies.append(json.load(reply))
        try:
            urlopen(address + path).close()
        except HTTPError as error:
            if error.code == 401:
                continue
        raise RuntimeError(f"{address} answers a stranger")
    if not replies[0] or any(reply != replies[0] for reply in replies):
        raise RuntimeError("the contestants do not reply the same")


def _figures(taken: Mapping[str, list[dict[str, float]]]) -> dict[str, Any]:
    rates = {name: [round_["requests_per_second"] for round_ in rounds] for name, rounds in taken.items()}
    values = (
        statistics.median(a / b for a, b in zip(rates["ours"], rates["by hand"], strict=True)),
        statistics.median(a / b for a, b in zip(rates["ours"], rates["mapper"], strict=True)),
    )
    return {
        "rounds": dict(taken),
        "medians": {
            name: {what: statistics.median(round_[what] for round_ in rounds) for what in rounds[0]}
            for name, rounds in taken.items()
        },
        "goals": [
            {"name": name, "value": value, "goal": goal, "met": value >= goal}
            for (name, goal), value in zip(GOALS.items(), values, strict=True)
        ],
    }


def run(seconds: int, repetitions: int) -> dict[str, Any]:
    """Measure in a place of its own. Raises SetupError without wrk."""
    if shutil.which("wrk") is None:
        raise SetupError("wrk is not here.", hint="Run `make system` as root.")
    with short_folder("shelftide-bench-") as home:
        return asyncio.run(measure_in(home, seconds, repetitions))
