"""Plugins of this installation: the SDK finds and loads them, the allow-list of the settings says which."""

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint

from shelftide.core.errors import NotFoundError
from shelftide_sdk import Connector
from shelftide_sdk.installed import Installed


class Registry(Installed):
    """All connectors of this installation."""

    def connector(self, name: str) -> type[Connector]:
        """The connector called `name`. Raises NotFoundError that lists what there is."""
        if name not in self.connectors:
            known = ", ".join(sorted(self.connectors)) or "none"
            raise NotFoundError(f"There is no connector called {name!r}.", hint=f"Installed: {known}.")
        return self.connectors[name]


def load_plugins(allowed: Sequence[str] = (), entries: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every enabled plugin. `allowed` names distributions; empty means all that are installed."""
    return Registry(entries, allowed)
