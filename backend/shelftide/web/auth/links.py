"""A client connects by a link: the same consent as a colleague's, bound to a cookie instead of to a session.

A platform sends the browser back to the one address that is registered with it, the console's. The client's browser
keeps its cookie on the portal's host, so the console passes the callback on to the portal that the state names; the
state counts for nothing without that browser's cookie.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from shelftide.core.errors import ConflictError, NotFoundError
from shelftide.core.scope import Right, Scope
from shelftide.ingest.connect import Connected
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.links import (
    ConnectLink,
    add_link,
    claim_link,
    open_link_by_id,
    open_link_by_token,
    return_link,
)
from shelftide.store.repositories.people import list_domains
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.connecting import ConnectRequest, connecting, finish_callback, redirect_uri, require_plugin
from shelftide.web.auth.doors import requires
from shelftide.web.auth.places import agency_scope, is_portal, place_of

LIFE = timedelta(days=7)
COOKIE = "shelftide_connect"
_may_connect = requires(Right.CONNECT)
AnyRequest = Request[Any, Any, Any]


class FreshLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link with its address, which nobody can see again."""

    link: ConnectLink
    url: str


async def make_link(request: AnyRequest, services: Services, scope: Scope, connector: str) -> FreshLink:
    """A link for the scope's brand.

    Raises:
        NotFoundError: there is no such connector.
        ConflictError: the agency has no portal, and a client is not sent to the console.
    """
    services.registry.connector(connector)
    await require_plugin(services, scope, connector)
    token = secrets.token_urlsafe(32)
    async with UnitOfWork(services.database, scope) as uow:
        hosts = await list_domains(uow)
        if not hosts:
            raise ConflictError("Your agency has no portal address.", hint="Add a domain for the portal first.")
        link = await add_link(uow, connector=connector, token_hash=_hash(token), life=LIFE)
        await record(uow, "link.made", target=str(link.link_id), detail={"connector": connector})
        await uow.commit()
    return FreshLink(link=link, url=f"{_origin(request, hosts[0])}/connect/link/{token}")


async def link_of_token(request: AnyRequest, services: Services, token: str) -> ConnectLink:
    """The open link of this portal. Raises NotFoundError, whatever is wrong with it."""
    async with UnitOfWork(services.database, await _portal_scope(request)) as uow:
        link = await open_link_by_token(uow, _hash(token))
    if link is None:
        raise NotFoundError
    return link


async def begin_by_link(
    request: AnyRequest, services: Services, link: ConnectLink, data: ConnectRequest
) -> tuple[str, Cookie]:
    """The platform's consent page, and the cookie without which its answer counts for nothing."""
    connector = services.registry.connector(link.connector)
    secret = f"{link.link_id}.{secrets.token_urlsafe(32)}"
    scope = await scope_of_link(request, link)
    await require_plugin(services, scope, link.connector)
    await services.refresh_clock()
    async with UnitOfWork(services.database, scope) as uow:
        url = await services.consent.begin(
            uow,
            connector,
            settings=data.settings,
            session_hash=_hash(secret),
            redirect_uri=redirect_uri(services, link.connector),
            portal=(await place_of(request)).host,
        )
        await record(uow, "link.begin", target=str(link.link_id))
        await uow.commit()
    cookie = Cookie(
        key=COOKIE,
        value=secret,
        path="/connect",
        max_age=600,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return url, cookie


async def enter_by_link(request: AnyRequest, services: Services, link: ConnectLink, data: ConnectRequest) -> Connected:
    """Connect by keys that the client typed. Raises InvalidInputError; the link stays open then."""
    scope = await scope_of_link(request, link)
    await require_plugin(services, scope, link.connector)
    await services.refresh_clock()
    async with _claimed(services, scope, link):
        return await connecting(services).enter(
            scope, services.registry.connector(link.connector), data.settings, data.keys
        )


async def finish_by_link(request: AnyRequest, services: Services, connector: str) -> Connected:
    """The end of a consent that a link began. Raises NotFoundError without its cookie, InvalidInputError as usual."""
    secret = request.cookies.get(COOKIE, "")
    portal = await _portal_scope(request)
    async with UnitOfWork(services.database, portal) as uow:
        link = await open_link_by_id(uow, _link_id(secret))
    if link is None or link.connector != connector:
        raise NotFoundError
    scope = await scope_of_link(request, link)
    async with _claimed(services, scope, link):
        return await finish_callback(request, services, connector, scope, session_hash=_hash(secret))


@asynccontextmanager
async def _claimed(services: Services, scope: Scope, link: ConnectLink) -> AsyncIterator[None]:
    """One use: of two browsers one connects. What fails gives the link back."""
    async with UnitOfWork(services.database, scope) as uow:
        if not await claim_link(uow, link.link_id):
            raise NotFoundError
        await uow.commit()
    try:
        yield
    except BaseException:
        async with UnitOfWork(services.database, scope) as uow:
            await return_link(uow, link.link_id)
            await uow.commit()
        raise


async def portal_of_state(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The portal to which a callback belongs: a verified one that its state names."""
    _, _, host = connection.query_params.get("state", "").partition(".")
    return host if host and await is_portal(connection.app.state.services, host) else None


async def staff_or_portal(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: a colleague who may connect; or a browser that is only sent on to its portal."""
    if await portal_of_state(connection) is None:
        await _may_connect(connection, handler)


def address_at(request: AnyRequest, host: str, connector: str) -> str:
    """Where the portal takes a callback."""
    return f"{_origin(request, host)}/connect/back/{connector}?{urlencode(list(request.query_params.multi_items()))}"


def _origin(request: AnyRequest, host: str) -> str:
    port = request.url.port
    return f"{request.url.scheme}://{host}{f':{port}' if port else ''}"


async def _portal_scope(request: AnyRequest) -> Scope:
    place = await place_of(request)
    if place.agency_id is None:
        raise NotFoundError
    return agency_scope(place.agency_id)


async def scope_of_link(request: AnyRequest, link: ConnectLink) -> Scope:
    """What a link opens: one brand, in the name of who made it, without a role."""
    portal = await _portal_scope(request)
    return Scope(
        agency_id=portal.agency_id,
        tenant_ids=(link.tenant_id,),
        tenant_id=link.tenant_id,
        subject_id=link.created_by,
    )


def _link_id(secret: str) -> UUID:
    try:
        return UUID(secret.partition(".")[0])
    except ValueError as error:
        raise NotFoundError from error


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def typed(form: Mapping[str, str], names: list[str], connector: str) -> ConnectRequest:
    """A filled form as a request; `names` are the secret fields."""
    return ConnectRequest(
        connector=connector,
        settings={name: value for name, value in form.items() if name not in names},
        keys={name: value for name, value in form.items() if name in names},
    )
