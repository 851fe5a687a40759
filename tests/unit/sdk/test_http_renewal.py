"""Tokens that end while many calls are under way."""

import asyncio
from collections import Counter

import httpx2
from tests.unit.sdk.test_http import Clock, Plain, Tokens, reply

from shelftide_sdk.auth import TokenSet
from shelftide_sdk.http import Patience, PlatformClient

FREE = "https://api.example.com/v1/free"  # has no budget


async def test_a_token_that_ends_while_many_calls_are_under_way_is_renewed_again() -> None:
    class Shared(Tokens):
        async def refresh(self, seen: TokenSet) -> TokenSet:
            return self.token if seen != self.token else await super().refresh(seen)

    served: Counter[str] = Counter()
    tokens = Shared()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        bearer = request.headers["authorization"]
        served[bearer] += 1
        good = served[bearer] <= 3  # each token lets three calls in, and ten are under way
        await asyncio.sleep(0.001)
        return reply() if good else reply(401)

    async with PlatformClient(
        Plain, credentials=tokens, settings={}, clock=Clock(), transport=httpx2.MockTransport(answer)
    ) as client:
        await asyncio.gather(*(client.get(FREE) for _ in range(10)))
    assert tokens.refreshed == 3


async def test_who_waited_for_its_turn_takes_the_token_of_then() -> None:
    asked: Counter[str] = Counter()
    tokens = Tokens()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        bearer, path = request.headers["authorization"], request.url.path
        asked[path] += 1
        if asked[path] == 1:
            return reply(429, retry_after="0")
        asked[bearer] += 1
        await asyncio.sleep(0.001)
        return reply() if bearer == "Bearer token-2" else reply(401)

    async with PlatformClient(
        Plain, credentials=tokens, settings={}, clock=Clock(), transport=httpx2.MockTransport(answer),
        patience=Patience(sleep=lambda _: asyncio.sleep(0)),
    ) as client:  # fmt: skip
        await asyncio.gather(*(client.get(f"{FREE}/{number}") for number in range(5)))
    assert asked["Bearer token-1"] == 1, "the others found the new token"
