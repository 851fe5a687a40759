"""`shelftide doctor`: what stands in the way of a start, and what to do about it."""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import asyncpg
import msgspec

from shelftide.core.errors import AppError
from shelftide.core.settings import Settings, checkout_root, read_settings
from shelftide.ingest.registry import load_plugins
from shelftide.jobs.wiring import embedded
from shelftide.store.embedded import place_for
from shelftide.supervisor import check_port

_ROOM = 1 * 2**30


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check."""

    check: str
    good: bool
    finding: str
    step: str = ""


async def diagnose() -> list[Finding]:
    """All checks, in the order in which a start would meet them. Changes nothing."""
    found = [_python()]
    try:
        settings = read_settings()
    except AppError as error:
        return [*found, Finding(check="settings", good=False, finding=error.message, step=error.hint)]
    checks: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (
        _folder, _disk, _port, _database, _extensions, _assets, _plugins,
    )  # fmt: skip
    for check in checks:
        try:
            found.append(await check(settings))
        except AppError as error:
            name = check.__name__.removeprefix("_")
            found.append(Finding(check=name, good=False, finding=error.message, step=error.hint))
    return found


def _python() -> Finding:
    good = sys.version_info >= (3, 11)
    step = "" if good else "Install Python 3.11 or newer."
    return Finding(check="python", good=good, finding=sys.version.split()[0], step=step)


async def _folder(settings: Settings) -> Finding:
    root = Path(settings.data_dir) if settings.data_dir else place_for(checkout_root()).root
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    good = os.access(nearest, os.W_OK)
    step = "" if good else f"Give this account the right to write to {nearest}, or set SHELFTIDE_DATA_DIR."
    return Finding(check="data folder", good=good, finding=str(root), step=step)


async def _disk(settings: Settings) -> Finding:
    root = Path(settings.data_dir) if settings.data_dir else place_for(checkout_root()).root
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(nearest).free
    good = free >= _ROOM
    step = "" if good else f"Free at least {(_ROOM - free) // 2**20 + 1} MB on the disk of {nearest}."
    return Finding(check="disk", good=good, finding=f"{free // 2**20:,} MB free", step=step)


async def _port(settings: Settings) -> Finding:
    check_port(settings.host, settings.port)
    return Finding(check="port", good=True, finding=f"{settings.host}:{settings.port} is free")


async def _database(settings: Settings) -> Finding:
    server = embedded(settings)
    if server is None:
        return await _external(settings)
    running = (server.place.data / "postmaster.pid").exists()
    return Finding(check="database", good=True, finding="embedded, running" if running else "embedded, not running")


async def _external(settings: Settings) -> Finding:
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=5)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        step = "Check DATABASE_URL, and that the server runs."
        return Finding(check="database", good=False, finding=f"{type(error).__name__}: {error}", step=step)
    try:
        number = int(await connection.fetchval("show server_version_num"))
        bypass = await connection.fetchval("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
    finally:
        await connection.close()
    if number < 170006:
        return Finding(
            check="database",
            good=False,
            finding=f"version {number}",
            step="Use Postgres 17.6 or newer (CVE-2025-8713).",
        )
    if bypass:
        step = "Connect as the role app: row-level security does not hold superusers."
        return Finding(check="database", good=False, finding="the role bypasses row-level security", step=step)
    return Finding(check="database", good=True, finding=f"external, {number // 10000}.{number % 100}")


async def _extensions(settings: Settings) -> Finding:
    wanted = {"ducklake", "postgres-scanner", "httpfs"}
    for name in sorted(wanted):
        package = f"duckdb-extension-{name}"
        try:
            found = version(package)
        except PackageNotFoundError:
            return Finding(check="duckdb", good=False, finding=f"{package} is missing", step="Run `make test` once.")
        if found != version("duckdb"):
            finding = f"{package} {found} does not fit duckdb {version('duckdb')}"
            return Finding(check="duckdb", good=False, finding=finding, step="Install from requirements.lock.")
    return Finding(check="duckdb", good=True, finding=version("duckdb"))


async def _assets(settings: Settings) -> Finding:
    vendor = Path(__file__).parent / "web" / "static" / "vendor"
    good = vendor.is_dir() and any(vendor.iterdir())
    return Finding(
        check="browser files",
        good=good,
        finding="fetched" if good else "missing",
        step="" if good else "Run `make assets`.",
    )


async def _plugins(settings: Settings) -> Finding:
    registry = load_plugins(settings.plugins)
    broken = [plugin for plugin in registry.plugins if plugin.error]
    if broken:
        finding = f"{broken[0].distribution}: {broken[0].error}"
        return Finding(check="plugins", good=False, finding=finding, step="Update or uninstall it; the others work.")
    return Finding(check="plugins", good=True, finding=", ".join(sorted(registry.connectors)) or "none")
