"""All hooks of Shelftide. They only register; nothing is done when they are called."""

from typing import Any

import pluggy

from shelftide_sdk.connector import Connector
from shelftide_sdk.metrics import PluginMetric
from shelftide_sdk.notifier import Notifier

PROJECT = "shelftide"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_connectors() -> list[type[Connector]]:  # type: ignore[empty-body]  # a hook specification has no body
    """Return the connector classes of this distribution."""


@hookspec
def register_notifiers() -> list[type[Notifier]]:  # type: ignore[empty-body]  # a hook specification has no body
    """Return notifier classes: ways to tell a person something outside the product."""


@hookspec
def register_metrics() -> list[PluginMetric]:  # type: ignore[empty-body]  # a hook specification has no body
    """Return metrics for the catalogue, each `<entry point>.<name>`: formulas over the parts that are there."""


@hookspec
def register_attribution_models() -> list[Any]:  # type: ignore[empty-body]  # a hook specification has no body
    """Return attribution models beyond the built-in ones."""
