"""A client without an account here connects one of its own at a platform, by a link that the agency sent."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect

from shelftide.core.errors import NotFoundError
from shelftide.ingest.forms import key_form
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.links import ConnectLink
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, Connection, refuse_other_sites
from shelftide.web.auth.links import (
    COOKIE,
    begin_by_link,
    enter_by_link,
    finish_by_link,
    link_of_token,
    scope_of_link,
    typed,
)
from shelftide.web.auth.places import place_of
from shelftide.web.pages import AnyRequest, page

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


async def of_a_portal(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: a portal's host, signed in or not."""
    if not (await place_of(connection)).is_portal:
        raise NotFoundError


class LinkController(Controller):
    """The link is the key: who holds it may connect one account to one brand, once."""

    path = "/connect"
    guards = (of_a_portal,)
    include_in_schema = False

    @get("/link/{token:str}")
    async def show(self, request: AnyRequest, services: AppServices, token: FromPath[str]) -> Response[str]:
        """Who asks for what, before anything happens."""
        try:
            link = await link_of_token(request, services, token)
        except NotFoundError:
            return await page(request, services, "portal/link_over.html", status=404)
        connector = services.registry.connector(link.connector)
        values = {
            "brand_name": await _brand_name(request, services, link),
            "connector": connector,
            "keys": key_form(connector),
            "token": token,
        }
        return await page(request, services, "portal/link.html", values)

    @post("/link/{token:str}", status_code=204)
    async def begin(
        self, request: AnyRequest, services: AppServices, token: FromPath[str], data: Form
    ) -> Response[None]:
        """On to the platform, or connected by what was typed. Raises InvalidInputError naming the field."""
        refuse_other_sites(request)
        link = await link_of_token(request, services, token)
        keys = [field.name for field in key_form(services.registry.connector(link.connector))]
        asked = typed(data, keys, link.connector)
        if keys:
            done = await enter_by_link(request, services, link, asked)
            return Response(None, status_code=204, headers={"hx-redirect": _done(len(done.connection_ids))})
        url, cookie = await begin_by_link(request, services, link, asked)
        return Response(None, status_code=204, headers={"hx-redirect": url}, cookies=[cookie])

    @get("/back/{connector:str}")
    async def back(self, request: AnyRequest, services: AppServices, connector: FromPath[str]) -> Redirect:
        """The platform's answer, passed on by the console's host."""
        done = await finish_by_link(request, services, connector)
        reply = Redirect(_done(len(done.connection_ids)), status_code=303)
        reply.delete_cookie(COOKIE, path="/connect")
        return reply

    @get("/done")
    async def done(
        self, request: AnyRequest, services: AppServices, connected: FromQuery[int | None] = None
    ) -> Response[str]:
        """Thanks, and what happens next."""
        return await page(request, services, "portal/link_done.html", {"connected": connected or 0})


def _done(connected: int) -> str:
    return f"/connect/done?connected={connected}"


async def _brand_name(request: AnyRequest, services: AppServices, link: ConnectLink) -> str:
    async with UnitOfWork(services.database, await scope_of_link(request, link)) as uow:
        return (await get_tenant(uow, link.tenant_id)).name
