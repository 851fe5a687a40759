"""Forgers at the doors of a served console: none gets in; and what is genuine takes effect exactly once."""

import asyncio
import time
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select
from tests.attacks.callbacks import ATTACKS as CALLBACKS
from tests.attacks.deliveries import ATTACKS, Case
from tests.attacks.post import OTHER, open_post
from tests.connectors.fake_world import NOW
from tests.durability.figures import Figures
from tests.durability.processes import Installation
from tests.integration.web.test_callbacks import connected, scene_of

from shelftide.core.vault import Vault
from shelftide.store.database import Database
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import history
from tests.conftest import MakeHouse

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(900)]

FORGED = 5_000
VALID = 1_000
COPIES = 3
TRIES = 500


@pytest.fixture
async def database(installation: Installation) -> Database:
    assert installation.dsns is not None
    return Database(installation.dsns)


async def test_five_thousand_forgeries_and_none_accepted(
    installation: Installation, database: Database, make_house: MakeHouse, vault: Vault, tmp_path: Path, figure: Figures
) -> None:
    assert installation.dsns is not None
    async with open_post(installation.dsns, database, vault, await make_house(2), tmp_path) as post:
        seen = post.order(1)
        assert await post.push(seen) == 200
        before, random, accepted, broken = await post.inbox(), Random(5), 0, 0
        for start in range(0, FORGED, 250):
            forged = [
                ATTACKS[n % len(ATTACKS)](
                    Case(fresh=post.order(100 + n), seen=seen, other_shop=OTHER, now=NOW, random=random)
                )
                for n in range(start, start + 250)
            ]
            answers = await post.push_all(forged)
            accepted += sum(status < 400 for status in answers)
            broken += sum(status >= 500 for status in answers)
        figure("Webhooks: forged or stale, in so many kinds", len(ATTACKS))
        figure("Webhooks: forged or stale", FORGED)
        figure("Webhooks: forged or stale and accepted", accepted)
        assert (accepted, broken) == (0, 0)
        assert await post.inbox() == before
    await database.close()


async def test_a_thousand_deliveries_three_times_each_have_a_thousand_effects(
    installation: Installation, database: Database, make_house: MakeHouse, vault: Vault, tmp_path: Path, figure: Figures
) -> None:
    assert installation.dsns is not None
    async with open_post(installation.dsns, database, vault, await make_house(2), tmp_path) as post:
        sent = [post.order(number) for number in range(1, VALID + 1)] * COPIES
        Random(6).shuffle(sent)
        waits: list[float] = []

        async def push(position: int) -> int:
            started = time.monotonic()
            status = await post.push(sent[position])
            waits.append(time.monotonic() - started)
            return status

        working = asyncio.create_task(post.work())
        answers: list[int] = []
        for start in range(0, len(sent), 16):
            answers += await asyncio.gather(*(push(n) for n in range(start, min(start + 16, len(sent)))))
        await working
        await post.work()
        effects = len(await post.facts(select(history(TABLES["Order"]).c.source_id)))
        slow = sorted(waits)[int(len(waits) * 0.99)]
        figure("Webhooks: valid, sent three times each", VALID)
        figure("Webhooks: effects of those", effects)
        figure("Webhooks: answer, 99th percentile while they are worked on", slow, "s")
        assert set(answers) == {200}
        assert effects == VALID
    await database.close()


async def test_five_hundred_attacks_on_callbacks_and_none_accepted(
    installation: Installation, database: Database, make_house: MakeHouse, vault: Vault, tmp_path: Path, figure: Figures
) -> None:
    assert installation.dsns is not None
    async with scene_of(installation.dsns, database, vault, make_house, tmp_path, seed=9) as scene:
        before, accepted, broken = await connected(scene.post), 0, 0
        for number in range(TRIES):
            attack = CALLBACKS[number % len(CALLBACKS)]
            status = await attack(scene)
            accepted += status < 400 and attack.__name__ != "_nobody"  # who is not signed in is sent to the door
            broken += status >= 500
        figure("OAuth callbacks: attacks, in so many kinds", len(CALLBACKS))
        figure("OAuth callbacks: attacks", TRIES)
        figure("OAuth callbacks: attacks that were accepted", accepted)
        assert (accepted, broken) == (0, 0)
        assert await connected(scene.post) == before
    await database.close()
