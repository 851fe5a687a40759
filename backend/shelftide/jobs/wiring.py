"""Opening the services that a process needs. Called by the composition roots with settings that they read."""

import os
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

from shelftide.analytics.metrics.catalogue import catalogue_with
from shelftide.core.clock import SystemClock
from shelftide.core.settings import Settings, checkout_root
from shelftide.core.vault import Vault, read_master_keys
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import Registry, load_plugins
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.warehouse.factory import make_warehouses
from shelftide_sdk.hosts import Routes


def embedded(settings: Settings) -> EmbeddedPostgres | None:
    """The embedded server of this installation, or None when DATABASE_URL names another."""
    if settings.database_url:
        return None
    home = Path(settings.data_dir) if settings.data_dir else None
    return EmbeddedPostgres(place_for(checkout_root(), home))


async def find_dsns(settings: Settings) -> Dsns:
    """Where the roles connect; joins the embedded server, or starts it when nobody runs it."""
    server = embedded(settings)
    if server is not None:
        return await server.start()
    return Dsns(
        owner=settings.database_owner_url,
        app=settings.database_url,
        gate=settings.database_gate_url,
        backup=settings.database_backup_url,
        lakes=settings.database_lakes_url,
    )


def data_folder(settings: Settings) -> Path:
    """Where Parquet files and the master key lie."""
    server = embedded(settings)
    root = server.place.root if server is not None else Path(settings.data_dir or "var/shelftide")
    folder = root / "files"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


async def open_services(settings: Settings, *, dsns: Dsns | None = None) -> Services:
    """Everything that a process needs. Close it at the end."""
    dsns = dsns or await find_dsns(settings)
    folder = data_folder(settings)
    database = Database(dsns)
    vault = Vault(read_master_keys(folder / "master.json"))
    clock = SystemClock()
    routes = Routes(dict(pair.split("=", 1) for pair in settings.routes))
    services = Services(
        settings=settings,
        database=database,
        vault=vault,
        registry=usable_plugins(settings.plugins),
        warehouses=make_warehouses(
            settings.engine,
            app_dsn=dsns.app,
            lakes_dsn=dsns.lakes,
            folder=folder / "lakes",
            secrets=VaultLakeSecrets(database, vault),
        ),
        clock=clock,
        routes=routes,
        consent=Consent(vault=vault, clock=clock, routes=routes),
        data_dir=folder,
    )
    await services.refresh_clock()
    return services


def process_name(kind: str) -> str:
    """How a process signs what it does."""
    return f"{kind}-{os.uname().nodename}-{os.getpid()}"


def usable_plugins(allowed: Sequence[str] = (), entries: Iterable[EntryPoint] | None = None) -> Registry:
    """The plugins of this installation; one whose metrics the catalogue cannot hold is listed as broken."""
    registry = load_plugins(allowed, entries)
    for plugin in registry.plugins:
        try:
            catalogue_with(plugin.metrics)
        except ValueError as error:
            registry.refuse(plugin, str(error))
    return registry
