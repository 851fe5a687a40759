"""The simulator as a server: one world, the emulators of all platforms, on one loopback port.

The world's facts stand still until somebody advances them; tokens and signatures live by a clock that ticks.

Controls (never part of a platform's wire):
    GET  /_sim/state                    now, scenarios, platforms, hosts, brands with their accounts
    POST /_sim/advance {"seconds": n}   move the world forward
    POST /_sim/scenarios {"names": []}  choose the bad habits
    POST /_sim/supply {"brand", "sku", "quantity"}   order stock
    GET  /_sim/truth?brand=key          what really happened (for scoring)
"""

import argparse
import importlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import uvicorn

from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.testing.emulator import SCENARIOS, Emulator, Gateway, Handler, Request, Response, reply
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand, Network, Video


def load_emulator(path: str) -> type[Emulator]:
    """The class behind `package.module:Class`. Raises ConfigurationError."""
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"The emulator {path!r} cannot be loaded: {error}.", hint="Install the connector's [testing] extra."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Emulator)):
        raise ConfigurationError(f"{path!r} is not an Emulator.")
    return found


class Simulator:
    """A world and the emulators that show it."""

    def __init__(
        self,
        world: World,
        emulators: Sequence[type[Emulator]],
        *,
        scenarios: Sequence[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        unknown = set(scenarios) - set(SCENARIOS)
        if unknown:
            raise ConfigurationError(
                f"Unknown scenario {sorted(unknown)[0]!r}.", hint=f"Known: {', '.join(SCENARIOS)}."
            )
        self.world = world
        # The ticking clock starts at the world's present and jumps with it.
        self._ahead = world.now - now()
        self._real_now = now
        self.emulators = [
            emulator(world, scenarios=scenarios, seed=world.seed, clock=self.clock) for emulator in emulators
        ]
        self.gateway = Gateway(self.emulators, self._controls())

    def clock(self) -> datetime:
        """The time that tokens and signatures live by."""
        return self._real_now() + self._ahead

    def advance(self, step: timedelta) -> None:
        """Move the world and the clock."""
        self.world.advance(step)
        self._ahead += step

    def _controls(self) -> Mapping[str, Handler]:
        return {
            "/_sim/state": lambda _: reply(self.state()),
            "/_sim/advance": self._advance,
            "/_sim/scenarios": self._scenarios,
            "/_sim/supply": self._supply,
            "/_sim/truth": self._truth,
        }

    def state(self) -> dict[str, Any]:
        """What the simulator is."""
        return {
            "now": self.world.now,
            "start": self.world.start,
            "seed": self.world.seed,
            "scenarios": sorted({name for emulator in self.emulators for name in emulator.scenarios}),
            "hosts": {host: emulator.platform for emulator in self.emulators for host in emulator.hosts},
            "agencies": [msgspec.to_builtins(agency) for agency in self.world.agencies],
            "brands": [
                {**_outline(msgspec.to_builtins(brand)), "settings": self._settings(brand)}
                for brand in self.world.brands
            ],
        }

    def _settings(self, brand: Brand) -> dict[str, Mapping[str, str]]:
        return {name: typed for each in self.emulators for name, typed in each.settings(brand).items()}

    def _advance(self, request: Request) -> Response:
        asked = request.json() or {}
        seconds = asked.get("seconds")
        if not isinstance(seconds, int | float) or not 0 < seconds <= 400 * 86400:
            return reply({"error": "seconds must lie between 0 and 400 days"}, 400)
        self.advance(timedelta(seconds=seconds))
        return reply({"now": self.world.now})

    def _scenarios(self, request: Request) -> Response:
        names = (request.json() or {}).get("names", [])
        if not isinstance(names, list) or set(names) - set(SCENARIOS):
            return reply({"error": f"known scenarios: {', '.join(SCENARIOS)}"}, 400)
        for emulator in self.emulators:
            emulator.scenarios = set(names)
        return reply({"scenarios": sorted(names)})

    def _supply(self, request: Request) -> Response:
        asked = request.json() or {}
        try:
            shipment = self.world.order_supply(asked["brand"], asked["sku"], int(asked["quantity"]))
        except (KeyError, ValueError, TypeError) as error:
            return reply({"error": f"{type(error).__name__}: {error}"}, 400)
        return reply(msgspec.to_builtins(shipment))

    def _truth(self, request: Request) -> Response:
        key = request.params.get("brand", "")
        try:
            self.world.brand(key)
        except KeyError:
            return reply({"error": f"no brand {key!r}"}, 404)
        ids = {network: each.content_id for each in self.emulators for network in each.networks}
        return reply(truth_of(self.world, key, ids))


def _outline(brand: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in brand.items() if name != "places"}


def truth_of(world: World, brand_key: str, ids: Mapping[Network, Callable[[Video], str]]) -> dict[str, Any]:
    """The figures that a warehouse must equal: by day and channel; stock, content and profile days as they are now.

    `ids` says for each network that is served how the platform names a video.
    """
    truth = world.truth()
    brand = world.brand(brand_key)
    codes = {sku.key: sku.code for sku in brand.skus}
    served = {place.key: [channel.value for channel in place.channels] for place in brand.places}
    networks = [network for network in ids if network.value in brand.accounts]
    return {
        "brand": brand_key,
        "zone": brand.zone,
        "networks": [network.value for network in networks],
        "now": world.now.isoformat(),
        "daily": [msgspec.to_builtins(row) for row in truth.daily(brand_key)],
        "totals": [msgspec.to_builtins(row) for row in truth.totals(brand_key)],
        "stock": [
            {"sku": codes[row.sku_key], "available": row.available, "channels": served[row.place_key]}
            for row in world.stock(brand_key)
        ],
        "videos": [
            {
                "network": network.value,
                "content_id": ids[network](video),
                "creator": video.creator_key,
                "views": video.totals(world.now).views,
            }
            for network in networks
            for video in world.videos(brand_key, network)
            if video.public_at <= world.now
        ],
        "profile_days": [
            {"network": network.value, "day": row.day.isoformat(), "views": row.views, "followers": row.followers}
            for network in networks
            for row in world.profile_days(brand_key, network)
        ],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m shelftide_sdk.testing.serve --port 8021 --emulator package.module:Class ...`."""
    parser = argparse.ArgumentParser(prog="shelftide sim serve", description="Emulators of all platforms on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8021)
    parser.add_argument("--world", default="demo")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--now", type=datetime.fromisoformat, default=None)
    parser.add_argument("--scenarios", default="")
    parser.add_argument("--emulator", action="append", required=True)
    chosen = parser.parse_args(arguments)
    simulator = Simulator(
        World(seed=chosen.seed, now=chosen.now, size=chosen.world),
        [load_emulator(path) for path in chosen.emulator],
        scenarios=[name for name in chosen.scenarios.split(",") if name],
    )
    uvicorn.run(simulator.gateway, host=chosen.host, port=chosen.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
