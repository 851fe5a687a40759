"""What arrives at Slack, and what becomes of its refusals."""

import logging
from datetime import UTC, datetime
from typing import Any, cast

import httpx2
import pytest
import stamina

from shelftide_sdk import (
    App,
    AuthorizationError,
    ContractError,
    Notice,
    NotifierContext,
    RateLimitedError,
    TokenSet,
    TransientError,
)
from shelftide_sdk.http import FixedCredentials, Patience, PlatformClient
from shelftide_sdk.testing.conformance.bench import FakeClock
from shelftide_sdk.testing.emulator import Gateway
from shelftide_sdk.testing.world import World
from shelftide_slack import Slack
from shelftide_slack.server import HOST, PATH, SlackServer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOTICE = Notice(
    key="run-1",
    kind="connection.reconnect",
    title="Fish & <Chips>: shop must be connected again",
    text="The token was revoked. Reconnect the account.",
    brand="Fish & <Chips>",
    url="https://console.example/console/brands/1/connections#c-2",
    at=NOW,
)


@pytest.fixture
def server() -> SlackServer:
    return SlackServer(World(seed=7, now=NOW, size="small"))


async def tell(server: SlackServer, address: str = f"https://{HOST}{PATH}") -> None:
    """Send the notice through the host's own client."""
    clock = FakeClock(NOW)
    nobody = FixedCredentials(App(client_id="", client_secret="", redirect_uri=""), TokenSet(access_token=""))
    settings = {"address": address}
    transport = httpx2.ASGITransport(app=cast(Any, Gateway([server])))
    patience = Patience(sleep=clock.sleep)
    client = PlatformClient(
        Slack, credentials=nobody, settings=settings, clock=clock, transport=transport, patience=patience
    )
    log = logging.LoggerAdapter(logging.getLogger("notifier.slack"), {})
    with stamina.set_testing(True, attempts=3, cap=True):
        async with client:
            await Slack().send(NotifierContext(client=client, clock=clock, log=log, settings=settings), NOTICE)


async def test_a_notice_is_one_message_with_a_link_and_nothing_of_it_is_markup(server: SlackServer) -> None:
    await tell(server)
    (body,) = server.told
    assert body["text"] == "Fish &amp; &lt;Chips&gt;: shop must be connected again"
    shown = body["blocks"][0]["text"]["text"]
    assert shown.startswith(f"*<{NOTICE.url}|Fish &amp; &lt;Chips&gt;")
    assert shown.endswith(NOTICE.text)


@pytest.mark.parametrize(
    ("refusals", "told"), [([(500, "rollup_error")], 1), ([(429, "slow")], 1), ([(503, ""), (429, "slow")], 1)]
)
async def test_what_passes_is_tried_again(server: SlackServer, refusals: list[tuple[int, str]], told: int) -> None:
    server.refusals = refusals
    await tell(server)
    assert len(server.told) == told


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ((404, "no_service"), AuthorizationError),
        ((410, "channel_is_archived"), AuthorizationError),
        ((403, "invalid_token"), AuthorizationError),
        ((400, "invalid_payload"), ContractError),
        ((500, "rollup_error"), TransientError),
        ((429, "slow"), RateLimitedError),
    ],
)
async def test_what_stays_is_named(server: SlackServer, refusal: tuple[int, str], error: type[Exception]) -> None:
    server.refusals = [refusal] * 50
    with pytest.raises(error):
        await tell(server)
    assert server.told == []


async def test_another_host_is_never_reached(server: SlackServer) -> None:
    with pytest.raises(ContractError, match="does not declare"):
        await tell(server, "https://evil.example/services/T/B/X")
