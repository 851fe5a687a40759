"""A bulk operation's file: lines in any order, repeated, strange; and JSON that only a patient decoder reads."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import msgspec
import pytest

from shelftide_shopify.bulk import ResultFile, result_file
from shelftide_shopify.replies import decode, read_body


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def order(number: int) -> bytes:
    return msgspec.json.encode({"id": gid("Order", number), "customerJourneySummary": {"ready": True}})


def child(kind: str, number: int, parent: int, **more: Any) -> bytes:
    return msgspec.json.encode({"id": gid(kind, number), "__parentId": gid("Order", parent), **more})


async def loaded(file: ResultFile, lines: Sequence[bytes]) -> ResultFile:
    async def stream() -> AsyncIterator[bytes]:
        for line in lines:
            yield line

    await file.load(stream(), len(lines))
    return file


def lines_of(row: dict[str, Any]) -> list[Any]:
    return [line["id"] for line in row["lineItems"]["nodes"]]


async def test_children_find_their_parents_however_many_there_are() -> None:
    parents = [order(number) for number in range(1, 602)]
    lines = [child("LineItem", 10_000 + number, number) for number in range(601, 0, -1)]
    visits = [child("CustomerVisit", 20_000 + number, number) for number in range(1, 602)]
    with result_file() as file:
        rows = list((await loaded(file, [*lines, *parents, *visits])).rows())
    assert [row["id"] for row in rows] == [gid("Order", number) for number in range(1, 602)]
    for number, row in enumerate(rows, 1):
        assert lines_of(row) == [gid("LineItem", 10_000 + number)]
        (visit,) = row["customerJourneySummary"]["moments"]["nodes"]
        assert visit == {"id": gid("CustomerVisit", 20_000 + number)}


async def test_a_repeated_line_counts_once_and_a_shared_visit_belongs_to_both() -> None:
    lines = [
        order(1),
        order(2),
        child("LineItem", 5, 1, quantity=1),
        child("LineItem", 4, 1),
        child("LineItem", 5, 1, quantity=9),
        child("CustomerVisit", 7, 1),
        child("CustomerVisit", 7, 2),
        order(1),
    ]
    with result_file() as file:
        first, second = (await loaded(file, lines)).rows()
    assert lines_of(first) == [gid("LineItem", 5), gid("LineItem", 4)]
    assert first["lineItems"]["nodes"][0]["quantity"] == 1
    assert [len(row["customerJourneySummary"]["moments"]["nodes"]) for row in (first, second)] == [1, 1]


async def test_what_belongs_nowhere_is_shown_as_the_page_would_show_it() -> None:
    lines = [order(1), child("LineItem", 5, 99), child("Wonder", 6, 1), b"[1]"]
    with result_file() as file:
        rejects = (await loaded(file, lines)).rejects("Order")
    raws = [reject.raw for reject in rejects]
    assert {"id": gid("LineItem", 5)} in raws
    assert {"id": gid("Wonder", 6)} in raws
    assert [1] in raws


async def test_one_line_with_half_a_character_does_not_cost_the_file() -> None:
    odd = (
        b'{"id":"' + gid("LineItem", 5).encode() + b'","__parentId":"' + gid("Order", 1).encode() + b'","t":"\\ud83d"}'
    )
    with result_file() as file:
        (row,) = (await loaded(file, [order(1), odd])).rows()
    assert row["lineItems"]["nodes"][0]["t"] == "\ud83d"


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"a": "\xff"}'])
def test_what_is_no_json_stays_an_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode(body)


def test_a_reply_is_decoded_once_and_half_a_character_costs_no_page() -> None:
    reply = httpx2.Response(200, content=b'{"data": {"note": "\\ud83d", "big": -99999999999999999999999}}')
    body = read_body(reply)
    assert body == {"data": {"note": "\ud83d", "big": -99999999999999999999999}}
    assert read_body(reply) is body
