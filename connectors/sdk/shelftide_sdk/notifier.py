"""The notifier: a way to tell a person something outside the product, such as a chat or a webhook."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from shelftide_sdk.auth import Auth, NoAuth
from shelftide_sdk.client import Budget, Client
from shelftide_sdk.connector import Clock, Logger, SettingField
from shelftide_sdk.errors import ConnectorError


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should know.

    Attributes:
        key: the same for every try at the same notice: a receiver that can, counts it once.
        kind: what happened, such as `connection.reconnect`.
        title: one line.
        text: what happened and the one step that mends it.
        brand: whose matter it is.
        url: where in the console to go.
        at: when it happened, aware UTC.
    """

    key: str
    kind: str
    title: str
    text: str
    brand: str
    url: str
    at: datetime


class NotifierInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A notifier's business card. `settings` is what an owner fills in; all of it is kept as a secret.

    `hosts` are the only hosts that its client reaches; `*.` matches one label.
    """

    name: str
    title: str
    api_requires: tuple[int, int]
    hosts: tuple[str, ...]
    settings: tuple[SettingField, ...] = ()
    budgets: tuple[Budget, ...] = ()


class NotifierContext(msgspec.Struct, kw_only=True):
    """All that a notifier sees while it works. `settings` holds what the owner filled in."""

    client: Client
    clock: Clock
    log: Logger
    settings: Mapping[str, str]


class Notifier(ABC):
    """Base of all notifiers. One instance sends one notice.

    Example:
        class Chat(Notifier):
            info = NotifierInfo(name="chat", title="Chat", api_requires=(1, 0), hosts=("chat.example",))

            async def send(self, ctx, notice):
                await ctx.client.post("https://chat.example/in", json={"text": notice.title})
    """

    info: ClassVar[NotifierInfo]
    auth: ClassVar[Auth] = NoAuth()

    @abstractmethod
    async def send(self, ctx: NotifierContext, notice: Notice) -> None:
        """Tell it. Raise the errors of the SDK: the host tries again what passes, and no more."""

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Name the error in a reply; see `Connector.classify`."""
        return None
