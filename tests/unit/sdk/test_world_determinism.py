"""The same seed and the same interventions give the same world, whatever else differs."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Channel, Network, WorldView

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fingerprint(world: WorldView, *, backward: bool = False) -> str:
    parts: dict[tuple[str, ...], Any] = {}
    for brand in list(world.brands)[:: -1 if backward else 1]:
        for channel in list(Channel)[:: -1 if backward else 1]:
            parts[brand.key, channel.value] = list(world.orders(brand.key, channel))
        for network in Network:
            parts[brand.key, network.value] = list(world.videos(brand.key, network))
            parts[brand.key, network.value, "days"] = list(world.profile_days(brand.key, network))
            parts[brand.key, network.value, "totals"] = [v.totals(world.now) for v in world.videos(brand.key, network)]
        parts[brand.key, "stock"] = list(world.stock(brand.key))
        parts[brand.key, "shipments"] = list(world.shipments(brand.key))
        for network_name in ("tiktok-ads", "meta-ads"):
            parts[brand.key, network_name] = list(world.ad_days(brand.key, network_name))
        for competitor in world.competitors(brand.key):
            parts[competitor.key,] = list(world.competitor_days(competitor.key))
    encoded = msgspec.json.encode([list(world.brands), sorted((str(key), value) for key, value in parts.items())])
    return blake2b(encoded, digest_size=16).hexdigest()


def small(seed: int = 7, now: datetime = NOW) -> World:
    return World(seed, now=now, size="small")


def test_is_the_same_under_another_hash_seed() -> None:
    script = "import sys, test_world_determinism as t; print(t.fingerprint(t.small()))"
    folder = os.path.dirname(__file__)
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "4242")
    }
    assert found == {fingerprint(small())}


def test_does_not_depend_on_the_order_of_questions() -> None:
    assert fingerprint(small()) == fingerprint(small(), backward=True)


def test_another_seed_is_another_world() -> None:
    assert fingerprint(small(7)) != fingerprint(small(8))


def test_a_day_at_once_equals_twenty_four_hours_with_questions_between() -> None:
    at_once, in_steps = small(), small()
    sku = at_once.brand("luxi").skus[0].key
    at_once.order_supply("luxi", sku, 40)
    fingerprint(in_steps)
    in_steps.order_supply("luxi", sku, 40)
    for _ in range(24 * 3):
        in_steps.advance(HOUR)
        in_steps.stock("luxi")
        in_steps.profile_days("nebbia", Network.TIKTOK)
    at_once.advance(timedelta(days=3))
    assert fingerprint(at_once) == fingerprint(in_steps)


def test_the_past_never_changes() -> None:
    world = small()
    before = {channel: list(world.orders("luxi", channel)) for channel in Channel}
    profile = list(world.profile_days("luxi", Network.TIKTOK))
    world.advance(timedelta(days=12, hours=5))
    for channel, orders in before.items():
        assert list(world.orders("luxi", channel))[: len(orders)] == orders
    assert list(world.profile_days("luxi", Network.TIKTOK))[: len(profile)] == profile
    assert len(world.orders("luxi", Channel.SHOPIFY)) > len(before[Channel.SHOPIFY])


def test_shows_nothing_of_the_future() -> None:
    world = small()
    for brand in world.brands:
        assert all(o.placed_at <= world.now for channel in Channel for o in world.orders(brand.key, channel))
        assert all(v.posted_at <= world.now for network in Network for v in world.videos(brand.key, network))
        assert all(s.ordered_at <= world.now for s in world.shipments(brand.key))
        assert all(state.updated_at <= world.now for state in world.stock(brand.key))


def test_content_does_not_depend_on_the_date() -> None:
    # Same weekday, same summer time, no season's peak: 52 weeks apart.
    earlier = small(now=datetime(2025, 6, 4, 8, tzinfo=UTC))
    later = small(now=datetime(2026, 6, 3, 8, tzinfo=UTC))
    for channel in Channel:
        shifted = [order.placed_at + timedelta(weeks=52) for order in earlier.orders("nebbia", channel)]
        assert shifted == [order.placed_at for order in later.orders("nebbia", channel)]
    assert [order.total for order in earlier.orders("luxi", Channel.TIKTOK_SHOP)] == [
        order.total for order in later.orders("luxi", Channel.TIKTOK_SHOP)
    ]


def test_black_friday_sells_more() -> None:
    def weekend(year_month_day: tuple[int, int, int]) -> int:
        world = small(now=datetime(*year_month_day, tzinfo=UTC))
        days = {row.day for row in world.truth().totals("nebbia")}
        last_four = sorted(days)[-5:-1]
        return sum(row.units for row in world.truth().totals("nebbia") if row.day in last_four)

    assert weekend((2026, 12, 1)) > 1.4 * weekend((2026, 6, 2))


def test_refuses_wrong_times_and_sizes() -> None:
    with pytest.raises(ValueError, match="without zone"):
        World(now=datetime(2026, 1, 1))  # noqa: DTZ001 - the naive time is what is tested
    with pytest.raises(ValueError, match="unknown size"):
        World(now=NOW, size="huge")
    with pytest.raises(ValueError, match="before the present"):
        World(now=NOW, start=NOW + timedelta(days=2))
    with pytest.raises(ValueError, match="backward"):
        small().advance(-HOUR)


def test_a_brand_that_is_never_asked_is_not_simulated() -> None:
    world = World(7, now=NOW, size="demo")
    world.orders("luxi", Channel.SHOPIFY)
    assert set(world._simulations) == {"luxi"}
