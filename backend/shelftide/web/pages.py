"""What every page has: a language, a look, the person, the navigation. Console and portal render through here."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import State

from shelftide.core.scope import Right
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import Agency, get_agency
from shelftide.store.repositories.people import Principal
from shelftide.store.repositories.runs import count_open
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.places import agency_scope, place_of
from shelftide.web.branding import NEUTRAL, checked_colour, theme_version
from shelftide.web.i18n import DEFAULT, LANGUAGES, Words, known_locale, negotiate

AnyRequest = Request[Any, Any, State]
LANGUAGE_COOKIE = "shelftide_language"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Whose page it is. `name` is empty on the console's sign-in page: it belongs to no agency yet."""

    name: str = ""
    colour: str = NEUTRAL
    accent: str = NEUTRAL
    locale: str = ""
    portal: bool = False
    theme_url: str = ""

    letter: ClassVar[property] = property(lambda self: (self.name or "S")[0].upper())


def look_of(agency: Agency | None, *, portal: bool, accent: str = "") -> Look:
    """An agency's look, with a brand's colour as accent where one is shown."""
    colour = checked_colour(agency.colour) if agency else NEUTRAL
    second = checked_colour(accent) if accent else colour
    url = f"/theme.css?v={theme_version(colour, second)}"
    return Look(
        name=agency.name if agency else "",
        colour=colour,
        accent=second,
        locale=agency.locale if agency else "",
        portal=portal,
        theme_url=f"{url}&accent={second[1:]}" if second != colour else url,
    )


async def agency_here(request: AnyRequest, services: Services) -> Agency | None:
    """The agency of the host, or of the person who is signed in to the console."""
    place = await place_of(request)
    who: Principal | None = request.scope.get("user")
    agency_id = place.agency_id or (who.scope.agency_id if who else None)
    if agency_id is None:
        return None
    async with UnitOfWork(services.database, agency_scope(agency_id)) as uow:
        return await get_agency(uow)


def words_for(request: AnyRequest, agency_locale: str = "", *, zone: str = "UTC") -> Words:
    """The person's language; before sign-in the one chosen on the page, then the browser's, then the agency's."""
    who: Principal | None = request.scope.get("user")
    return Words(who.locale if who else _browser_locale(request, agency_locale), zone)


def _browser_locale(request: AnyRequest, fallback: str = "") -> str:
    asked = request.cookies.get(LANGUAGE_COOKIE, "")
    header = request.headers.get("accept-language", "")
    chosen = known_locale(asked) if asked else None
    return chosen or (negotiate(header) if header else known_locale(fallback) or DEFAULT)


async def page(
    request: AnyRequest,
    services: Services,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    accent: str = "",
    zone: str = "UTC",
    status: int = 200,
) -> Response[str]:
    """A whole page, or the part of one that htmx asked for, as HTML that no cache keeps."""
    agency = await agency_here(request, services)
    place = await place_of(request)
    look = look_of(agency, portal=place.is_portal, accent=accent)
    words = words_for(request, look.locale, zone=zone)
    who: Principal | None = request.scope.get("user")
    context = {
        **_language(words),
        "look": look,
        "who": who,
        "csrf": who.csrf if who else "",
        "may": {right.value: bool(who and who.scope.may(right)) for right in Right},
        "path": request.url.path,
        "now": services.clock.now(),
        "simulation": await _simulation(services, who) if who and not place.is_portal else None,
        **(values or {}),
    }
    engine = request.app.template_engine
    assert engine is not None
    html = engine.get_template(template).render(**context)
    return Response(html, media_type=MediaType.HTML, status_code=status, headers={"cache-control": "private, no-store"})


def _language(words: Words) -> dict[str, Any]:
    return {"w": words, "_": words.text, "ngettext": words.plural, "lang": words.tag, "languages": LANGUAGES}


async def _simulation(services: Services, who: Principal) -> dict[str, Any] | None:
    """The demo's bar: the simulated day, and how many runs are still to come."""
    if not services.settings.demo:
        return None
    await services.refresh_clock()
    async with UnitOfWork(services.database, who.scope) as uow:
        return {"now": services.clock.now(), "open": await count_open(uow)}


def problem_page(request: AnyRequest, *, status: int, title: str, hint: str) -> Response[str]:
    """An error as a page. It names nobody and looks the same on every host, so that it tells a stranger nothing."""
    engine = request.app.template_engine
    assert engine is not None
    # Not the person's language: where no route matches nobody is known, and the two answers must not differ.
    words = Words(_browser_locale(request))
    html = engine.get_template("problem.html").render(**_language(words), status=status, title=title, hint=hint)
    return Response(html, status_code=status, media_type=MediaType.HTML, headers={"cache-control": "no-store"})
