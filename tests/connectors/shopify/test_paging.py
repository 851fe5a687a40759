"""Shopify must say whether there are more pages: the rest would be lost in silence."""

from typing import Any

import pytest

from shelftide_sdk.errors import ContractError
from shelftide_shopify.walk import has_more


@pytest.mark.parametrize("info", [{}, None, [], {"hasNextPage": None}, {"hasNextPage": ""}, {"hasNextPage": 0}])
def test_a_page_that_does_not_say_whether_more_follow_is_refused(info: Any) -> None:
    with pytest.raises(ContractError, match="more pages"):
        has_more(info)


def test_a_page_that_says_so_is_believed() -> None:
    assert has_more({"hasNextPage": True})
    assert not has_more({"hasNextPage": False})
