"""The product's web application behind real HTTP on a loopback port, in this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from tests.durability.processes import free_port

Pair = tuple[str, str]


@asynccontextmanager
async def served(app: Any, port: int | None = None) -> AsyncIterator[str]:
    """The address of a running server."""
    port = port or free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells it by this flag alone
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def push(client: httpx.AsyncClient, url: str, headers: Sequence[Pair], body: bytes) -> httpx.Response:
    """POST exactly these bytes; headers may repeat."""
    return await client.post(url, headers=list(headers), content=body)
