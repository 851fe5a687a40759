"""Pages of a connector that may misbehave come with names for what went wrong."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from shelftide_sdk import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    DataError,
    Page,
    RateLimitedError,
    Reject,
    TransientError,
)
from shelftide_sdk.reading import guarded
from shelftide_sdk.records import Location, own_fields


def place(number: int) -> Location:
    return Location(source_id=str(number), name="Milan")


async def read(*pages: Any, then: Callable[[], Any] | None = None) -> AsyncIterator[Any]:
    for page in pages:
        yield page
    if then is not None:
        then()


def raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> None:
        raise error

    return fail


async def drain(pages: AsyncIterator[Page]) -> list[Page]:
    return [page async for page in pages]


async def test_good_pages_pass_unchanged() -> None:
    pages = [Page(records=[place(n)], cursor={"n": n}) for n in range(200)]
    assert await drain(guarded(read(*pages), "acme")) == pages


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("x"),
        AuthorizationError("x"),
        RateLimitedError("x"),
        TransientError("x"),
        DataError("x"),
        ContractError("x"),
    ],
)
async def test_errors_of_the_sdk_travel_as_they_are(error: ConnectorError) -> None:
    with pytest.raises(type(error)) as caught:
        await drain(guarded(read(then=raising(error)), "acme"))
    assert caught.value is error


@pytest.mark.parametrize(
    "act",
    [
        lambda: json.loads("{"),
        lambda: msgspec.json.decode(b"{"),
        lambda: msgspec.json.decode(b'"x"', type=int),
        b"\xff".decode,
    ],
)
async def test_an_unreadable_reply_is_transient(act: Callable[[], Any]) -> None:
    with pytest.raises(TransientError, match="could not be read"):
        await drain(guarded(read(then=act), "acme"))


@pytest.mark.parametrize("error", [KeyError("id"), ValueError("x"), RecursionError("deep"), ZeroDivisionError("0")])
async def test_a_stray_exception_is_a_contract_error_with_its_name(error: Exception) -> None:
    with pytest.raises(ContractError, match=type(error).__name__):
        await drain(guarded(read(then=raising(error)), "acme"))


async def test_cancelling_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        await drain(guarded(read(then=raising(KeyboardInterrupt())), "acme"))


async def test_what_is_no_page_is_refused() -> None:
    with pytest.raises(ContractError, match="yielded a dict"):
        await drain(guarded(read({"records": []}), "acme"))


async def test_what_came_before_an_error_is_kept() -> None:
    pages = guarded(read(Page(records=[place(1)]), then=raising(KeyError("x"))), "acme")
    assert (await anext(pages)).records == [place(1)]
    with pytest.raises(ContractError):
        await anext(pages)


@pytest.mark.parametrize("length", [1, 2, 7])
async def test_a_circle_of_any_length_is_ended(length: int) -> None:
    circle = [Page(records=[place(n)]) for n in range(length)]
    with pytest.raises(ContractError, match="does not move"):
        await drain(guarded(read(*circle * 60), "acme"))
    assert len(await drain(guarded(read(*circle * 50), "acme"))) == 50 * length


async def test_rejects_that_repeat_for_ever_are_ended_too() -> None:
    with pytest.raises(ContractError, match="does not move"):
        await drain(guarded(read(*[Page(rejects=[Reject("Order", "no id", {})])] * 60), "acme"))


async def test_waiting_pages_without_rows_are_allowed_for_a_while() -> None:
    assert len(await drain(guarded(read(*[Page(cursor={"job": "1"})] * 1000), "acme"))) == 1000
    with pytest.raises(ContractError, match="without a row"):
        await drain(guarded(read(*[Page()] * 5001), "acme"))


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (("other.shelf=3",), "is not a field of acme"),
        (("acme2.shelf=3",), "is not a field of acme"),
        (("acme.Shelf=3",), "is not a field of acme"),
        (("acme.shelf",), "is not a field of acme"),
        (("acme.=3",), "is not a field of acme"),
        (("shelf=3",), "is not a field of acme"),
        (("acme.shelf=3", "acme.x=1", "other.y=1"), "is not a field of acme"),
        ("acme.shelf=3", "made by own_fields"),
        ((3,), "made by own_fields"),
        (("acme.shelf=" + "x" * 1000,), "1000 characters"),
        (tuple(f"acme.f{n}=1" for n in range(33)), "at most 32 fields"),
    ],
)
async def test_a_record_with_a_field_in_another_name_is_rejected_and_the_others_are_kept(
    extra: Any, reason: str
) -> None:
    good = Location(source_id="1", name="Milan", extra=own_fields("acme", shelf=3))
    bad = Location(source_id="2", name="Rome", extra=extra)
    earlier = Reject("Location", "earlier", {})
    (page,) = await drain(guarded(read(Page(records=[good, bad, place(3)], rejects=[earlier])), "acme"))
    assert page.records == [good, place(3)]
    assert page.rejects[0] == earlier
    assert (page.rejects[1].record, page.rejects[1].raw) == ("Location", bad)
    assert reason in page.rejects[1].reason
