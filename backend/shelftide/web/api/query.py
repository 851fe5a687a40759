"""`/api/v1/tenants/{id}/query`: metrics by dimensions and time, each value open to its formula and rows."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from shelftide.analytics.metrics.answer import Answer, Rate, Rates, Row, Value
from shelftide.analytics.metrics.ask import ask
from shelftide.analytics.metrics.catalogue import catalogue
from shelftide.analytics.metrics.explain import MOST_ROWS, MetricNote, note_of, rows_behind
from shelftide.analytics.metrics.facts import RECORDS
from shelftide.analytics.metrics.query import Asked, Query, Span, check, parts
from shelftide.analytics.rates import load_rates
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Right, Scope
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.figures import newest_of
from shelftide.web.tables import MEDIA_TYPES, write_table

_CURSOR = re.compile(r"(\d{1,9})@(\d{4}-\d\d-\d\dT[0-9:.]{8,15}\+00:00)", re.ASCII)
Format = Literal["json", "csv", "xlsx", "parquet", "arrow"]
Limit = Annotated[int, QueryParameter(ge=1, le=10_000, description="How many rows a page.")]


class FactAge(msgspec.Struct, frozen=True, kw_only=True):
    """Until when all streams of a fact were read; None when one never was."""

    fact: str
    record: str
    fresh_at: datetime | None


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


class RowsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: of a query's value, one part of its formula."""

    query: Query
    measure: str
    group: dict[str, str | None] = {}
    period: Span | None = None
    after: int = 0


class FactRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one fact, oldest first; `next` is where the next ones begin."""

    fact: str
    record: str
    rows: list[dict[str, Any]]
    next: int | None


class MetricController(Controller):
    """What can be asked."""

    path = "/api/v1/metrics"
    guards = (requires(Right.READ),)
    tags = ("metrics",)

    @get("/", summary="Metrics with their definitions")
    async def metrics(self) -> list[MetricNote]:
        """Every metric: formula, denominator, unit, class, dimensions, parts."""
        known = catalogue()
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
        asked = check(catalogue(), pinned)
        known_at = pinned.as_of or services.clock.now()
        answer = await ask(
            catalogue(), pinned, services.warehouses.of(tenant_id), await _rates(services, scope, pinned)
        )
        if format != "json":
            body = write_table(columns_of(asked), flat(asked, answer), format)
            name = f'attachment; filename="metrics.{format}"'
            return Response(body, media_type=MEDIA_TYPES[format], headers={"content-disposition": name})
        async with UnitOfWork(services.database, scope) as uow:
            zone = (await get_tenant(uow, tenant_id)).zone
            ages = await _ages(services, uow, asked)
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
                explain=[note_of(catalogue(), metric) for metric in asked.metrics] if explain else None,
            )
        )

    @post("/rows", summary="The rows behind a value", status_code=200)
    async def rows(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[RowsRequest]
    ) -> list[FactRows]:
        """Rows of one part of a value's formula, a page for each fact that it comes from."""
        scope_of(request, tenant_id)
        asked = check(catalogue(), data.query)
        unknown = set(data.group) - {dimension.name for dimension in asked.dimensions}
        if unknown or not 0 <= data.after <= 10**6:
            raise InvalidInputError("The group names what the query does not cut by.")
        span = data.period or data.query.span
        found = []
        for each in rows_behind(asked, data.measure, span, data.group, after=data.after):
            table = await services.warehouses.of(tenant_id).query(each.statement, as_of=data.query.as_of)
            rows = table.to_pylist()
            more = data.after + MOST_ROWS if len(rows) == MOST_ROWS else None
            found.append(FactRows(fact=each.fact, record=RECORDS[each.fact], rows=rows, next=more))
        return found


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


async def _rates(services: Services, scope: Scope, query: Query) -> Rates | None:
    """Exchange rates for the days of a query and of what it is compared with; none where nothing is converted."""
    if query.currency is None or scope.tenant_id is None:
        return None
    before = query.before()
    warehouse = services.warehouses.of(scope.tenant_id)
    async with UnitOfWork(services.database, scope) as uow:
        return await load_rates(
            uow, warehouse, since=min(query.since, before.since if before else query.since), until=query.until
        )


async def _ages(services: Services, uow: UnitOfWork, asked: Asked) -> list[FactAge]:
    facts = dict.fromkeys(part.fact for part in parts(asked, asked.query.span))
    newest = await newest_of(uow, services.registry, [RECORDS[fact] for fact in facts])
    return [FactAge(fact=fact, record=RECORDS[fact], fresh_at=newest[RECORDS[fact]]) for fact in facts]


def columns_of(asked: Asked) -> list[str]:
    """The columns of `flat`."""
    fixed = ["since", "until", "metric", "currency", "value", "before", "reason"]
    return [*(dimension.name for dimension in asked.dimensions), *fixed]


def flat(asked: Asked, answer: Answer) -> list[dict[str, Any]]:
    """A line for each value: dimensions, period, metric, currency, value, reason."""
    return [
        {
            **{d.name: row.dimensions[d.name] for d in asked.dimensions},
            "since": row.period.since,
            "until": row.period.until,
            "metric": value.metric,
            "currency": value.currency or None,
            "value": None if value.value is None else _cents(value.value),
            "before": None if value.before is None else _cents(value.before),
            "reason": value.reason,
        }
        for row in answer.rows
        for value in row.values
    ]


def _cents(value: Decimal) -> Decimal:
    """Nine places: more than any currency or rate needs, and one type for the whole column."""
    return value.quantize(Decimal("0.000000001"))
