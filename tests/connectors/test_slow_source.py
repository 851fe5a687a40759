"""Windows of time are asked for side by side where the platform allows it: same rows, same order, within the width."""

import importlib

import pytest
from tests.bench import slow_source
from tests.bench.slow_source import READINGS, Reading


@pytest.mark.parametrize(
    "reading", READINGS, ids=lambda reading: f"{reading.connector.rpartition(':')[2]}-{reading.stream}"
)
async def test_windows_are_read_side_by_side_and_arrive_in_order(reading: Reading) -> None:
    width = getattr(importlib.import_module(reading.width[0][0]), reading.width[0][1])
    short = Reading(reading.connector, reading.stream, min(reading.days, 90), reading.width)
    found = await slow_source.compare(short, 0.004)
    assert found["same_rows_in_the_same_order"]
    assert found["sequential"]["at_once"] == 1
    assert 5 <= found["together"]["at_once"] <= width
    assert found["together"]["rows"] > 20
