"""What an error says can be stored and shown, whatever a platform said."""

import pytest

from shelftide_sdk.connector import promised
from shelftide_sdk.errors import DataError, TransientError, plain_text


def test_text_of_an_error_fits_every_store() -> None:
    error = TransientError("said \ud800 and \x00", hint="\udfff", detail="\x00")
    assert (error.message, error.hint, error.detail) == ("said ? and \ufffd", "?", "\ufffd")
    assert str(error) == error.message
    assert DataError("露霜 €").message == "露霜 €"
    assert plain_text("") == ""


@pytest.mark.parametrize("total", [None, True, "many", -1, 0, 3, "3", 10**20, "²"])
def test_an_empty_page_that_keeps_the_promise_or_has_none_is_fine(total: object) -> None:
    promised([], 3, total, "orders")


@pytest.mark.parametrize("total", [4, "4", 1000])
def test_an_empty_page_in_place_of_promised_rows_is_refused(total: object) -> None:
    promised([{}], 0, total, "orders")
    with pytest.raises(TransientError, match=r"orders promised \d+ rows"):
        promised([], 3, total, "orders")
