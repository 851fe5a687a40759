"""What is wrong with a brand's data: raised once, told once, kept as people left it, and over by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from shelftide.core.errors import InvalidInputError, NotFoundError
from shelftide.ingest.coverage import Coverage
from shelftide.jobs.watch import troubles
from shelftide.store.database import Database
from shelftide.store.repositories.alerts import (
    AlertState,
    Trouble,
    get_alert,
    list_alerts,
    person_state,
    raise_alerts,
    work_on,
)
from shelftide.store.repositories.connections import Connection, StreamState, list_connections
from shelftide.store.repositories.reconciliations import SavedReconciliation
from shelftide.store.unit_of_work import UnitOfWork
from tests.conftest import House, MakeHouse, make_connection

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    return await make_house()


def trouble(subject: str, kind: str = "stream.late", **evidence: Any) -> Trouble:
    return Trouble(kind=kind, subject=subject, title=f"{subject} is late", text="Look.", evidence=evidence)


async def test_one_alert_stands_for_one_trouble_until_it_is_over(database: Database, house: House) -> None:
    async with UnitOfWork(database, house.on()) as uow:
        first = await raise_alerts(uow, ["stream.late"], [trouble("a", days=1), trouble("b")])
        again = await raise_alerts(uow, ["stream.late"], [trouble("a", days=2)])
        assert (len(first), again) == (2, [])
        (standing,) = await list_alerts(uow, standing=True)
        assert (standing.subject, standing.evidence, standing.state) == ("a", {"days": 2}, AlertState.OPEN)
        over = await get_alert(uow, next(each for each in first if each != standing.alert_id))
        assert over.state is AlertState.CLOSED
        assert over.closed_at is not None
        anew = await raise_alerts(uow, ["stream.late"], [trouble("a"), trouble("b")])
        assert len(anew) == 1, "what comes back is a new alert"
        assert over.alert_id not in anew
        assert len(await list_alerts(uow, standing=False)) == 3


async def test_what_watches_one_kind_leaves_the_others_alone(database: Database, house: House) -> None:
    async with UnitOfWork(database, house.on()) as uow:
        await raise_alerts(uow, ["stream.late"], [trouble("a")])
        await raise_alerts(uow, ["reconciliation.gap"], [])
        assert len(await list_alerts(uow, standing=True)) == 1


async def test_a_persons_word_is_kept_while_the_trouble_lasts(database: Database, house: House) -> None:
    async with UnitOfWork(database, house.on()) as uow:
        (alert_id,) = await raise_alerts(uow, ["stream.late"], [trouble("a")])
        await work_on(uow, alert_id, state=AlertState.EXPLAINED, note="The shop moved.", by=uuid4())
        assert await raise_alerts(uow, ["stream.late"], [trouble("a")]) == []
        (alert,) = await list_alerts(uow, standing=True)
        assert (alert.state, alert.note) == (AlertState.EXPLAINED, "The shop moved.")
        await raise_alerts(uow, ["stream.late"], [])
        with pytest.raises(NotFoundError):
            await work_on(uow, alert_id, state=AlertState.OPEN, note="", by=None)


@pytest.mark.parametrize("word", ["closed", "", "nonsense"])
def test_nobody_closes_an_alert_by_hand(word: str) -> None:
    with pytest.raises(InvalidInputError, match="no state"):
        person_state(word)


async def test_a_brands_alerts_are_its_own(database: Database, house: House) -> None:
    async with UnitOfWork(database, house.on(0)) as uow:
        (alert_id,) = await raise_alerts(uow, ["stream.late"], [trouble("a")])
        await uow.commit()
    async with UnitOfWork(database, house.on(1)) as uow:
        assert await list_alerts(uow, standing=False) == []
        with pytest.raises(NotFoundError):
            await get_alert(uow, alert_id)
        with pytest.raises(NotFoundError):
            await work_on(uow, alert_id, state=AlertState.OPEN, note="", by=None)


@pytest.fixture
async def connection(database: Database, house: House) -> Connection:
    connection_id = await make_connection(database, house.on(), account="shop")
    async with UnitOfWork(database, house.on()) as uow:
        (found,) = [each for each in await list_connections(uow) if each.connection_id == connection_id]
    return msgspec.structs.replace(found, state="ok")


def stream(of: Connection, age: timedelta | None, coverage: Coverage | None = None) -> StreamState:
    return StreamState(
        tenant_id=of.tenant_id,
        connection_id=of.connection_id,
        stream="orders",
        cursor=None,
        synced_at=None if age is None else NOW - age,
        promise_seconds=3600,
        rows_seen=0,
        rows_written=0,
        error_code=None,
        error_message=None,
        failed_at=None,
        coverage=None if coverage is None else msgspec.to_builtins(coverage),
    )


@pytest.mark.parametrize(
    ("state", "age", "late"),
    [
        ("ok", timedelta(minutes=60), False),
        ("ok", timedelta(minutes=60, seconds=1), True),
        ("ok", None, True),
        ("degraded", timedelta(days=1), True),
        ("reconnect", timedelta(days=1), False),
        ("paused", timedelta(days=1), False),
    ],
)
async def test_a_stream_behind_its_promise_is_late_unless_people_know(
    connection: Connection, state: str, age: timedelta | None, late: bool
) -> None:
    now = msgspec.structs.replace(connection, state=state)
    found = troubles([now], [stream(now, age)], [], NOW)
    assert [each.kind for each in found] == (["stream.late"] if late else [])


@pytest.mark.parametrize(
    ("coverage", "gap"),
    [
        (None, False),
        (Coverage(came=5, stored=5), False),
        (Coverage(promised=5, came=5, stored=5), False),
        (Coverage(promised=7, came=5, stored=5), True),
        (Coverage(came=5, stored=4), True),
        (Coverage(came=5, stored=3, repeated=1, rejected=1), False),
    ],
)
async def test_rows_that_are_not_here_are_a_gap(connection: Connection, coverage: Coverage | None, gap: bool) -> None:
    found = troubles([connection], [stream(connection, timedelta(0), coverage)], [], NOW)
    assert [each.kind for each in found] == (["reconciliation.gap"] if gap else [])


def settled(unknown: str) -> SavedReconciliation:
    step = {"cause": "unknown", "amount": unknown, "rows": 1}
    fee = {"cause": "fee", "amount": "9.00", "rows": 1}
    result = {
        "currency": "EUR", "since": "2026-10-01", "until": "2026-10-31", "zone": "UTC", "lag_days": 3, "sold": "100.00",
        "paid": "90.00", "gap": "10.00", "steps": [fee, step], "orders": 3, "payouts": 1,
    }  # fmt: skip
    return SavedReconciliation(
        tenant_id=uuid4(), kind="settlement", subject="shopify", result=[result], computed_at=NOW
    )


@pytest.mark.parametrize(("unknown", "gap"), [("0.00", False), ("0.009", False), ("0.01", True), ("-4.00", True)])
def test_a_payout_with_an_open_question_is_a_gap(unknown: str, gap: bool) -> None:
    found = troubles([], [], [settled(unknown)], NOW)
    assert [each.subject for each in found] == (["settlement:shopify:EUR"] if gap else [])
