"""A report that was cancelled is no data only where Amazon says so; a packed file is never more than it may be."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shelftide_amazon.reports import unpack
from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk.errors import ContractError, TransientError
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.faults import Damage, Fault, Memory, Wire

HEALTH = AmazonSeller().stream("account_health")


def made_by(bench_: Bench) -> dict[str, Any]:
    emulator: Any = bench_.emulator
    made: dict[str, Any] = emulator._seller.reports._made
    return made


async def test_cancelled_with_nothing_to_tell_moves_the_place_on(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonSeller, orders_by="report") as bench_:
        reading = await bench_.read(AmazonSeller.streams[0], since=bench_.clock.now() - timedelta(seconds=2))
        states = [made.state for made in made_by(bench_).values()]
    assert (reading.error, reading.records, states) == (None, [], ["CANCELLED"])
    assert reading.cursor == {"lastUpdatedTime": bench_.wiring.world.now.isoformat()}


async def test_cancelled_before_anybody_looked_is_not_no_data(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonSeller) as bench_:
        bench_.proxy.begin(Fault(name="cancelled", title="", damage=_reports(_cancel)))
        reading = await bench_.read(HEALTH)
    assert isinstance(reading.error, TransientError)
    assert "cancelled before it was made" in str(reading.error)


async def test_cancelled_for_asking_too_often_means_what_the_first_one_meant(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonSeller) as bench_:
        await bench_.read(HEALTH)
        (first,) = made_by(bench_).values()
        first.empty = True
        again = await bench_.read(HEALTH)
        bench_.proxy.begin(Fault(name="cancelled", title="", damage=_reports(_never_begun)))
        told = await bench_.read(HEALTH)
    assert (again.error, again.records) == (None, [])
    assert isinstance(told.error, TransientError)


@pytest.mark.parametrize("name", ["reportType", "processingStatus", "createdTime", "reportId", "reportDocumentId"])
async def test_a_list_of_reports_that_does_not_tell_loses_no_row_in_silence(
    name: str, bench: Callable[..., Bench]
) -> None:
    async with bench(AmazonSeller) as bench_:
        await bench_.read(HEALTH)
        lacking = _changed(lambda body: [row.pop(name, None) for row in body.get("reports", ())])
        bench_.proxy.begin(Fault(name="listed", title="", damage=lacking))
        reading = await bench_.read(HEALTH)
    assert isinstance(reading.error, ContractError)


async def test_a_list_without_the_report_just_asked_for_is_refused(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonSeller) as bench_:
        await bench_.read(HEALTH)
        bench_.proxy.begin(Fault(name="empty", title="", damage=_changed(lambda body: body.get("reports", []).clear())))
        reading = await bench_.read(HEALTH)
    assert isinstance(reading.error, ContractError)
    assert "lacks the one" in str(reading.error)


def _cancel(row: dict[str, Any]) -> None:
    row["processingStatus"] = "CANCELLED"
    _never_begun(row)


def _never_begun(row: dict[str, Any]) -> None:
    row.pop("processingStartTime", None)


def _reports(change: Callable[[dict[str, Any]], object]) -> Damage:
    """Change each report, alone or listed."""

    def every(body: dict[str, Any]) -> None:
        for row in body.get("reports", [body]):
            change(row)

    return _changed(every)


def _changed(change: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(wire: Wire, memory: Memory) -> Wire:
        body = json.loads(wire.body) if "/reports/2021-06-30/reports" in wire.path else None
        if not isinstance(body, dict) or not {"reports", "processingStatus"} & set(body):
            return wire
        change(body)
        return msgspec.structs.replace(wire, body=json.dumps(body).encode())

    return damage


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (gzip.compress(bytes(300 * 2**20), 1), ContractError),
        (gzip.compress(bytes(200 * 2**20), 1) * 2, ContractError),
        (gzip.compress(b"rows")[:-1], TransientError),
        (gzip.compress(b"rows") + b"more", TransientError),
        (b"", TransientError),
    ],
    ids=["bomb", "two-bombs", "cut", "garbage-behind", "empty"],
)
def test_a_bomb_or_a_cut_file_is_named(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        unpack(content, "GZIP")
    assert unpack(gzip.compress(b"a\t") + gzip.compress(b"b") + b"\0\0", "GZIP") == b"a\tb"
