"""Answers for pages and programs: a query with its rates, the rows behind a value, what moved, how old it is."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from shelftide.analytics.metrics.answer import Answer, Rates
from shelftide.analytics.metrics.ask import LoadRates, ask
from shelftide.analytics.metrics.catalogue import Catalogue, catalogue, catalogue_with
from shelftide.analytics.metrics.explain import MOST_ROWS, rows_behind
from shelftide.analytics.metrics.facts import RECORDS
from shelftide.analytics.metrics.query import Asked, Query, Span, check, parts
from shelftide.analytics.metrics.restated import Moved, moved
from shelftide.analytics.metrics.rolled import RollUp
from shelftide.analytics.rates import load_rates
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Scope
from shelftide.ingest.plugins import metrics_for
from shelftide.jobs.services import Services
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.warehouse import Warehouse
from shelftide.web.figures import newest_of


class FactAge(msgspec.Struct, frozen=True, kw_only=True):
    """Until when all streams of a fact were read; None when one never was."""

    fact: str
    record: str
    fresh_at: datetime | None


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """Of a value's group and period one part of its formula; `after` so many rows."""

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


async def catalogue_of(services: Services, scope: Scope) -> Catalogue:
    """What the scope's agency can ask: the product's catalogue, and the metrics of the plugins that it uses."""
    if not any(plugin.metrics for plugin in services.registry.plugins):
        return catalogue()
    async with UnitOfWork(services.database, scope) as uow:
        return catalogue_with(await metrics_for(uow, services.registry))


async def answer_of(services: Services, scope: Scope, query: Query) -> Answer:
    """The answer of the scope's brand, with its rates. Raises InvalidInputError."""
    known = await catalogue_of(services, scope)
    warehouse, rates = _warehouse(services, scope), _rates_for(services, scope, query)
    roll_up = RollUp(lambda: UnitOfWork(services.database, scope))
    return await ask(known, query, warehouse, rates, roll_up)


async def restated(services: Services, scope: Scope, query: Query, told_at: datetime) -> list[Moved]:
    """The values of a query that moved since a moment, by the facts. Raises InvalidInputError for a naive moment."""
    known = await catalogue_of(services, scope)
    warehouse, rates = _warehouse(services, scope), _rates_for(services, scope, query)
    then = await ask(known, msgspec.structs.replace(query, as_of=told_at), warehouse, rates)
    return moved(then, await ask(known, query, warehouse, rates))


async def fact_rows(services: Services, scope: Scope, query: Query, behind: Behind) -> list[FactRows]:
    """Rows of one part of a value's formula, a page for each fact. Raises InvalidInputError for an unknown group."""
    asked = check(await catalogue_of(services, scope), query)
    unknown = set(behind.group) - {dimension.name for dimension in asked.dimensions}
    if unknown or not 0 <= behind.after <= 10**6:
        raise InvalidInputError("The group names what the query does not cut by.")
    found = []
    for each in rows_behind(asked, behind.measure, behind.period or query.span, behind.group, after=behind.after):
        table = await _warehouse(services, scope).query(each.statement, as_of=query.as_of)
        rows = table.to_pylist()
        more = behind.after + MOST_ROWS if len(rows) == MOST_ROWS else None
        found.append(FactRows(fact=each.fact, record=RECORDS[each.fact], rows=rows, next=more))
    return found


def _warehouse(services: Services, scope: Scope) -> Warehouse:
    if scope.tenant_id is None:
        raise LookupError("a question is about one brand")
    return services.warehouses.of(scope.tenant_id)


def _rates_for(services: Services, scope: Scope, query: Query) -> LoadRates:
    """Loads exchange rates for the days of a query and of what it is compared with."""
    before, warehouse = query.before(), _warehouse(services, scope)
    since = min(query.since, before.since if before else query.since)

    async def load(currencies: frozenset[str]) -> Rates:
        async with UnitOfWork(services.database, scope) as uow:
            wanted = currencies | {str(query.currency)}
            return await load_rates(uow, warehouse, since=since, until=query.until, currencies=wanted)

    return load


async def ages_of(services: Services, uow: UnitOfWork, asked: Asked) -> list[FactAge]:
    """How old the facts of a query are."""
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
