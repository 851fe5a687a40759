"""Token replies, and what is never printed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shelftide_sdk import (
    App,
    AuthorizationError,
    ContractError,
    Outgoing,
    TokenSet,
    bearer,
    parse_oauth2_token,
    token_header,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
APP = App(client_id="id", client_secret="the-app-secret", redirect_uri="https://app.example/back")


def test_a_whole_reply_is_read() -> None:
    token = parse_oauth2_token(
        {
            "access_token": "a",
            "refresh_token": "r",
            "expires_in": 3600,
            "refresh_token_expires_in": "86400",
            "scope": "read_orders,read_products write",
        },
        NOW,
    )
    assert token == TokenSet(
        access_token="a",
        refresh_token="r",
        expires_at=NOW + timedelta(hours=1),
        refresh_expires_at=NOW + timedelta(days=1),
        scopes=("read_orders", "read_products", "write"),
    )


def test_what_is_not_said_is_unknown() -> None:
    assert parse_oauth2_token({"access_token": "a"}, NOW) == TokenSet(access_token="a")


def test_a_refusal_is_the_platforms_words() -> None:
    with pytest.raises(AuthorizationError, match="the code was used"):
        parse_oauth2_token({"error": "invalid_grant", "error_description": "the code was used"}, NOW)
    with pytest.raises(AuthorizationError, match="invalid_grant"):
        parse_oauth2_token({"error": "invalid_grant"}, NOW)


@pytest.mark.parametrize(
    "reply", [None, [], "text", {}, {"access_token": ""}, {"access_token": 5}, {"access_token": None}]
)
def test_anything_else_is_no_token(reply: Any) -> None:
    with pytest.raises(ContractError):
        parse_oauth2_token(reply, NOW)


@pytest.mark.parametrize("life", ["soon", {}, [1], "1e9", 10**30])
def test_a_senseless_life_is_refused_and_not_a_stray_exception(life: Any) -> None:
    with pytest.raises(ContractError):
        parse_oauth2_token({"access_token": "a", "expires_in": life}, NOW)


def test_secrets_do_not_show_in_a_repr() -> None:
    token = TokenSet(access_token="the-access-token", refresh_token="the-refresh-token")
    assert "the-" not in repr(token) + repr(APP) + f"{token} {APP}"


def test_signing_sets_one_header() -> None:
    token = TokenSet(access_token="t")
    assert bearer(Outgoing(method="GET", url=""), APP, token, {}, NOW).headers == {"Authorization": "Bearer t"}
    assert token_header("X-Key")(Outgoing(method="GET", url=""), APP, token, {}, NOW).headers == {"X-Key": "t"}
