"""`/api/v1/session`: sign in, look, sign out."""

from typing import Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from shelftide.core.scope import Role
from shelftide.web.auth.doors import AppServices, anonymous, principal, refuse_other_sites
from shelftide.web.auth.places import place_of
from shelftide.web.auth.sessions import COOKIE, LIFE, principal_of, sign_in, sign_out

AnyRequest = Request[Any, Any, Any]


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """Address and password."""

    email: str
    password: str

    def __repr__(self) -> str:
        return f"SignIn(email={self.email!r}, password=***)"


class SessionReply(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in. Send `csrf` as `X-CSRF-Token` with every changing request."""

    name: str
    email: str
    role: Role
    locale: str
    csrf: str


def session_cookie(value: str, *, secure: bool) -> Cookie:
    """The session's cookie: for this host only, invisible to scripts."""
    return Cookie(
        key=COOKIE,
        value=value,
        max_age=int(LIFE.total_seconds()) if value else 0,
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
    )


class SessionController(Controller):
    """Sessions of people. Keys for machines come later and will pass the same doors."""

    path = "/api/v1/session"
    guards = (anonymous,)
    tags = ("session",)

    @post("/", summary="Sign in")
    async def create(
        self, request: AnyRequest, services: AppServices, data: JSONBody[SignIn]
    ) -> Response[SessionReply]:
        """Opens a session and sets its cookie. On a portal's host: for the people of that agency's clients only."""
        refuse_other_sites(request)
        place = await place_of(request)
        signed = await sign_in(services.database, data.email, data.password, portal_of=place.agency_id)
        who = await principal_of(services.database, signed.cookie)
        if who is None:
            raise RuntimeError("a session that was just opened is not there")
        body = SessionReply(name=who.name, email=who.email, role=who.role, locale=who.locale, csrf=who.csrf)
        return Response(body, cookies=[session_cookie(signed.cookie, secure=request.url.scheme == "https")])

    @get("/", summary="Who is signed in")
    async def read(self, request: AnyRequest) -> SessionReply:
        """The session's person."""
        who = principal(request)
        return SessionReply(name=who.name, email=who.email, role=who.role, locale=who.locale, csrf=who.csrf)

    @delete("/", summary="Sign out", status_code=200)
    async def remove(self, request: AnyRequest, services: AppServices) -> Response[dict[str, str]]:
        """Ends the session."""
        principal(request)
        refuse_other_sites(request)
        await sign_out(services.database, request.cookies.get(COOKIE, ""))
        return Response({"status": "signed out"}, cookies=[session_cookie("", secure=False)])
