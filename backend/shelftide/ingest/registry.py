"""Plugins: found by entry point, loaded one by one. A broken one is listed with its error; the others go on."""

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

import msgspec
import pluggy

from shelftide.core.errors import NotFoundError
from shelftide_sdk import API_VERSION, Connector, hookspecs
from shelftide_sdk.hookspecs import PROJECT


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """An installed distribution and what came of loading it."""

    name: str
    distribution: str
    version: str
    error: str = ""
    connectors: tuple[type[Connector], ...] = ()

    @property
    def state(self) -> str:
        """`ok` or `broken`."""
        return "broken" if self.error else "ok"


class Registry:
    """All connectors of this installation."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._connectors = {c.info.name: c for plugin in plugins for c in plugin.connectors}

    @property
    def connectors(self) -> dict[str, type[Connector]]:
        """Connector classes by name."""
        return dict(self._connectors)

    def connector(self, name: str) -> type[Connector]:
        """The connector called `name`. Raises NotFoundError that lists what there is."""
        if name not in self._connectors:
            known = ", ".join(sorted(self._connectors)) or "none"
            raise NotFoundError(f"There is no connector called {name!r}.", hint=f"Installed: {known}.")
        return self._connectors[name]


def load_plugins(allowed: Sequence[str] = (), entries: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every enabled plugin. `allowed` names distributions; empty means all that are installed."""
    found = sorted(entry_points(group=PROJECT) if entries is None else entries, key=lambda entry: entry.name)
    plugins: list[Plugin] = []
    taken: dict[str, str] = {}
    for entry in found:
        distribution = entry.dist.name if entry.dist else entry.name
        if allowed and distribution not in allowed:
            continue
        plugin = _load(entry, distribution)
        clash = [c.info.name for c in plugin.connectors if c.info.name in taken]
        if clash:
            reason = f"connector {clash[0]!r} is already registered by {taken[clash[0]]}"
            plugin = msgspec.structs.replace(plugin, error=reason, connectors=())
        taken |= {c.info.name: distribution for c in plugin.connectors}
        plugins.append(plugin)
    return Registry(plugins)


def _load(entry: EntryPoint, distribution: str) -> Plugin:
    version = entry.dist.version if entry.dist else ""
    try:
        connectors = _connectors_of(entry)
    except Exception as error:  # noqa: BLE001  # outsiders' code may raise anything at import
        return Plugin(
            name=entry.name,
            distribution=distribution,
            version=version,
            error=f"{type(error).__name__}: {error}",
        )
    return Plugin(name=entry.name, distribution=distribution, version=version, connectors=connectors)


def _connectors_of(entry: EntryPoint) -> tuple[type[Connector], ...]:
    # A manager of its own for each plugin: a failure half way through a registration leaves nothing behind.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load(), entry.name)
    manager.check_pending()
    found: list[type[Connector]] = [c for classes in manager.hook.register_connectors() for c in classes]
    for connector in found:
        _check(connector)
    return tuple(found)


def _check(connector: type[Connector]) -> None:
    if not (isinstance(connector, type) and issubclass(connector, Connector)):
        raise TypeError(f"{connector!r} is not a Connector class")
    major, minor = connector.info.api_requires
    if major != API_VERSION[0] or minor > API_VERSION[1]:
        raise RuntimeError(
            f"{connector.info.name} needs SDK API {major}.{minor}; this is {API_VERSION[0]}.{API_VERSION[1]}"
        )
    names = [stream.name for stream in connector.streams]
    if len(set(names)) != len(names):
        raise ValueError(f"{connector.info.name} declares a stream twice")
