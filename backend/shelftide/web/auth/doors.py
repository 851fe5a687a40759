"""From a request to a Principal, and from a Principal to the scope of one brand. Guards stand on controller classes."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as ASGIScope

from shelftide.core.errors import ForbiddenError, NotFoundError, SignInRequiredError
from shelftide.core.scope import Claim, Right, Role, Scope
from shelftide.jobs.services import Services
from shelftide.store.repositories.people import Principal
from shelftide.web.auth.sessions import COOKIE, hash_cookie, principal_of

Connection = ASGIConnection[Any, Any, Any, Any]
AppServices = NamedDependency[Services]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
# The `opt` of a route that reads by a claim: nobody is looked up before, so that whoever asks for the principal there
# finds none.
CLAIMS = "claims"


class SessionMiddleware(ASGIMiddleware):
    """Puts the Principal (or None) and the request's host into the connection's state."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = CLAIMS

    async def handle(self, scope: ASGIScope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Look the cookie up; no cookie costs no query."""
        connection: Connection = ASGIConnection(scope)
        services: Services = connection.app.state.services
        cookie = connection.cookies.get(COOKIE, "")
        scope["user"] = await principal_of(services.database, cookie) if cookie else None
        scope["auth"] = host_of(connection)
        await next_app(scope, receive, send)


def host_of(connection: Connection) -> str:
    """The exact Host header without port; forwarded headers are not believed."""
    return (urlsplit(f"//{connection.headers.get('host', '')}").hostname or "").lower()


def principal(connection: Connection) -> Principal:
    """Who is asking. Raises SignInRequiredError."""
    found: Principal | None = connection.scope.get("user")
    if found is None:
        raise SignInRequiredError
    return found


# Litestar hands a guard that is not async to a thread.
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def requires(right: Right) -> Guard:
    """A guard: signed in, staff, with this right; a changing request also proves that it comes from our own page."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        who = principal(connection)
        if who.role is Role.CLIENT:
            raise NotFoundError  # a client's people do not learn that the console exists
        _check(connection, who, right)

    return guard


def requires_any(right: Right) -> Guard:
    """As `requires`, for staff and clients' people alike (the API's reads)."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        _check(connection, principal(connection), right)

    return guard


async def claims(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: a session is shown. Whether it is live and sees the brand is found out by the read, from `claim_of`."""
    _cookie(connection)


def claim_of(connection: Connection, tenant_id: UUID, right: Right) -> Claim:
    """What the asker says to be allowed. Raises SignInRequiredError where no session is shown."""
    return Claim(session_hash=hash_cookie(_cookie(connection)), tenant_id=tenant_id, right=right)


def _cookie(connection: Connection) -> str:
    cookie = connection.cookies.get(COOKIE, "")
    if not cookie:
        raise SignInRequiredError
    return cookie


async def anonymous(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard that lets everybody in, said out loud: sign-in, theme, health."""


def _check(connection: Connection, who: Principal, right: Right) -> None:
    if not who.scope.may(right):
        raise ForbiddenError("You may not do this.", hint="Ask an owner of your agency.")
    if connection.scope.get("method") not in _SAFE:
        refuse_other_sites(connection)
        if not compare_digest(connection.headers.get(CSRF_HEADER, ""), who.csrf):
            raise ForbiddenError("The page is too old.", hint="Reload it and try again.")


def refuse_other_sites(connection: Connection) -> None:
    """A changing request that another site's page made is refused (Fetch Metadata, and Origin for older browsers)."""
    site = connection.headers.get("sec-fetch-site", "same-origin")
    origin = connection.headers.get("origin")
    foreign = origin is not None and (urlsplit(origin).hostname or "").lower() != host_of(connection)
    if site not in ("same-origin", "none") or foreign:
        raise ForbiddenError("The request came from another site.")


def scope_of(connection: Connection, tenant_id: UUID) -> Scope:
    """The asker's scope on one brand. A missing brand and somebody else's are the same: not found."""
    try:
        return principal(connection).scope.narrow(tenant_id)
    except LookupError as error:
        raise NotFoundError from error
