"""Everything at once, for a minute: effects equal runs exactly."""

from pathlib import Path

import pytest
from tests.durability.brokers import Redis
from tests.durability.chaos import Chaos
from tests.durability.figures import Figures
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation
from tests.durability.writers import kill_under_writes
from tests.evidence.conftest import REPEATS

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(900)]


async def test_six_hundred_runs_survive_a_minute_of_chaos(
    installation: Installation, ledger: Ledger, figure: Figures, tmp_path: Path
) -> None:
    redis = Redis(tmp_path) if Redis.installed() else None
    if redis is not None:
        await redis.start()
    try:
        soak = await Chaos(installation, ledger, redis=redis).run(runs=600, seconds=60)
    finally:
        if redis is not None:
            redis.stop()
    figure("Chaos: runs", soak.count.runs)
    figure("Chaos: effects", soak.count.effects)
    figure("Chaos: worker kills", soak.kills)
    figure("Chaos: zombies thawed after their lease", soak.zombies)
    figure("Chaos: runs that the zombies held", soak.held)
    figure("Chaos: wipes of the broker", soak.wipes)
    figure("Chaos: kills of Postgres", soak.restarts)
    figure("Chaos: runs by number of tries", ", ".join(f"{k}: {v}" for k, v in sorted(soak.count.attempts.items())))
    figure("Chaos: until all were done", soak.seconds, "s")
    assert soak.count.exact
    assert soak.count.runs >= 600
    assert soak.kills >= 10
    assert soak.zombies >= 3
    assert soak.restarts == 1


async def test_postgres_keeps_what_it_acknowledged(installation: Installation, figure: Figures) -> None:
    lost = await kill_under_writes(installation, kills=REPEATS)
    figure(f"Postgres, {REPEATS} kills under writes: acknowledged rows lost", lost, "rows")
    assert lost == 0
