"""Plugins of an agency: which are installed, which it uses, and what becomes of their connections when that changes.

Until outsiders' code is contained it runs with the full rights of the server, so it is off for every agency until one
of its owners enables it and says that this is understood.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from shelftide.core.errors import ConflictError, InvalidInputError, NotFoundError
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.ingest.registry import Registry, is_house
from shelftide.store.database import Database
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.notices import forget_notifier, list_notifiers, save_notifier
from shelftide.store.repositories.plugins import pause_connections, read_choices, resume_connections, save_choice
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import SettingField
from shelftide_sdk.installed import InstalledPlugin
from shelftide_sdk.metrics import PluginMetric

STEP = "An owner of your agency can enable it under Plugins."
Queue = Callable[[UnitOfWork, UUID], Awaitable[object]]


class PluginConnector(msgspec.Struct, frozen=True, kw_only=True):
    """A connector of a plugin."""

    name: str
    title: str
    tier: str
    streams: tuple[str, ...]


class PluginNotifier(msgspec.Struct, frozen=True, kw_only=True):
    """A notifier of a plugin. `fields` is what an owner fills in; `ready`: it is filled in."""

    name: str
    title: str
    fields: tuple[SettingField, ...]
    ready: bool


class AgencyPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """An installed plugin as an agency sees it.

    `house`: this house builds it. `full_rights`: it is an outsider's, and nothing contains what it does. `publisher` is
    the wheel's own word. `state` is `ok` or `broken`, with `error`.
    """

    distribution: str
    version: str
    publisher: str
    house: bool
    full_rights: bool
    enabled: bool
    state: str
    error: str
    connectors: tuple[PluginConnector, ...]
    notifiers: tuple[PluginNotifier, ...] = ()
    metrics: tuple[str, ...] = ()


class PluginDisabledError(ConflictError):
    """The agency does not use the plugin that this needs."""

    code = "plugin_disabled"


def reason_of(distribution: str) -> str:
    """Why a connection stands still."""
    return f"The plugin {distribution} is disabled."


async def list_plugins(uow: UnitOfWork, registry: Registry) -> list[AgencyPlugin]:
    """All installed plugins, the house's own first."""
    choices, ready = await read_choices(uow), await list_notifiers(uow)
    found = [_described(plugin, choices, ready) for plugin in registry.plugins]
    return sorted(found, key=lambda plugin: (not plugin.house, plugin.distribution))


async def require_enabled(uow: UnitOfWork, registry: Registry, connector: str) -> None:
    """Raise PluginDisabledError when the scope's agency does not use the plugin that brings a connector."""
    plugin = registry.plugin_of(connector)
    if not _is_enabled(plugin, await read_choices(uow)):
        raise PluginDisabledError(reason_of(plugin.distribution), hint=STEP)


async def metrics_for(uow: UnitOfWork, registry: Registry) -> tuple[PluginMetric, ...]:
    """The metrics of the plugins that the scope's agency uses."""
    if not any(plugin.metrics for plugin in registry.plugins):
        return ()
    choices = await read_choices(uow)
    return tuple(metric for plugin in registry.plugins if _is_enabled(plugin, choices) for metric in plugin.metrics)


async def is_enabled_for(uow: UnitOfWork, registry: Registry, name: str) -> bool:
    """Whether the scope's agency uses the plugin that brings this connector or notifier."""
    return _is_enabled(registry.plugin_of(name), await read_choices(uow))


async def set_up_notifier(
    uow: UnitOfWork, vault: Vault, registry: Registry, name: str, settings: Mapping[str, str]
) -> None:
    """Keep where the scope's agency wants to be told things.

    Raises:
        NotFoundError: there is no such notifier.
        PluginDisabledError: the agency does not use its plugin.
        InvalidInputError: a field is missing or malformed.
    """
    notifier = registry.notifiers.get(name)
    if notifier is None:
        known = ", ".join(sorted(registry.notifiers)) or "none"
        raise NotFoundError(f"There is no notifier called {name!r}.", hint=f"Installed: {known}.")
    await require_enabled(uow, registry, name)
    checked = {}
    for field in notifier.info.settings:
        checked[field.name] = settings.get(field.name, "").strip()
        if not re.fullmatch(field.pattern, checked[field.name]):
            raise InvalidInputError(f"{field.title} is missing or malformed.", hint=field.example)
    await save_notifier(uow, vault, name, checked)
    await record(uow, "notifier.set", target=name)


async def remove_notifier(uow: UnitOfWork, name: str) -> None:
    """Forget where a notifier of the scope's agency tells things; what waits to be told is not sent."""
    await forget_notifier(uow, name)
    await record(uow, "notifier.forgotten", target=name)


async def switch_plugin(
    database: Database,
    scope: Scope,
    registry: Registry,
    distribution: str,
    *,
    enabled: bool,
    full_rights: bool,
    queue: Queue,
) -> AgencyPlugin:
    """Enable or disable a plugin for the scope's agency.

    Connections of a disabled plugin pause with the reason; on enabling, those go on and `queue` starts their next read.

    Raises:
        InvalidInputError: an outsider's plugin is enabled without saying that its full rights are understood.
        NotFoundError: no such plugin is installed.
        ConflictError: it is broken.
    """
    plugin = registry.plugin(distribution)
    if enabled and plugin.error:
        raise ConflictError(f"The plugin {distribution} cannot be loaded.", hint=plugin.error)
    if enabled and not is_house(plugin) and not full_rights:
        raise InvalidInputError(
            f"{distribution} runs with the full rights of the server: it can read every brand's data and every secret.",
            hint="Confirm it with full_rights if you trust its publisher.",
        )
    async with UnitOfWork(database, scope) as uow:
        await save_choice(uow, distribution, enabled=enabled, version=plugin.version)
        detail = {"version": plugin.version, "full_rights": enabled and not is_house(plugin)}
        await record(uow, "plugin.enabled" if enabled else "plugin.disabled", target=distribution, detail=detail)
        await uow.commit()
    for tenant_id in scope.tenant_ids:
        await _follow(database, scope.narrow(tenant_id), plugin, enabled=enabled, queue=queue)
    async with UnitOfWork(database, scope) as uow:
        return _described(plugin, {distribution: enabled}, await list_notifiers(uow))


async def _follow(database: Database, scope: Scope, plugin: InstalledPlugin, *, enabled: bool, queue: Queue) -> None:
    names, reason = [connector.info.name for connector in plugin.connectors], reason_of(plugin.distribution)
    async with UnitOfWork(database, scope) as uow:
        if enabled:
            for connection_id in await resume_connections(uow, names, reason=reason):
                await queue(uow, connection_id)
        else:
            await pause_connections(uow, names, reason=reason, step=STEP)
        await uow.commit()


def _is_enabled(plugin: InstalledPlugin, choices: Mapping[str, bool]) -> bool:
    return not plugin.error and choices.get(plugin.distribution, is_house(plugin))


def _described(plugin: InstalledPlugin, choices: Mapping[str, bool], ready: Sequence[str]) -> AgencyPlugin:
    house = is_house(plugin)
    return AgencyPlugin(
        distribution=plugin.distribution,
        version=plugin.version,
        publisher=plugin.publisher,
        house=house,
        full_rights=not house,
        enabled=_is_enabled(plugin, choices),
        state=plugin.state,
        error=plugin.error,
        connectors=tuple(
            PluginConnector(
                name=connector.info.name,
                title=connector.info.title,
                tier=connector.info.tier,
                streams=tuple(stream.name for stream in connector.streams),
            )
            for connector in plugin.connectors
        ),
        notifiers=tuple(
            PluginNotifier(
                name=notifier.info.name,
                title=notifier.info.title,
                fields=notifier.info.settings,
                ready=notifier.info.name in ready,
            )
            for notifier in plugin.notifiers
        ),
        metrics=tuple(metric.name for metric in plugin.metrics),
    )
