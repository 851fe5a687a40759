"""Plugins of this installation: the SDK finds and loads them, the allow-list of the settings says which."""

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint

from shelftide.core.errors import NotFoundError
from shelftide_sdk import Connector
from shelftide_sdk.installed import Installed, InstalledPlugin, broken

# What this house builds, tests and releases together with the server. Everybody else's code is an outsider's.
HOUSE = frozenset(
    {"shelftide-amazon", "shelftide-meta", "shelftide-shopify", "shelftide-tiktok", "shelftide-xiaohongshu"}
)


def is_house(plugin: InstalledPlugin) -> bool:
    """Whether a plugin is the house's own, and so enabled unless an agency says otherwise."""
    return plugin.distribution.lower().replace("_", "-") in HOUSE


class Registry(Installed):
    """All connectors of this installation."""

    def plugin(self, distribution: str) -> InstalledPlugin:
        """The installed distribution of that name. Raises NotFoundError that lists what there is."""
        for plugin in self.plugins:
            if plugin.distribution == distribution:
                return plugin
        known = ", ".join(sorted(plugin.distribution for plugin in self.plugins)) or "none"
        raise NotFoundError(f"There is no plugin called {distribution!r}.", hint=f"Installed: {known}.")

    def refuse(self, plugin: InstalledPlugin, reason: str) -> None:
        """List a plugin as broken: what it brings is not used."""
        self.plugins = tuple(broken(each, reason) if each is plugin else each for each in self.plugins)
        self.connectors = {c.info.name: c for each in self.plugins for c in each.connectors}
        self.notifiers = {n.info.name: n for each in self.plugins for n in each.notifiers}

    def plugin_of(self, name: str) -> InstalledPlugin:
        """The plugin that brings a connector or a notifier. Raises NotFoundError."""
        if name not in self.notifiers:
            self.connector(name)
        return next(p for p in self.plugins if name in p.names)

    def connector(self, name: str) -> type[Connector]:
        """The connector called `name`. Raises NotFoundError that lists what there is."""
        if name not in self.connectors:
            known = ", ".join(sorted(self.connectors)) or "none"
            raise NotFoundError(f"There is no connector called {name!r}.", hint=f"Installed: {known}.")
        return self.connectors[name]


def load_plugins(allowed: Sequence[str] = (), entries: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every enabled plugin. `allowed` names distributions; empty means all that are installed."""
    return Registry(entries, allowed)
