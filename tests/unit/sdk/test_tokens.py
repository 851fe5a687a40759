"""Token replies in an envelope, and the pages that ask for consent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shelftide_sdk.errors import AuthorizationError, ContractError
from shelftide_sdk.testing.consent_pages import back_to, consent_page, refusal_page
from shelftide_sdk.tokens import MILLISECONDS, end_at, end_of_life, reply_data, reply_text

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("reply", [None, [], "x", {}, {"data": None}, {"data": [1]}])
def test_a_reply_without_data_is_a_contract_error(reply: Any) -> None:
    with pytest.raises(ContractError, match="has no data"):
        reply_data(reply, None)


def test_what_the_code_says_comes_first() -> None:
    with pytest.raises(AuthorizationError, match="refused"):
        reply_data({"data": {}}, AuthorizationError("refused"))


@pytest.mark.parametrize("value", [None, "", 5, ["t"]])
def test_a_token_is_a_text(value: Any) -> None:
    with pytest.raises(ContractError, match="has no access_token"):
        reply_text({"access_token": value}, "access_token")


def test_a_life_ends_after_now_and_no_life_never() -> None:
    assert end_of_life(NOW, "3600") == NOW + timedelta(hours=1)
    assert [end_of_life(NOW, none) for none in (None, "", 0)] == [None] * 3


@pytest.mark.parametrize("value", ["soon", 1.5, 10**40, [], True])
def test_a_senseless_life_is_named(value: Any) -> None:
    with pytest.raises(ContractError, match=r"whole number|senseless"):
        end_of_life(NOW, value)


def test_a_moment_is_told_from_a_life_in_both_units() -> None:
    assert end_at({"ends": 1_772_442_000}, "ends") == NOW
    assert end_at({"ends": "1772442000000"}, "ends", MILLISECONDS) == NOW
    assert end_at({}, "ends") is None
    with pytest.raises(ContractError, match="is a life"):
        end_at({"ends": 86_400}, "ends")
    with pytest.raises(ContractError, match="is a life"):
        end_at({"ends": 1_772_442_000}, "ends", MILLISECONDS)
    with pytest.raises(ContractError, match="no moment"):
        end_at({"ends": 10**30}, "ends")


def test_a_consent_page_has_a_form_an_account_and_lets_nothing_through() -> None:
    shown = consent_page(
        "<b>", [("1", "One & only"), ('"2', "Two")], {"state": '"><script>'}, action="/a", language="zh"
    )
    text = shown.body.decode()
    assert text.count("<form ") == 2
    assert 'lang="zh"' in text
    assert "One &amp; only" in text
    assert "<script>" not in text + refusal_page("<script>").body.decode()


def test_the_browser_goes_back_with_what_it_came_for_and_nowhere_else() -> None:
    assert (
        dict(back_to("https://a.example/?x=1", {"code": "c d"}).headers)["location"]
        == "https://a.example/?x=1&code=c+d"
    )
    assert "not registered" in back_to("javascript:alert(1)", {"code": "c"}).body.decode()
