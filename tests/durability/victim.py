"""A product's process that a test may lose: `python -m tests.durability.victim`, or granian on `create_app`.

EVIDENCE_STANDBY stops it (SIGSTOP) when its program is loaded, so that a bench can let it go in an instant.
EVIDENCE_KILL=point:nth:file kills it with SIGKILL the nth time it reaches the point, once: the file is the mark.
"""

import asyncio
import itertools
import os
import signal
import time
from datetime import timedelta
from typing import Any

from litestar import Litestar
from sqlalchemy import text

from shelftide import app, worker
from shelftide.core.points import Point, arm
from shelftide.ingest.registry import load_plugins
from shelftide.jobs.job import JobContext, Queue, job


def arm_from_environment() -> None:
    """Arm this process as the test asked."""
    asked = os.environ.get("EVIDENCE_KILL")
    if not asked:
        return
    name, nth, mark = asked.split(":", 2)
    wanted, counter = Point(name), itertools.count(1)

    def die(point: Point) -> None:
        if point is not wanted or next(counter) != int(nth):
            return
        try:
            descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:  # this death has been died
            return
        os.write(descriptor, repr(time.time()).encode())
        os.kill(os.getpid(), signal.SIGKILL)

    arm(die)


@job("evidence.effect", queue=Queue.ANALYTICS, max_attempts=20, time_limit=timedelta(minutes=2))
async def effect(ctx: JobContext, *, milliseconds: int) -> dict[str, Any]:
    """Take some time, then leave one row, in the transaction that ends the run."""
    await asyncio.sleep(milliseconds / 1000)
    async with ctx.unit_of_work() as uow:
        await uow.connection.execute(
            text("insert into evidence_effects (run_id, worker) values (:run_id, :worker)"),
            {"run_id": ctx.claim.run_id, "worker": str(os.getpid())},
        )
        await ctx.finish(uow, {})
        await uow.commit()
    return {}


def create_app() -> Litestar:
    """The web application, armed."""
    arm_from_environment()
    return app.create()


if __name__ == "__main__":
    if os.environ.get("EVIDENCE_STANDBY"):
        load_plugins(())
        os.kill(os.getpid(), signal.SIGSTOP)
    arm_from_environment()
    asyncio.run(worker.main())
