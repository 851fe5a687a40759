"""The simulator as a server: controls, times, and what it refuses."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

import httpx2
import pytest

from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.testing.emulator import Emulator, Route, reply
from shelftide_sdk.testing.serve import Simulator, load_emulator
from shelftide_sdk.testing.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Watch(Emulator):
    """Shows both times."""

    platform: ClassVar[str] = "watch"
    hosts: ClassVar[tuple[str, ...]] = ("watch.example",)

    def routes(self) -> Sequence[Route]:
        return (Route("GET", "/", lambda request: reply([self.now, self.clock()])),)


class Machine:
    """The machine's clock, far from the world's."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def simulator(machine: Machine) -> Simulator:
    return Simulator(World(seed=7, now=NOW, size="small"), [Watch], scenarios=["slow"], now=machine)


async def call(simulator: Simulator, method: str, path: str, body: Any = None) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=cast(Any, simulator.gateway))
    async with httpx2.AsyncClient(transport=transport) as http:
        return await http.request(method, f"http://127.0.0.1{path}", json=body)


async def test_the_state_names_world_hosts_and_brands(simulator: Simulator) -> None:
    state = (await call(simulator, "GET", "/_sim/state")).json()
    assert (state["now"], state["seed"], state["scenarios"]) == ("2026-03-02T09:00:00Z", 7, ["slow"])
    assert state["hosts"] == {"watch.example": "watch"}
    assert state["brands"][0]["accounts"]
    assert state["agencies"]


async def test_the_worlds_facts_stand_still_while_tokens_age(simulator: Simulator, machine: Machine) -> None:
    machine.at += timedelta(hours=1)
    now, clock = (await call(simulator, "GET", "/")).json()
    assert (now, clock) == ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")


async def test_advancing_moves_facts_and_clock(simulator: Simulator) -> None:
    assert (await call(simulator, "POST", "/_sim/advance", {"seconds": 86400})).json() == {
        "now": "2026-03-03T09:00:00Z"
    }
    now, clock = (await call(simulator, "GET", "/")).json()
    assert now == clock == "2026-03-03T09:00:00Z"


@pytest.mark.parametrize("body", [None, {}, {"seconds": 0}, {"seconds": -1}, {"seconds": "5"}, {"seconds": 1e12}, []])
async def test_time_does_not_run_backward_or_away(simulator: Simulator, body: Any) -> None:
    assert (await call(simulator, "POST", "/_sim/advance", body)).status_code == 400
    assert simulator.world.now == NOW


async def test_scenarios_are_chosen_while_it_runs(simulator: Simulator) -> None:
    assert (await call(simulator, "POST", "/_sim/scenarios", {"names": ["flap", "expire"]})).status_code == 200
    assert simulator.emulators[0].scenarios == {"flap", "expire"}
    assert (await call(simulator, "POST", "/_sim/scenarios", {"names": ["unheard"]})).status_code == 400
    assert (await call(simulator, "POST", "/_sim/scenarios", {"names": "flap"})).status_code == 400
    assert simulator.emulators[0].scenarios == {"flap", "expire"}


async def test_supply_is_ordered_for_a_brand(simulator: Simulator) -> None:
    brand = simulator.world.brands[0]
    order = {"brand": brand.key, "sku": brand.skus[0].key, "quantity": 40}
    assert (await call(simulator, "POST", "/_sim/supply", order)).json()["quantity"] == 40
    for wrong in ({**order, "brand": "absent"}, {**order, "sku": "absent"}, {**order, "quantity": "many"}, {}):
        assert (await call(simulator, "POST", "/_sim/supply", wrong)).status_code == 400


async def test_the_truth_is_told_for_a_brand_that_exists(simulator: Simulator) -> None:
    brand = simulator.world.brands[0].key
    truth = (await call(simulator, "GET", f"/_sim/truth?brand={brand}")).json()
    assert (truth["brand"], bool(truth["daily"]), bool(truth["stock"])) == (brand, True, True)
    assert (await call(simulator, "GET", "/_sim/truth?brand=absent")).status_code == 404


def test_an_unknown_scenario_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="unheard"):
        Simulator(World(seed=7, now=NOW, size="small"), [Watch], scenarios=["unheard"])


@pytest.mark.parametrize(
    "path", ["absent.module:Class", "shelftide_sdk.testing.serve:Absent", "shelftide_sdk:Money", "x"]
)
def test_an_emulator_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError):
        load_emulator(path)
