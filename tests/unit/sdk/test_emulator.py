"""What all emulators share: dispatch by host and path, bodies, and the byzantine proxy in front of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import httpx2
import pytest

from shelftide_sdk.testing.conformance.faults import (
    MALFORMED,
    PAGING,
    EndlessReadError,
    Fault,
    Memory,
    Proxy,
    Wire,
    leaves,
    says_more,
)
from shelftide_sdk.testing.emulator import Emulator, Gateway, Request, Response, Route, redirect, reply
from shelftide_sdk.testing.shapes import row_lists
from shelftide_sdk.testing.world import World

WORLD = World(seed=7, now=datetime(2026, 3, 2, 9, tzinfo=UTC), size="small")
PAGE: dict[str, Any] = {
    "rows": [{"id": n, "name": f"row {n}", "state": "OPEN_NOW"} for n in range(6)],
    "next_token": "abc",
}


class Echo(Emulator):
    """Says what it was asked."""

    platform: ClassVar[str] = "echo"
    hosts: ClassVar[tuple[str, ...]] = ("*.echo.example",)

    def routes(self) -> Sequence[Route]:
        return (
            Route("GET", "/things/(?P<key>[0-9]+)", lambda r: reply({"key": r.match["key"], "host": r.host})),
            Route("GET", "/query", lambda r: reply([r.query, r.params, r.base_url])),
            Route("POST", "/body", self._body),
            Route("GET", "/away", lambda r: redirect("https://app.example/")),
            Route("GET", "/page", lambda r: reply(PAGE)),
        )

    async def _body(self, request: Request) -> Response:
        return reply(request.json(), 201, {"x-size": str(len(request.body))})


class Other(Echo):
    hosts: ClassVar[tuple[str, ...]] = ("other.example",)


def over(app: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=cast(Any, app)))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway([Echo(WORLD), Other(WORLD)], {"/_sim/ping": lambda request: reply("pong")})


async def test_the_host_chooses_the_emulator(gateway: Gateway) -> None:
    async with over(gateway) as http:
        assert (await http.get("https://one.echo.example/things/12")).json() == {
            "key": "12",
            "host": "one.echo.example",
        }
        assert (await http.get("https://other.example:8443/things/1")).json()["host"] == "other.example"
        assert (await http.get("https://stranger.example/things/1")).status_code == 421
        assert (await http.get("https://stranger.example/_sim/ping")).json() == "pong"


async def test_a_browser_names_the_host_in_the_path(gateway: Gateway) -> None:
    async with over(gateway) as http:
        reply = await http.get("http://127.0.0.1/_as/two.echo.example/things/3")
    assert reply.json() == {"key": "3", "host": "two.echo.example"}


async def test_a_lone_emulator_answers_for_every_host() -> None:
    async with over(Gateway([Echo(WORLD)])) as http:
        assert (await http.get("http://127.0.0.1/things/3")).status_code == 200


async def test_paths_and_methods_are_matched_whole(gateway: Gateway) -> None:
    async with over(gateway) as http:
        for method, path in (("GET", "/things/x"), ("GET", "/things/1/more"), ("POST", "/things/1"), ("GET", "/")):
            assert (await http.request(method, f"https://a.echo.example{path}")).status_code == 404


async def test_queries_keep_repeats_and_blanks(gateway: Gateway) -> None:
    async with over(gateway) as http:
        pairs, params, _ = (await http.get("https://a.echo.example/query?a=1&a=2&b=&c=%20")).json()
    assert pairs == [["a", "1"], ["a", "2"], ["b", ""], ["c", " "]]
    assert params == {"a": "2", "b": "", "c": " "}


async def test_a_broken_body_is_none_and_not_an_exception(gateway: Gateway) -> None:
    async with over(gateway) as http:
        assert (await http.post("https://a.echo.example/body", content=b"{")).json() is None
        good = await http.post("https://a.echo.example/body", json={"a": 1})
    assert (good.status_code, good.json(), good.headers["x-size"]) == (201, {"a": 1}, "7")


async def test_a_redirect_is_one(gateway: Gateway) -> None:
    async with over(gateway) as http:
        found = await http.get("https://a.echo.example/away")
    assert (found.status_code, found.headers["location"]) == (302, "https://app.example/")


# -- the proxy ----------------------------------------------------------------------------------------------------


async def ask(
    fault: Fault | None, count: int = 1, positions: Sequence[int] | None = None, limit: int = 50
) -> list[bytes]:
    proxy = Proxy(Gateway([Echo(WORLD)]), lambda: 0.0, limit)
    proxy.begin(fault, positions)
    async with over(proxy) as http:
        return [(await http.get("https://a.echo.example/page")).content for _ in range(count)]


async def test_without_a_fault_it_only_takes_notes() -> None:
    proxy = Proxy(Gateway([Echo(WORLD)]), lambda: 4.0)
    async with over(proxy) as http:
        await http.post("https://a.echo.example/body?x=1", json={"a": 1})
    (seen,) = proxy.exchanges
    assert (seen.at, seen.method, seen.host, seen.path, seen.query) == (4.0, "POST", "a.echo.example", "/body", "x=1")
    assert (seen.asked, seen.status, seen.body) == (b'{"a":1}', 201, b'{"a":1}')


@pytest.mark.parametrize("fault", MALFORMED, ids=lambda fault: fault.name)
async def test_every_fault_damages_a_page_of_any_platform(fault: Fault) -> None:
    (good,), (bad,) = await ask(None), await ask(fault)
    assert bad != good


@pytest.mark.parametrize("fault", MALFORMED, ids=lambda fault: fault.name)
async def test_only_the_chosen_replies_are_damaged(fault: Fault) -> None:
    (good,) = await ask(None)
    first, second, third = await ask(fault, 3, [1])
    assert (first, third) == (good, good)
    assert second != good


async def test_each_row_is_damaged_in_another_field() -> None:
    fault = next(fault for fault in MALFORMED if fault.name == "missing-fields")
    rows = json.loads((await ask(fault))[0])["rows"]
    gone = [{"id", "name", "state"} - set(row) for row in rows]
    assert all(len(names) == 1 for names in gone)
    assert set.union(*gone) == {"id", "name", "state"}


async def test_lines_of_json_are_damaged_too() -> None:
    wire = Wire(status=200, headers=(), body=b'{"id": 1, "v": 5}\n{"id": 2, "v": 6}\n', path="/", number=0)
    fault = next(fault for fault in MALFORMED if fault.name == "huge-numbers")
    rows = [json.loads(line) for line in fault.damage(wire, Memory()).body.splitlines()]
    assert [row["id"] for row in rows] == [1, 2]
    assert rows[0]["v"] == 10**40


def page_number(number: int) -> Wire:
    body = json.dumps({"rows": [{"id": number}]}).encode()
    return Wire(status=200, headers=(), body=body, path="/", number=number)


@pytest.mark.parametrize(
    ("name", "ids"), [("same-page-for-ever", [0, 0, 0, 0, 0]), ("pages-in-a-circle", [0, 1, 0, 1, 0])]
)
def test_pages_are_replayed(name: str, ids: list[int]) -> None:
    fault, memory = next(fault for fault in PAGING if fault.name == name), Memory()
    bodies = [json.loads(fault.damage(page_number(n), memory).body) for n in range(5)]
    assert [body["rows"][0]["id"] for body in bodies] == ids


async def test_asking_without_end_is_ended() -> None:
    with pytest.raises(EndlessReadError):
        await ask(None, 60)


def test_rows_are_the_outermost_lists_of_objects() -> None:
    nested = {"a": {"rows": [{"lines": [{"x": 1}]}]}, "names": ["x"], "b": [{"y": 2}]}
    assert list(row_lists(nested)) == [nested["a"]["rows"], nested["b"]]  # type: ignore[index]  # a dict of dicts
    assert [name for _, _, name in leaves(nested["b"][0])] == ["y"]  # type: ignore[index]  # a list of dicts


@pytest.mark.parametrize(
    ("value", "more"),
    [
        ({"has_more": True}, True),
        ({"has_more": False}, False),
        ({"data": {"orders": {"pageInfo": {"hasNextPage": True}}}}, True),
        ({"data": {"next_page_token": ""}}, False),
        ({"NextToken": "x"}, True),
        ({"nextPageCursor": "x"}, True),
        ({"next_steps": "pay"}, False),
        ([], False),
    ],
)
def test_a_next_page_is_recognised(value: Any, more: bool) -> None:
    assert says_more(value) is more


async def test_schema_drift_adds_a_field_to_every_row_of_any_platform_and_slow_only_waits() -> None:
    echo = Echo(WORLD, scenarios=["schema-drift", "slow"])
    request = Request(method="GET", host="a.echo.example", path="/page", query=(), headers={}, body=b"")
    drifted = json.loads((await echo.handle(request)).body)
    assert all(row.pop("field_added_last_night") for row in drifted["rows"])
    assert drifted == PAGE
    echo.scenarios = {"slow"}
    assert json.loads((await echo.handle(request)).body) == PAGE


async def test_schema_drift_leaves_alone_what_holds_no_rows() -> None:
    echo = Echo(WORLD, scenarios=["schema-drift"])
    request = Request(method="POST", host="a.echo.example", path="/body", query=(), headers={}, body=b"7")
    assert (await echo.handle(request)).body == b"7"
