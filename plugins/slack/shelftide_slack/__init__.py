"""Slack, as an outsider lets Shelftide tell things there."""

from shelftide_sdk import Notifier, hookimpl
from shelftide_slack.notifier import Slack

__all__ = ["Slack", "register_notifiers"]


@hookimpl
def register_notifiers() -> list[type[Notifier]]:
    """The notifiers of this distribution."""
    return [Slack]
