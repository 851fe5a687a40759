"""A row that is dated in the future moves no cursor beyond now: all that changes until then would be skipped."""

import re
from typing import Any

import msgspec
import pytest
from tests.connectors.test_scenarios import WITHOUT, suite_of

from shelftide_acme import Acme
from shelftide_sdk.connector import Connector, days
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.faults import Fault, every_value

_DAY = re.compile(r"20\d\d-\d\d-\d\d")
_LATER = 5_400_000_000  # 171 years in seconds


def later(value: Any) -> Any:
    """A time of any platform's form, 170 years on."""
    if isinstance(value, str) and _DAY.match(value):
        return "2199-12-31" + value[10:]
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 14 else value
    if isinstance(number, bool) or not isinstance(number, int):
        return value
    for unit in (1, 1000):
        if 1_600_000_000 * unit < number < 1_900_000_000 * unit:
            return type(value)(number + _LATER * unit)
    return value


FUTURE = Fault(name="future", title="a row is dated in the future", damage=every_value(later), keys_stay=False)


@pytest.mark.parametrize("connector", [*WITHOUT, Acme], ids=lambda connector: connector.info.name)
async def test_a_row_of_the_future_moves_no_place_beyond_now(
    connector: type[Connector], monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = suite_of(connector, monkeypatch)
    monkeypatch.setattr(type(suite), "since", days(3))
    async with Bench(suite.wiring()) as bench:
        ahead = str((bench.clock.now() + days(2)).year + 1)
        for stream in connector.streams:
            if stream.cursor is None:
                continue
            bench.proxy.begin(FUTURE)
            reading = await bench.read(stream)
            places = msgspec.json.encode([page.cursor for page in reading.pages]).decode()
            late = [year for year in re.findall(r"(\d{4,})-\d\d-\d\d", places) if int(year) >= int(ahead)]
            assert not late, f"{stream.name}: {places[:500]}"
