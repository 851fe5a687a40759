"""Deliveries of platforms. The answer is the same whether a delivery is new, repeated, or nobody's."""

from typing import Any

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from shelftide.ingest.webhooks import Receiver
from shelftide.web.auth.doors import AppServices, anonymous

_BODY_LIMIT = 5 * 2**20
_RECEIVER = "webhook_receiver"


def _receiver(state: State, services: AppServices) -> Receiver:
    found: Receiver | None = state.get(_RECEIVER)
    if found is None:
        found = Receiver(services.database, vault=services.vault, registry=services.registry)
        state[_RECEIVER] = found
    return found


class HooksController(Controller):
    """Open to everybody: the platform's signature is what lets a delivery in."""

    path = "/hooks"
    guards = (anonymous,)
    include_in_schema = False

    @post("/{connector:str}", status_code=200, media_type=MediaType.TEXT, request_max_body_size=_BODY_LIMIT)
    async def deliver(
        self, request: Request[Any, Any, Any], state: State, services: AppServices, connector: FromPath[str]
    ) -> Response[str]:
        """Verify, keep, answer."""
        body = await request.body()
        await services.refresh_clock()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
        await _receiver(state, services).receive(connector, headers, body, now=services.clock.now())
        return Response("", status_code=200, media_type=MediaType.TEXT)

    @get("/{connector:str}", media_type=MediaType.TEXT)
    async def challenge(
        self, request: Request[Any, Any, Any], state: State, services: AppServices, connector: FromPath[str]
    ) -> Response[str]:
        """Meta asks before it sends."""
        answer = await _receiver(state, services).challenge(connector, list(request.query_params.multi_items()))
        return Response(answer, media_type=MediaType.TEXT)
