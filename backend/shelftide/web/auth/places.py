"""Which door a request came to: the console's host, an agency's portal, or none of ours.

A portal's host must be in the table of verified domains, exactly. Whatever else asks gets "not found".
"""

from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar.handlers import BaseRouteHandler

from shelftide.core.errors import NotFoundError
from shelftide.core.scope import Role, Scope
from shelftide.core.settings import Settings
from shelftide.jobs.services import Services
from shelftide.store.repositories.people import agency_of_host
from shelftide.store.unit_of_work import SystemUnitOfWork
from shelftide.web.auth.doors import Connection, host_of, principal

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A door. `agency_id` is set at a portal."""

    host: str
    agency_id: UUID | None = None

    @property
    def is_portal(self) -> bool:
        """Whether clients enter here."""
        return self.agency_id is not None


def console_hosts(settings: Settings) -> frozenset[str]:
    """Where the console answers: the host of the public address; on a machine without one, loopback too."""
    own = (urlsplit(settings.console_url).hostname or "").lower()
    return frozenset({own}) if settings.public_url else _LOOPBACK | {own}


async def place_of(connection: Connection) -> Place:
    """The door of this request, looked up once. Raises NotFoundError for a host that is not ours."""
    known: Place | None = connection.state.get("place")
    if known is None:
        services: Services = connection.app.state.services
        known = connection.state.place = await _find(services, host_of(connection))
    return known


async def _find(services: Services, host: str) -> Place:
    async with SystemUnitOfWork(services.database, reason="a host names the agency before a scope is known") as uow:
        agency_id = await agency_of_host(uow, host)
    if agency_id is not None:
        return Place(host=host, agency_id=agency_id)
    if host in console_hosts(services.settings):
        return Place(host=host)
    raise NotFoundError


def agency_scope(agency_id: UUID) -> Scope:
    """What a host alone opens: the agency's name and colour, no brand."""
    return Scope(agency_id=agency_id, tenant_ids=())


async def is_portal(services: Services, host: str) -> bool:
    """Whether a host is a verified portal's."""
    async with SystemUnitOfWork(services.database, reason="a callback names the portal that began it") as uow:
        return await agency_of_host(uow, host) is not None


async def any_of_our_hosts(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: the console's host or a verified portal's; nothing is said about who asks."""
    await place_of(connection)


async def console_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: on a portal's host there is no console."""
    if (await place_of(connection)).is_portal:
        raise NotFoundError


async def portal_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: on a portal's host, signed in, one of this agency's clients' people. Others find nothing."""
    place = await place_of(connection)
    if not place.is_portal:
        raise NotFoundError
    who = principal(connection)
    if who.role is not Role.CLIENT or who.scope.agency_id != place.agency_id:
        raise NotFoundError
