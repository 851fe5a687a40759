"""Slack's incoming webhooks on a loopback port: what was told is kept, and its refusals are Slack's own."""

from collections.abc import Sequence
from typing import Any, ClassVar

from shelftide_sdk.testing.emulator import Emulator, Request, Response, Route
from shelftide_slack.notifier import HOST

PATH = "/services/T0001/B0001/abcdefghijklmnop"


class SlackServer(Emulator):
    """One webhook. `told` holds the bodies; `refusals` are answered first, as (status, words)."""

    platform: ClassVar[str] = "slack"
    hosts: ClassVar[tuple[str, ...]] = (HOST,)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.told: list[dict[str, Any]] = []
        self.refusals: list[tuple[int, str]] = []

    def routes(self) -> Sequence[Route]:
        """Every address; only one is known."""
        return (Route("POST", r"/services/(?P<webhook>.+)", self._take),)

    def _take(self, request: Request) -> Response:
        if self.refusals:
            status, words = self.refusals.pop(0)
            return _words(status, words, (("retry-after", "1"),) if status == 429 else ())
        if request.path != PATH:
            return _words(404, "no_service")
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("text"), str):
            return _words(400, "invalid_payload")
        self.told.append(body)
        return _words(200, "ok")


def _words(status: int, words: str, more: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status=status, body=words.encode(), headers=(("content-type", "text/html"), *more))
