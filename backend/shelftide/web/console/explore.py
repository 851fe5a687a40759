"""Exploring a brand's numbers: any metric by any cut, kept as views, each value open to its formula and rows."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from shelftide.analytics.metrics.catalogue import DAYS, Catalogue, Dimension, Metric
from shelftide.analytics.metrics.explain import note_of
from shelftide.analytics.metrics.query import Asked, Compare, Grain, check
from shelftide.analytics.metrics.view import Drawing, View
from shelftide.core.errors import AppError, InvalidInputError, NotFoundError
from shelftide.core.scope import Right, Scope
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import Tenant, get_tenant
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.answers import (
    Behind,
    FactRows,
    ages_of,
    answer_of,
    catalogue_of,
    columns_of,
    fact_rows,
    flat,
    restated,
)
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.explorer import (
    Page,
    Place,
    address_of,
    chips,
    filter_texts,
    formatted,
    known_at,
    params_of,
    period_name,
    place_of,
    shown,
    view_of,
)
from shelftide.web.figures import PERIODS
from shelftide.web.pages import AnyRequest, page, words_for
from shelftide.web.tables import MEDIA_TYPES, write_table
from shelftide.web.views import Audience, ViewRequest, drop_view, keep_view, kept_views

_ROWS_SHOWN = 30
_MOST_MOVED = 200


class ExploreController(Controller):
    """Reading, and keeping what is asked often."""

    path = "/console/brands/{tenant_id:uuid}/explore"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def explore(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], as_of: FromQuery[str] = ""
    ) -> Response[str]:
        """The question's form, its answer as drawing and table, and the views that are kept."""
        return await _show(request, services, tenant_id, list(request.query_params.multi_items()), as_of=as_of)

    @get("/file")
    async def file(
        self,
        request: AnyRequest,
        services: AppServices,
        tenant_id: FromPath[UUID],
        as_of: FromQuery[str] = "",
        form: FromQuery[str] = "csv",
    ) -> Response[bytes]:
        """The whole answer as a file."""
        if form not in MEDIA_TYPES:
            raise InvalidInputError("There is no such kind of file.", hint=f"{', '.join(MEDIA_TYPES)}.")
        desk = await _desk(request, services, tenant_id, list(request.query_params.multi_items()), as_of)
        answer = await answer_of(services, desk.scope, desk.asked.query)
        body = write_table(columns_of(desk.asked), flat(desk.asked, answer), form)
        headers = {"content-disposition": f'attachment; filename="metrics.{form}"', "cache-control": "no-store"}
        return Response(body, media_type=MEDIA_TYPES[form], headers=headers)

    @get("/value")
    async def value(
        self,
        request: AnyRequest,
        services: AppServices,
        tenant_id: FromPath[UUID],
        as_of: FromQuery[str] = "",
    ) -> Response[str]:
        """One value: formula with its parts, rows, sources, windows, rates, zone, freshness, and what is missing."""
        params = list(request.query_params.multi_items())
        desk = await _desk(request, services, tenant_id, params, as_of)
        values = await _value(services, desk, place_of(params))
        return await _page(request, services, desk, "console/explore_value.html", values)

    @get("/moved")
    async def moved(
        self,
        request: AnyRequest,
        services: AppServices,
        tenant_id: FromPath[UUID],
        told: FromQuery[str] = "",
        as_of: FromQuery[str] = "",
    ) -> Response[str]:
        """What moved since a day on which the figures were told."""
        desk = await _desk(request, services, tenant_id, list(request.query_params.multi_items()), as_of)
        told_at = known_at(told, desk.tenant.zone)
        found = [] if told_at is None else await restated(services, desk.scope, desk.asked.query, told_at)
        metrics = {metric.name: metric for metric in desk.asked.metrics}
        lines = [
            {
                "group": " · ".join(shown(name, value, desk.words) for name, value in each.dimensions.items()),
                "period": period_name(each.period, desk.asked.query, desk.words),
                "metric": metrics[each.metric].titles[desk.words.locale],
                "before": formatted(metrics[each.metric], each.before, each.currency, desk.words),
                "after": formatted(metrics[each.metric], each.after, each.currency, desk.words),
                "rows": (each.rows_before, each.rows_after),
                "cause": each.cause.value,
            }
            for each in found[:_MOST_MOVED]
        ]
        values = {"lines": lines, "more": len(found) - len(lines), "told": told}
        return await _page(request, services, desk, "console/explore_moved.html", values)

    @post("/views", status_code=200)
    async def keep(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """Keep what is shown under a name."""
        form = await request.form()
        params = [(name, str(value)) for name, value in form.multi_items()]
        audience = str(form.get("audience", Audience.MINE.value))
        if audience not in set(Audience):
            raise InvalidInputError("A view is kept for oneself, the brand or the agency.")
        asked = ViewRequest(name=str(form.get("name", "")), view=view_of(params), audience=Audience(audience))
        await services.refresh_clock()
        await keep_view(services, scope_of(request, tenant_id), asked)
        return await _views(request, services, tenant_id)

    @post("/views/{view_id:uuid}/drop", status_code=200)
    async def drop(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], view_id: FromPath[UUID]
    ) -> Response[str]:
        """Drop a view of one's own, or a template."""
        await drop_view(services, scope_of(request, tenant_id), view_id)
        return await _views(request, services, tenant_id)


class _Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a page here works with."""

    scope: Scope
    tenant: Tenant
    known: Catalogue
    view: View
    asked: Asked
    as_of: str
    words: Any


Params = Sequence[tuple[str, str]]


async def _desk(request: AnyRequest, services: Services, tenant_id: UUID, params: Params, as_of: str) -> _Desk:
    scope = scope_of(request, tenant_id)
    await services.refresh_clock()
    async with UnitOfWork(services.database, scope) as uow:
        tenant = await get_tenant(uow, tenant_id)
    view = view_of(params)
    query = view.query(services.clock.now(), tenant.zone, known_at(as_of, tenant.zone))
    words = words_for(request, zone=tenant.zone)
    known = await catalogue_of(services, scope)
    asked = check(known, query)
    return _Desk(scope=scope, tenant=tenant, known=known, view=view, asked=asked, as_of=as_of, words=words)


def _params(desk: _Desk) -> list[tuple[str, str]]:
    return params_of(desk.view) + [("as_of", desk.as_of)] * bool(desk.as_of)


async def _page(
    request: AnyRequest, services: Services, desk: _Desk, template: str, values: dict[str, Any]
) -> Response[str]:
    base = f"/console/brands/{desk.tenant.tenant_id}/explore"
    shared = {
        "brand": desk.tenant,
        "desk": desk,
        "base": base,
        "address_of": address_of,
        "params": _params(desk),
        "filters": [("not" if f.without else "is", text) for f in desk.view.filters for text in filter_texts(f)],
        "nav": "brands",
        "tab": "explore",
    }
    return await page(
        request, services, template, {**shared, **values}, accent=desk.tenant.colour, zone=desk.tenant.zone
    )


async def _show(
    request: AnyRequest, services: Services, tenant_id: UUID, params: Params, *, as_of: str
) -> Response[str]:
    """The page. A question that cannot be answered is told above its form, which still shows it."""
    refused: AppError | None = None
    sheet = answer = None
    try:
        desk = await _desk(request, services, tenant_id, params, as_of)
        answer = await answer_of(services, desk.scope, desk.asked.query)
        base = f"/console/brands/{tenant_id}/explore/value"
        sheet = Page(asked=desk.asked, view=desk.view, base=base, params=_params(desk), words=desk.words).sheet(answer)
    except InvalidInputError as error:
        refused = error
        desk = await _desk(request, services, tenant_id, [], "")
    async with UnitOfWork(services.database, desk.scope) as uow:
        views = await kept_views(uow)
        ages = await ages_of(services, uow, desk.asked)
    known = desk.known
    locale = desk.words.locale
    titles = {name: each.titles[locale] for name, each in known.metrics.items()}
    titles |= {name: each.titles[locale] for name, each in known.dimensions.items()}
    values = {
        "chips": chips(desk.view, titles),
        "sheet": sheet,
        "answer": answer,
        "refused": refused,
        "ages": ages,
        "views": views,
        "metrics": _by_title(known.metrics.values(), desk),
        "dimensions": _by_title(_cuts(desk), desk),
        "all_dimensions": known.dimensions,
        "grains": list(Grain),
        "compares": list(Compare),
        "drawings": list(Drawing),
        "periods": PERIODS,
    }
    part = request.headers.get("hx-target") == "explore"
    template = "console/explore_answer.html" if part else "console/explore.html"
    return await _page(request, services, desk, template, values)


def _cuts(desk: _Desk) -> list[Dimension]:
    """What all of the chosen metrics can be cut by."""
    known, asked = desk.known, desk.asked
    names = frozenset.intersection(*(known.dimensions_of(metric) for metric in asked.metrics))
    return [known.dimensions[name] for name in names]


def _by_title(found: Any, desk: _Desk) -> list[Metric | Dimension]:
    return sorted(found, key=lambda each: each.titles[desk.words.locale].casefold())


async def _value(services: Services, desk: _Desk, place: Place) -> dict[str, Any]:
    asked = desk.asked
    metric = next((each for each in asked.metrics if each.name == place.metric), None)
    answer = await answer_of(services, desk.scope, asked.query)
    value = place.of(answer)
    if metric is None or value is None:
        raise NotFoundError("This question has no such value.", hint="Open it from the table.")
    parts = []
    for name in metric.formula.names:
        if name != DAYS:
            behind = Behind(measure=name, group=place.group, period=place.period)
            parts.append((name, await fact_rows(services, desk.scope, asked.query, behind)))
    async with UnitOfWork(services.database, desk.scope) as uow:
        ages = await ages_of(services, uow, asked)
    if asked.query.currency is None and place.currency:
        parts = [(name, [_in(each, place.currency) for each in found]) for name, found in parts]
    return {
        "metric": metric,
        "note": note_of(desk.known, metric),
        "value": value,
        "text": formatted(metric, value.value, value.currency, desk.words),
        "place": place,
        "period": place.period or asked.query.span,
        "groups": [shown(name, each, desk.words) for name, each in place.group.items()],
        "parts": parts,
        "shown": _ROWS_SHOWN,
        "told_columns": _told_columns,
        "rates": [rate for rate in answer.rates if place.period is None or place.period.has(rate.wanted)],
        "notes": [note for note in answer.notes if note.split(" ")[0] in metric.formula.names],
        "ages": ages,
        "as_of": asked.query.as_of or services.clock.now(),
    }


def _in(facts: FactRows, currency: str) -> FactRows:
    """Rows of one currency, where rows have one."""
    rows = [row for row in facts.rows if row.get("currency", currency) in (currency, None)]
    return msgspec.structs.replace(facts, rows=rows)


def _told_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns that say something to people: not empty in all rows, and no ids of ours."""
    return [name for name in rows[0] if name != "connection" and any(row[name] is not None for row in rows)]


async def _views(request: AnyRequest, services: Services, tenant_id: UUID) -> Response[str]:
    scope = scope_of(request, tenant_id)
    async with UnitOfWork(services.database, scope) as uow:
        tenant, views = await get_tenant(uow, tenant_id), await kept_views(uow)
    base = f"/console/brands/{tenant_id}/explore"
    values = {"brand": tenant, "base": base, "views": views, "address_of": address_of}
    return await page(request, services, "console/explore_views.html", values)
