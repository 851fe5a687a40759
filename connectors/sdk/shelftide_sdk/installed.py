"""The connectors of this environment, found by entry point and loaded one by one: a registry without a server.

A broken plugin is listed with its error; the others go on.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

import msgspec
import pluggy

from shelftide_sdk import hookspecs
from shelftide_sdk.connector import API_VERSION, Connector
from shelftide_sdk.hookspecs import PROJECT
from shelftide_sdk.metrics import PluginMetric
from shelftide_sdk.notifier import Notifier


class InstalledPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """An installed distribution and what came of loading it. `name` is its entry point's, `publisher` what its wheel
    says of its author; nobody checks that.
    """

    name: str
    distribution: str
    version: str
    publisher: str = ""
    error: str = ""
    connectors: tuple[type[Connector], ...] = ()
    notifiers: tuple[type[Notifier], ...] = ()
    metrics: tuple[PluginMetric, ...] = ()

    @property
    def state(self) -> str:
        """`ok` or `broken`."""
        return "broken" if self.error else "ok"

    @property
    def names(self) -> tuple[str, ...]:
        """What its connectors and notifiers are called."""
        return (*(c.info.name for c in self.connectors), *(n.info.name for n in self.notifiers))


class Installed:
    """All plugins. `allowed` names distributions; empty means all that are installed."""

    def __init__(self, entries: Iterable[EntryPoint] | None = None, allowed: Sequence[str] = ()) -> None:
        found = sorted(entry_points(group=PROJECT) if entries is None else entries, key=lambda entry: entry.name)
        taken: dict[str, str] = {}
        plugins = []
        for entry in found:
            if not allowed or _distribution(entry) in allowed:
                plugin = _without_clash(_load(entry), taken)
                taken |= dict.fromkeys(plugin.names, plugin.distribution)
                plugins.append(plugin)
        self.plugins = tuple(plugins)
        self.connectors = {c.info.name: c for plugin in plugins for c in plugin.connectors}
        self.notifiers = {n.info.name: n for plugin in plugins for n in plugin.notifiers}


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.name


def _publisher(entry: EntryPoint) -> str:
    told = entry.dist.metadata.json if entry.dist else {}
    names = (told.get(name) for name in ("author", "author_email", "maintainer", "maintainer_email"))
    return next((str(name) for name in names if name), "")


def _without_clash(plugin: InstalledPlugin, taken: dict[str, str]) -> InstalledPlugin:
    clash = next((name for name in plugin.names if name in taken), None)
    if clash is None:
        return plugin
    reason = f"connector {clash!r} is already registered by {taken[clash]}"
    return broken(plugin, reason)


def broken(plugin: InstalledPlugin, reason: str) -> InstalledPlugin:
    """The plugin as one that brings nothing, and why."""
    return msgspec.structs.replace(plugin, error=reason, connectors=(), notifiers=(), metrics=())


def _load(entry: EntryPoint) -> InstalledPlugin:
    found = InstalledPlugin(
        name=entry.name,
        distribution=_distribution(entry),
        version=entry.dist.version if entry.dist else "",
        publisher=_publisher(entry),
    )
    try:
        connectors, notifiers, metrics = _registered(entry)
        return msgspec.structs.replace(found, connectors=connectors, notifiers=notifiers, metrics=metrics)
    except Exception as error:  # noqa: BLE001  # outsiders' code may raise anything at import
        return msgspec.structs.replace(found, error=f"{type(error).__name__}: {error}")


def _registered(
    entry: EntryPoint,
) -> tuple[tuple[type[Connector], ...], tuple[type[Notifier], ...], tuple[PluginMetric, ...]]:
    # A manager of its own for each plugin: a failure half way through a registration leaves nothing behind.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load(), entry.name)
    manager.check_pending()
    found = tuple(c for classes in manager.hook.register_connectors() for c in classes)
    for connector in found:
        _check(connector)
    notifiers = tuple(n for classes in manager.hook.register_notifiers() for n in classes)
    for notifier in notifiers:
        if not (isinstance(notifier, type) and issubclass(notifier, Notifier)):
            raise TypeError(f"{notifier!r} is not a Notifier class")
        _check_version(notifier.info.name, notifier.info.api_requires)
    names = [*(c.info.name for c in found), *(n.info.name for n in notifiers)]
    if len(set(names)) != len(names):
        raise ValueError("it registers two connectors of one name")
    metrics = tuple(m for listed in manager.hook.register_metrics() for m in listed)
    for metric in metrics:
        if not isinstance(metric, PluginMetric):
            raise TypeError(f"{metric!r} is not a PluginMetric")
        if not metric.name.startswith(f"{entry.name}."):
            raise ValueError(f"the metric {metric.name!r} must be called {entry.name}.something")
    return found, notifiers, metrics


def _check(connector: type[Connector]) -> None:
    if not (isinstance(connector, type) and issubclass(connector, Connector)):
        raise TypeError(f"{connector!r} is not a Connector class")
    _check_version(connector.info.name, connector.info.api_requires)
    names = [stream.name for stream in connector.streams]
    if len(set(names)) != len(names):
        raise ValueError(f"{connector.info.name} declares a stream twice")


def _check_version(name: str, requires: tuple[int, int]) -> None:
    major, minor = requires
    if major != API_VERSION[0] or minor > API_VERSION[1]:
        raise RuntimeError(f"{name} needs SDK API {major}.{minor}; this is {API_VERSION[0]}.{API_VERSION[1]}")
