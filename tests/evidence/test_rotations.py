"""Tokens that rotate: one call a rotation whoever asks; a killed renewal is repeated or flagged, never silent."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.durability.figures import Figures
from tests.durability.processes import Installation
from tests.durability.rotations import CHILDREN, SignIn, Work, after_a_death, make_grants, start_child

from shelftide.store.database import Database

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(900)]
PROCESSES = 4
PATIENCE = 0.5


@pytest.fixture
async def sign_in() -> AsyncIterator[SignIn]:
    found = SignIn()
    await found.start()
    yield found
    found.close()


async def test_fifty_connections_with_a_hundred_callers_each_make_one_call_a_rotation(
    installation: Installation, sign_in: SignIn, figure: Figures
) -> None:
    assert installation.dsns is not None
    rotations, callers = 2, 100 // PROCESSES
    sign_in.seconds = 0.2
    async with Database(installation.dsns) as database:
        grants = await make_grants(database, 50, "strict")
    # The renewals of a platform are announced for as long as the product's own patience: nobody may think one dead.
    work = Work(dsns=installation.dsns, url=sign_in.url, grants=grants, callers=callers, patience=30.0)
    for rotation in range(1, rotations + 1):
        ready = CHILDREN.Barrier(PROCESSES)
        children = [start_child(work, ready) for _ in range(PROCESSES)]
        for child in children:
            await asyncio.to_thread(child.join, 240)
            assert child.exitcode == 0
        assert set(sign_in.calls.values()) == {rotation}, "more or fewer calls than rotations"
    figure("token rotations of 50 connections x 100 callers in 4 processes", rotations * len(grants), "rotations")
    figure("sign-in calls for them", sum(sign_in.calls.values()), "calls")


@pytest.mark.parametrize("kind", ["strict", "lenient"])
async def test_a_hundred_deaths_around_a_renewal_are_never_silent(
    installation: Installation, sign_in: SignIn, figure: Figures, kind: str
) -> None:
    assert installation.dsns is not None
    chance = random.Random(7)
    sign_in.seconds = 0.05
    ends: dict[str, int] = {"renewed": 0, "flagged": 0, "silent": 0}
    died = 0
    async with Database(installation.dsns) as database:
        for number, grant in enumerate(await make_grants(database, 100, kind)):
            at_the_point = number % 2 == 0
            work = Work(
                dsns=installation.dsns,
                url=sign_in.url,
                grants=[grant],
                callers=1,
                patience=PATIENCE,
                dies=at_the_point,
            )
            ready = CHILDREN.Barrier(2)
            child = start_child(work, ready)
            await asyncio.to_thread(ready.wait, 60)
            if not at_the_point:
                await asyncio.sleep(chance.uniform(0.0, 0.12))
                child.kill()
            await asyncio.to_thread(child.join, 60)
            died += child.exitcode == -9
            ends[await after_a_death(database, grant, sign_in, PATIENCE)] += 1
    figure(f"deaths around a renewal, {kind} rotation", died, "kills")
    figure("of these renewed by the next run", ends["renewed"])
    figure("of these flagged as reconnect needed", ends["flagged"])
    figure("of these silently dead", ends["silent"])
    assert died >= 80, "too many renewals were over before their death"
    assert ends["silent"] == 0
    if kind == "lenient":
        assert ends["flagged"] == 0, "a rotation that may be repeated was given up"
    else:
        assert 40 <= ends["flagged"] < 100
