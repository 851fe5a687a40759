"""What both doors share: the first page, signing in and out, the language, the theme."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, QueryParameter
from litestar.response import Redirect

from shelftide.core.errors import AppError, InvalidInputError, NotFoundError, RateLimitError, SignInRequiredError
from shelftide.core.scope import Right, Role
from shelftide.store.repositories.people import Principal, list_domains, set_locale
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.session import session_cookie
from shelftide.web.auth.doors import AppServices, principal, refuse_other_sites, requires_any
from shelftide.web.auth.places import any_of_our_hosts, place_of
from shelftide.web.auth.sessions import COOKIE, sign_in, sign_out
from shelftide.web.branding import checked_colour, theme_css
from shelftide.web.i18n import LANGUAGES
from shelftide.web.pages import LANGUAGE_COOKIE, AnyRequest, agency_here, look_of, page

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_YEAR = 365 * 86400


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The sign-in form."""

    email: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(email={self.email!r}, password=***)"


class EntranceController(Controller):
    """Open to everybody who comes to one of our hosts."""

    guards = (any_of_our_hosts,)
    include_in_schema = False

    @get("/")
    async def first(self, request: AnyRequest, services: AppServices) -> Redirect:
        """On to where this person belongs."""
        who: Principal | None = request.scope.get("user")
        place = await place_of(request)
        if who is None:
            return Redirect("/sign-in", status_code=303)
        if who.role is Role.CLIENT:
            return Redirect("/portal" if place.agency_id == who.scope.agency_id else "/elsewhere", status_code=303)
        return Redirect("/sign-in" if place.is_portal else "/console", status_code=303)

    @get("/sign-in")
    async def show_sign_in(
        self, request: AnyRequest, services: AppServices, lang: FromQuery[str | None] = None
    ) -> Response[str]:
        """The form, in the language asked for."""
        if lang is not None and lang in LANGUAGES:
            request.cookies[LANGUAGE_COOKIE] = lang
        reply = await _form(request, services)
        if lang in LANGUAGES:
            reply.set_cookie(LANGUAGE_COOKIE, lang, max_age=_YEAR, samesite="lax", httponly=True)
        return reply

    @post("/sign-in", status_code=200)
    async def check_sign_in(
        self,
        request: AnyRequest,
        services: AppServices,
        data: Annotated[Credentials, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any]:
        """Open a session, or show the form again with the reason."""
        refuse_other_sites(request)
        try:
            cookie = await _admit(request, services, data)
        except (SignInRequiredError, RateLimitError) as error:
            return await _form(request, services, error=error, email=data.email)
        reply = Redirect("/", status_code=303)
        reply.set_cookie(session_cookie(cookie, secure=request.url.scheme == "https"))
        return reply

    @get("/theme.css")
    async def theme(
        self,
        request: AnyRequest,
        services: AppServices,
        accent: Annotated[str | None, QueryParameter(pattern="^[0-9a-f]{6}$")] = None,
    ) -> Response[str]:
        """The look of this host, or of the agency of who is signed in. The address changes with the colours."""
        look = look_of(await agency_here(request, services), portal=False)
        css = theme_css(look.colour, checked_colour(f"#{accent}") if accent else look.colour)
        headers = {"cache-control": "private, max-age=604800", "vary": "Cookie, Host"}
        return Response(css, media_type=MediaType.CSS, headers=headers)


async def _admit(request: AnyRequest, services: AppServices, data: Credentials) -> str:
    """The cookie of a fresh session."""
    place = await place_of(request)
    signed = await sign_in(services.database, data.email, data.password, portal_of=place.agency_id)
    return signed.cookie


async def _form(
    request: AnyRequest, services: AppServices, *, error: AppError | None = None, email: str = ""
) -> Response[str]:
    request.scope["user"] = None  # a form for whoever comes next
    values = {"error": error, "email": email}
    return await page(request, services, "sign_in.html", values, status=error.status if error else 200)


class PersonController(Controller):
    """For people who are signed in, whichever door they came by."""

    guards = (any_of_our_hosts, requires_any(Right.READ))
    include_in_schema = False

    @post("/sign-out", status_code=204)
    async def leave(self, request: AnyRequest, services: AppServices) -> Response[None]:
        """End the session, and send the browser to the form."""
        await sign_out(services.database, request.cookies.get(COOKIE, ""))
        reply: Response[None] = Response(None, status_code=204, headers={"hx-redirect": "/sign-in"})
        reply.set_cookie(session_cookie("", secure=False))
        return reply

    @post("/language", status_code=204)
    async def choose_language(self, request: AnyRequest, services: AppServices, data: Form) -> Response[None]:
        """Remember the person's language, and show the page anew. Raises InvalidInputError."""
        locale = data.get("locale", "")
        if locale not in LANGUAGES:
            raise InvalidInputError("There is no such language here.")
        who = principal(request)
        async with UnitOfWork(services.database, who.scope) as uow:
            await set_locale(uow, who.user_id, locale)
            await uow.commit()
        reply: Response[None] = Response(None, status_code=204, headers={"hx-refresh": "true"})
        reply.set_cookie(LANGUAGE_COOKIE, locale, max_age=_YEAR, samesite="lax", httponly=True)
        return reply

    @get("/elsewhere")
    async def elsewhere(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """For a client's person at the console's host: where the own portal is. Nothing else is said."""
        who = principal(request)
        if who.role is not Role.CLIENT:
            raise NotFoundError
        async with UnitOfWork(services.database, who.scope) as uow:
            hosts = await list_domains(uow)
        port = request.url.port
        addresses = [f"{request.url.scheme}://{host}{f':{port}' if port else ''}/" for host in hosts]
        return await page(request, services, "elsewhere.html", {"addresses": addresses})


ENTRANCE = (EntranceController, PersonController)
