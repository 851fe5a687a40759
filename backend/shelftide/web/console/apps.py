"""The agency's registrations at the platforms: keys in, never out; review, approved scopes, limits."""

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from shelftide.core.scope import Right
from shelftide.store.repositories.apps import REVIEWS, accounts_served, list_platform_apps
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.apps import AppRequest, forget_app, save_app
from shelftide.web.auth.connecting import redirect_uri
from shelftide.web.auth.doors import AppServices, principal, requires
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page
from shelftide_sdk import OAuth2


class AppsController(Controller):
    """For owners: who holds these keys speaks for the agency."""

    path = "/console/apps"
    guards = (console_only, requires(Right.MANAGE))
    include_in_schema = False

    @get("/")
    async def apps(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """Every connector that works by consent, with the agency's registration where there is one."""
        return await _show(request, services)

    @post("/{connector:str}", status_code=200)
    async def save(self, request: AnyRequest, services: AppServices, connector: FromPath[str]) -> Response[str]:
        """Store what was entered; an empty secret keeps the one that is there."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        await save_app(services, principal(request).scope, connector, _asked(form))
        return await _show(request, services, saved=connector)

    @post("/{connector:str}/remove", status_code=200)
    async def remove(self, request: AnyRequest, services: AppServices, connector: FromPath[str]) -> Response[str]:
        """Forget a registration; its connections stop until there is one again."""
        await forget_app(services, principal(request).scope, connector)
        return await _show(request, services)


def _asked(form: dict[str, str]) -> AppRequest:
    scopes = form.pop("scopes", "").replace(",", " ").split()
    limit = form.pop("account_limit", "").strip()
    return AppRequest(
        client_id=form.pop("client_id", ""),
        client_secret=form.pop("client_secret", ""),
        review=form.pop("review", "unknown"),
        scopes=tuple(scopes) or None,
        account_limit=limit or None,
        extra=form,
    )


async def _show(request: AnyRequest, services: AppServices, *, saved: str = "") -> Response[str]:
    async with UnitOfWork(services.database, principal(request).scope) as uow:
        apps = {app.connector: app for app in await list_platform_apps(uow)}
        served = await accounts_served(uow)
    by_consent = [c for c in services.registry.connectors.values() if isinstance(c.auth, OAuth2)]
    values = {
        "connectors": sorted(by_consent, key=lambda c: c.info.title),
        "apps": apps,
        "served": served,
        "callbacks": {c.info.name: redirect_uri(services, c.info.name) for c in by_consent},
        "reviews": REVIEWS,
        "saved": saved,
        "nav": "apps",
    }
    part = request.method == "POST"
    return await page(request, services, "console/app_list.html" if part else "console/apps.html", values)
