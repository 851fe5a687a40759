"""Composition root of a worker: `python -m shelftide.worker`.

One asyncio loop in the main thread does the work; Dramatiq's threads only carry hints to it. With no broker URL the
hints travel inside this process (StubBroker): legitimate, because losing one loses nothing.
"""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import dramatiq
import uvloop
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware

from shelftide.core.log import configure_logging, get_logger
from shelftide.core.points import Point, reached
from shelftide.core.settings import Settings, read_settings
from shelftide.jobs import all_jobs
from shelftide.jobs.job import Queue
from shelftide.jobs.runs import Policy, Runner, Sweeper
from shelftide.jobs.schedule import start_due
from shelftide.jobs.services import Services
from shelftide.jobs.wake import listen
from shelftide.jobs.wiring import open_services, process_name

log = get_logger("worker")
GRACE = timedelta(seconds=20)


def make_broker(url: str) -> dramatiq.Broker:
    """A broker without retries and results: both live in the runs table."""
    middleware: list[Middleware] = []
    if url.startswith("amqp"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415  # only where it is used

        return RabbitmqBroker(url=url, middleware=middleware)
    if url.startswith("redis"):
        from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415  # only where it is used

        # With the defaults a dead worker's messages came back after 224 to 1,020 s (measured).
        patience: dict[str, Any] = {"heartbeat_timeout": 15_000, "maintenance_chance": 100_000}
        redis: dramatiq.Broker = RedisBroker(url=url, middleware=middleware, **patience)  # type: ignore[no-untyped-call]  # untyped there
        return redis
    return StubBroker(middleware=middleware)


def bind(broker: dramatiq.Broker, work: Callable[[str], None]) -> Callable[[str, UUID], None]:
    """One actor a queue; its message is a hint that names a run. Returns the publisher."""
    actors = {}
    for queue in Queue:

        def actor(run_id: str, queue: str = queue.value) -> None:
            work(queue)

        declare = dramatiq.actor(actor_name=f"work_{queue.value}", queue_name=queue.value, broker=broker)
        actors[queue.value] = declare(actor)

    def publish(queue: str, run_id: UUID) -> None:
        actors[queue].send(str(run_id))

    return publish


class Hints:
    """Sends hints from a thread of its own: a broker that hangs must not keep leases from being renewed.

    `unsent` is told, in that thread, the queue of each hint that the broker did not take.
    """

    def __init__(self, publish: Callable[[str, UUID], None], *, unsent: Callable[[str], None]) -> None:
        self._publish = publish
        self._unsent = unsent
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hints")

    def send(self, queue: str, run_id: UUID) -> None:
        """Send soon. A hint that gets lost is sent again by the sweeper."""
        self._thread.submit(self._send, queue, run_id)

    def close(self) -> None:
        """Drop what was not sent yet."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send(self, queue: str, run_id: UUID) -> None:
        try:
            self._publish(queue, run_id)
        except Exception as error:  # noqa: BLE001  # the broker may be away; the sweeper repeats
            log.warning("hint_failed", run_id=str(run_id), error=repr(error))
            self._unsent(queue)
        else:
            reached(Point.HINT_SENT)


class Spare:
    """Works without the broker while it is away, or loses hints, as far as this process has room."""

    def __init__(self, runner: Runner, *, room: int) -> None:
        self._runner = runner
        self._room = room
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, queue: str) -> None:
        """Look for runs in a queue. In the loop's own thread."""
        if len(self._tasks) < self._room:
            task = asyncio.ensure_future(self._work(queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, queue: str) -> None:
        try:
            while len(self._runner.active) < self._room and await self._runner.work_one([queue]):
                pass
        except Exception as error:  # noqa: BLE001  # the database may be away; the sweeper comes again
            log.warning("spare_failed", error=repr(error))


class WorkerProcess:
    """A worker's parts, started and stopped together."""

    def __init__(self, services: Services, settings: Settings, *, name: str = "") -> None:
        lease = timedelta(seconds=settings.lease_seconds)
        # A dead worker takes the hints in its memory with it; its waiting runs must not wait longer than its own.
        self.policy = Policy(lease=lease, hint_again=min(lease, timedelta(seconds=5)))
        self.runner = Runner(services, worker=name or process_name("worker"), policy=self.policy, jobs=all_jobs())
        self.stop = asyncio.Event()
        self._services = services
        self._settings = settings

    async def run(self) -> None:
        """Work until `stop` is set, then finish what runs (20 s) and give back the rest."""
        loop = asyncio.get_running_loop()
        broker = make_broker(self._settings.broker_url)

        def work(queue: str) -> None:
            asyncio.run_coroutine_threadsafe(self.runner.work_one([queue]), loop).result()

        spare = Spare(self.runner, room=self._settings.worker_threads)

        def unsent(queue: str) -> None:
            loop.call_soon_threadsafe(spare.take, queue)

        hints = Hints(bind(broker, work), unsent=unsent)
        sweeper = Sweeper(
            self._services.database, policy=self.policy, publish=hints.send, unheeded=spare.take, schedule=start_due
        )
        threads = dramatiq.Worker(broker, worker_threads=self._settings.worker_threads)
        threads.start()
        tasks = [
            asyncio.ensure_future(sweeper.run(self.stop)),
            asyncio.ensure_future(listen(self._services.database.dsns.gate, sweeper.wake, self.stop)),
        ]
        log.info("worker_started", worker=self.runner.worker)
        await self.stop.wait()
        await self._drain()
        sweeper.wake.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        hints.close()
        await asyncio.to_thread(threads.stop, 5_000)
        await asyncio.to_thread(broker.close)
        log.info("worker_stopped", worker=self.runner.worker)

    async def _drain(self) -> None:
        self.runner.stopping = True
        active = set(self.runner.active)
        if active:
            _, late = await asyncio.wait(active, timeout=GRACE.total_seconds())
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=5)


async def main() -> None:
    """Read the settings, work until SIGTERM or SIGINT."""
    settings = read_settings()
    configure_logging(machine=not settings.demo)
    services = await open_services(settings)
    process = WorkerProcess(services, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop.set)
    try:
        await process.run()
    finally:
        await services.close()


if __name__ == "__main__":
    uvloop.run(main())
