"""What is withheld of a platform's replies: one call at a time, and whole objects apart from values."""

import json
from typing import Any

import pytest

from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.faults import Exchange, Memory, Wire, request_of
from shelftide_sdk.testing.conformance.withholding import Withholding, withholdings

ORDERS = {"orders": [{"id": f"o-{number}", "tax": {"sum": "1.20", "cur": "EUR"}} for number in range(4)]}
LINES = {"lines": [{"id": f"l-{number}", "order": f"o-{number}"} for number in range(4)]}
CALLS: dict[str, Any] = {"orders": ORDERS, "lines": LINES}


def asked(call: str) -> bytes:
    return json.dumps({"call": call, "args": {"page": 1}}).encode()


@pytest.fixture
def calm() -> Reading:
    exchanges = [
        Exchange(
            at=0.0,
            method="POST",
            host="api.hostile.example",
            path="/graph",
            query="",
            asked=asked(call),
            status=200,
            body=json.dumps(said).encode(),
        )
        for call, said in CALLS.items()
    ]
    return Reading(exchanges=exchanges)


def damaged(withheld: Withholding, call: str) -> Any:
    request = request_of("POST", "/graph", "", asked(call))
    wire = Wire(status=200, headers=(), body=json.dumps(CALLS[call]).encode(), path="/graph", number=0, request=request)
    return json.loads(withheld.fault.damage(wire, Memory()).body)


def test_one_call_of_a_path_is_damaged_at_a_time(calm: Reading) -> None:
    for withheld in withholdings(calm):
        whole = [call for call, said in CALLS.items() if damaged(withheld, call) == said]
        assert len(whole) == 1


def test_each_call_loses_values_and_objects_apart(calm: Reading) -> None:
    kinds = [withheld.objects for withheld in withholdings(calm) if damaged(withheld, "orders") != ORDERS]
    assert sorted(kinds) == [False, False, True, True]
    objects = next(withheld for withheld in withholdings(calm) if withheld.objects)
    assert [row["tax"] for row in damaged(objects, "orders")["orders"]] == [None] * 4


def test_less_is_damaged_after_a_read_that_ended(calm: Reading) -> None:
    withheld = withholdings(calm)[0]
    withheld.spare()
    rows = zip(damaged(withheld, "orders")["orders"], ORDERS["orders"], strict=True)
    assert sum(row != was for row, was in rows) == 1
