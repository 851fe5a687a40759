"""`/api/v1/tenants/{id}/query`: metrics by dimensions and time, each value open to its formula and rows."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from shelftide.analytics.metrics.answer import Rate, Row, Value
from shelftide.analytics.metrics.explain import MetricNote, note_of
from shelftide.analytics.metrics.query import Query, check
from shelftide.analytics.metrics.restated import Moved
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.answers import (
    Behind,
    FactAge,
    FactRows,
    ages_of,
    answer_of,
    catalogue_of,
    columns_of,
    fact_rows,
    flat,
    restated,
)
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, principal, requires, scope_of
from shelftide.web.tables import MEDIA_TYPES, write_table

_CURSOR = re.compile(r"(\d{1,9})@(\d{4}-\d\d-\d\dT[0-9:.]{8,15}\+00:00)", re.ASCII)
Format = Literal["json", "csv", "xlsx", "parquet", "arrow"]
Limit = Annotated[int, QueryParameter(ge=1, le=10_000, description="How many rows a page.")]


class QueryReply(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an answer. `next` is the cursor of the next page. `zone` is the brand's; days are the accounts' own."""

    rows: list[Row]
    totals: list[Value]
    rates: list[Rate]
    notes: list[str]
    as_of: datetime
    zone: str
    freshness: list[FactAge]
    next: str | None = None
    explain: list[MetricNote] | None = None


class RowsRequest(Behind, frozen=True, kw_only=True):
    """Which rows: of a query's value, one part of its formula."""

    query: Query


class RestatementRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A query, and the moment when its answer was told."""

    query: Query
    told_at: datetime


class MetricController(Controller):
    """What can be asked."""

    path = "/api/v1/metrics"
    guards = (requires(Right.READ),)
    tags = ("metrics",)

    @get("/", summary="Metrics with their definitions")
    async def metrics(self, request: AnyRequest, services: AppServices) -> list[MetricNote]:
        """Every metric with its formula, denominator, unit, class and dimensions; also those of plugins in use."""
        known = await catalogue_of(services, principal(request).scope)
        return [note_of(known, metric) for metric in known.metrics.values()]


class QueryController(Controller):
    """Asks the warehouse of one brand; there is no way to name another one."""

    path = "/api/v1/tenants/{tenant_id:uuid}/query"
    guards = (requires(Right.READ),)
    tags = ("metrics",)

    @post("/", summary="Metrics by dimensions and time", status_code=200)
    async def query(
        self,
        request: AnyRequest,
        services: AppServices,
        *,
        tenant_id: PathId,
        data: JSONBody[Query],
        explain: FromQuery[bool] = False,
        cursor: FromQuery[str | None] = None,
        limit: Limit = 1000,
        format: FromQuery[Format] = "json",  # noqa: A002  # the word that people know
    ) -> Response[Any]:
        """A page of rows, the totals, and what they rest on. A file holds all rows, a line for each value.

        Without `as_of` the first page fixes it, so that all pages tell of the same moment.
        """
        scope = scope_of(request, tenant_id)
        await services.refresh_clock()
        start, as_of = _place(cursor)
        pinned = msgspec.structs.replace(data, as_of=data.as_of or as_of)
        known = await catalogue_of(services, scope)
        asked = check(known, pinned)
        known_at = pinned.as_of or services.clock.now()
        answer = await answer_of(services, scope, pinned)
        if answer.rolled and format == "json" and len(answer.rows) > limit:
            # Later pages are asked of the facts as known now; the first one must not be the roll-up's.
            answer = await answer_of(services, scope, msgspec.structs.replace(pinned, as_of=known_at))
        if format != "json":
            body = write_table(columns_of(asked), flat(asked, answer), format)
            name = f'attachment; filename="metrics.{format}"'
            return Response(body, media_type=MEDIA_TYPES[format], headers={"content-disposition": name})
        async with UnitOfWork(services.database, scope) as uow:
            zone = (await get_tenant(uow, tenant_id)).zone
            ages = await ages_of(services, uow, asked)
        rows = answer.rows[start : start + limit]
        more = start + limit < len(answer.rows)
        return Response(
            QueryReply(
                rows=rows,
                totals=answer.totals,
                rates=answer.rates,
                notes=answer.notes,
                as_of=known_at,
                zone=zone,
                freshness=ages,
                next=f"{start + limit}@{known_at.isoformat()}" if more else None,
                explain=[note_of(known, metric) for metric in asked.metrics] if explain else None,
            )
        )

    @post("/rows", summary="The rows behind a value", status_code=200)
    async def rows(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[RowsRequest]
    ) -> list[FactRows]:
        """Rows of one part of a value's formula, a page for each fact that it comes from."""
        scope = scope_of(request, tenant_id)
        return await fact_rows(services, scope, data.query, data)

    @post("/restatements", summary="What moved since a figure was told", status_code=200)
    async def restatements(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[RestatementRequest]
    ) -> list[Moved]:
        """Values that differ from those of `told_at`, each with both numbers of rows and the cause that they show.

        The later side is the query's `as_of`, or now. Days are told apart by the query's grain.
        """
        await services.refresh_clock()
        return await restated(services, scope_of(request, tenant_id), data.query, data.told_at)


def _place(cursor: str | None) -> tuple[int, datetime | None]:
    """Where a page begins, and the moment of the first one. Raises InvalidInputError."""
    if cursor is None:
        return 0, None
    found = _CURSOR.fullmatch(cursor)
    try:
        if found is not None:
            return int(found[1]), datetime.fromisoformat(found[2])
    except ValueError:
        pass
    raise InvalidInputError("This cursor is not one of ours.", hint="Begin without a cursor.")
