"""A short soak; `make evidence` runs the long one."""

from pathlib import Path

from tests.durability.brokers import Redis
from tests.durability.chaos import Chaos
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation, short_folder


async def test_effects_equal_runs_after_kills_zombies_wipes_and_a_lost_database(tmp_path: Path) -> None:
    redis = Redis(tmp_path) if Redis.installed() else None
    with short_folder() as home:
        installation = Installation(home)
        try:
            ledger = Ledger(installation, await installation.start())
            await ledger.make_brands(12)
            if redis is not None:
                await redis.start()
            soak = await Chaos(installation, ledger, redis=redis).run(runs=60, seconds=15)
            await ledger.close()
        finally:
            installation.stop()
            if redis is not None:
                redis.stop()
    assert soak.count.exact
    assert soak.kills >= 2
    assert soak.restarts == 1
