"""The connectors of this environment, found by entry point: a registry for the SDK alone, without a server."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

import msgspec
import pluggy

from shelftide_sdk import hookspecs
from shelftide_sdk.connector import API_VERSION, Connector
from shelftide_sdk.hookspecs import PROJECT


class InstalledPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution and what came of loading it."""

    distribution: str
    version: str
    error: str = ""
    connectors: tuple[type[Connector], ...] = ()


class Installed:
    """All plugins; a broken one carries its error and hides none of the others."""

    def __init__(self, entries: Iterable[EntryPoint] | None = None) -> None:
        found = sorted(entry_points(group=PROJECT) if entries is None else entries, key=lambda entry: entry.name)
        self.plugins = tuple(_load(entry) for entry in found)

    @property
    def connectors(self) -> dict[str, type[Connector]]:
        """Connector classes by name."""
        return {c.info.name: c for plugin in self.plugins for c in plugin.connectors}


def _load(entry: EntryPoint) -> InstalledPlugin:
    distribution = entry.dist.name if entry.dist else entry.name
    version = entry.dist.version if entry.dist else ""
    try:
        connectors = _connectors(entry)
    except Exception as error:  # noqa: BLE001  # outsiders' code may raise anything at import
        return InstalledPlugin(distribution=distribution, version=version, error=f"{type(error).__name__}: {error}")
    return InstalledPlugin(distribution=distribution, version=version, connectors=connectors)


def _connectors(entry: EntryPoint) -> tuple[type[Connector], ...]:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load(), entry.name)
    manager.check_pending()
    found = tuple(c for classes in manager.hook.register_connectors() for c in classes)
    for connector in found:
        if not (isinstance(connector, type) and issubclass(connector, Connector)):
            raise TypeError(f"{connector!r} is not a Connector class")
        if connector.info.api_requires[0] != API_VERSION[0] or connector.info.api_requires > API_VERSION:
            raise RuntimeError(f"{connector.info.name} needs SDK API {connector.info.api_requires}, not {API_VERSION}")
    return found
