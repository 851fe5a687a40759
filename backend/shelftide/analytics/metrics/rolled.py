"""What the roll-up holds of the facts: sums that add up over everything, by day, platform, connection and currency.

A cell is one column of one fact, summed over the rows of a day that tell it. Which cells there are follows from the
catalogue, what they sum from the facts' own views: the roll-up cannot mean something else than a statement over facts.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Numeric, Select, String, and_, case, cast, func, literal, select

from shelftide.analytics.metrics.catalogue import Aggregate, Source, catalogue, fact, measures_of
from shelftide.analytics.metrics.facts import RECORDS, Fact
from shelftide.analytics.metrics.query import (
    ADDING,
    Asked,
    Member,
    Part,
    Span,
    conditions_on,
    currency_of,
    keys_of,
    together,
)
from shelftide.store.models import metric_daily
from shelftide.store.repositories.rollup import is_rolled
from shelftide.store.unit_of_work import UnitOfWork

# Facts whose rows say all of themselves. The others look into a second table, whose change leaves the day untouched.
PLAIN = frozenset(
    {
        "orders",
        "order_lines",
        "refunds",
        "fees",
        "payouts",
        "sales_days",
        "ad_days",
        "off_platform_spend",
        "mentions",
        "sessions",
        "footfall",
    }
)
_LOOKED_UP = frozenset({("order_lines", "cost")})  # today's unit cost is the variant's
_DIMENSIONS = frozenset({"platform", "connection"})
_STORED = Numeric(24, 6)
_NAME = "metric"
_CELL = (_NAME, "value", "rows")
_ANSWERED = Numeric(38, 9)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a fact, of the rows that tell the `complete` columns too. `sums` unless it is only counted."""

    fact: str
    column: str
    complete: tuple[str, ...] = ()
    sums: bool = True

    @property
    def name(self) -> str:
        """How the roll-up calls it: `orders.total`, `ad_days.clicks+impressions`."""
        return name_of(self.fact, self.column, self.complete)


def name_of(fact_name: str, column: str, complete: Sequence[str]) -> str:
    """The name of a cell."""
    others = sorted(set(complete) - {column})
    return f"{fact_name}.{'+'.join([column, *others])}"


@cache
def cells() -> dict[str, tuple[Cell, ...]]:
    """The cells of each fact, all that the catalogue's metrics can be made of."""
    known = catalogue()
    found: dict[str, dict[str, Cell]] = {}
    for metric in known.metrics.values():
        measures = measures_of(known, [metric])
        for measure in measures:
            for source in measure.sources if measure.aggregate in ADDING else ():
                if not _is_plain(source):
                    continue
                complete = together(metric, measure, measures)
                cell = Cell(
                    fact=source.fact,
                    column=source.column,
                    complete=complete,
                    sums=measure.aggregate is not Aggregate.COUNT,
                )
                mine = found.setdefault(source.fact, {})
                if cell.name not in mine or cell.sums:
                    mine[cell.name] = cell
    return {name: tuple(mine.values()) for name, mine in found.items()}


def _is_plain(source: Source) -> bool:
    return source.fact in PLAIN and not source.where and (source.fact, source.column) not in _LOOKED_UP


@cache
def edition() -> int:
    """Changes when the cells do: what was rolled up by another edition is rolled up again."""
    names = sorted(f"{cell.name}:{cell.sums}" for some in cells().values() for cell in some)
    present = [presence_of(name, money) for name in sorted(cells()) for money in _by_currency(name)]
    return zlib.crc32(" ".join([*names, *present]).encode())


def facts_of_record(record: str) -> list[str]:
    """The facts with cells that a record's rows make."""
    return [name for name in cells() if RECORDS[name] == record]


def names_of_record(record: str) -> list[str]:
    """The names of all that a record's rows leave in the roll-up."""
    return [
        name
        for fact_name in facts_of_record(record)
        for money, some in _by_currency(fact_name).items()
        for name in (presence_of(fact_name, money), *(cell.name for cell in some))
    ]


def presence_of(fact_name: str, money: str) -> str:
    """The name of a cell that counts all rows, also those that tell nothing: what is unknown of them is an answer."""
    return f"{fact_name}.*{money}"


@cache
def _by_currency(fact_name: str) -> dict[str, tuple[Cell, ...]]:
    """The cells of a fact by the column that holds their currency."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells()[fact_name]:
        groups.setdefault(currency_of(fact_name, cell.column), []).append(cell)
    return {money: tuple(some) for money, some in groups.items()}


class CellStatement(msgspec.Struct, frozen=True):
    """One statement for cells of one fact and currency column: day, platform, currency, value and rows of each.

    `names` are those of the figures: presence, then the cells.
    """

    statement: Select[Any]
    names: tuple[str, ...]

    def unpivoted(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A row per name, day, platform and currency; a cell that rests on no row is not there.

        Presence is told where a cell is missing: elsewhere the cells themselves say that there are rows.
        """
        return [
            {
                "metric": self.names[number],
                "day": row["day"],
                "platform": row["platform"],
                "currency": row["currency"] or "",
                "value": row[f"value_{number}"],
                "rows": row[f"rows_{number}"],
            }
            for row in rows
            for number in self._told(row)
        ]

    def _told(self, row: Mapping[str, Any]) -> list[int]:
        told = [number for number in range(1, len(self.names)) if row[f"rows_{number}"]]
        return told if len(told) == len(self.names) - 1 else [0, *told]


def cell_statements(connection_id: UUID, days: Mapping[str, Sequence[date]]) -> list[CellStatement]:
    """The statements for the days of each record that were touched, over one connection's current facts."""
    return [
        _statement(name, money, some, connection_id, touched)
        for record, touched in days.items()
        for name in facts_of_record(record)
        for money, some in _by_currency(name).items()
    ]


def _statement(
    name: str, money: str, some: tuple[Cell, ...], connection_id: UUID, days: Sequence[date]
) -> CellStatement:
    view = fact(name)
    currency = view.column(money) if money else literal("", String())
    columns = dict.fromkeys(column for cell in some for column in (cell.column, *cell.complete))
    rows = (
        select(
            view.column("day").label("day"),
            view.column("platform").label("platform"),
            currency.label("currency"),
            *(view.column(column).label(f"v_{column}") for column in columns),
        )
        .where(view.column("connection") == str(connection_id), view.column("day").in_(list(days)))
        .subquery()
    )
    keys = (rows.c.day, rows.c.platform, rows.c.currency)
    present = [cast(func.count(), _STORED).label("value_0"), func.count().label("rows_0")]
    figures = [figure for number, cell in enumerate(some, 1) for figure in _figures(rows, number, cell)]
    names = (presence_of(name, money), *(cell.name for cell in some))
    return CellStatement(select(*keys, *present, *figures).group_by(*keys), names)


def _figures(rows: Any, number: int, cell: Cell) -> list[ColumnElement[Any]]:
    column: ColumnElement[Any] = rows.c[f"v_{cell.column}"]
    others = [rows.c[f"v_{name}"].is_not(None) for name in cell.complete if name != cell.column]
    told = case((and_(*others), column)) if others else column
    value = func.sum(told) if cell.sums else func.count(told)
    return [cast(value, _STORED).label(f"value_{number}"), func.count(told).label(f"rows_{number}")]


class RollUp:
    """The roll-up as a place to ask: what it holds is read in one unit of work a span."""

    def __init__(self, open_work: Callable[[], UnitOfWork]) -> None:
        self._open_work = open_work
        self._is_current: bool | None = None
        self.used = False

    async def read(
        self, asked: Asked, span: Span, parts: Iterable[Part], *, cut: bool
    ) -> list[tuple[Part, Sequence[Mapping[str, Any]]]]:
        """The parts that it holds, each with what its statement over facts would return."""
        held = [part for part in parts if is_held(asked, part)]
        if not held or self._is_current is False:
            return []
        async with self._open_work() as uow:
            if self._is_current is None:
                self._is_current = await is_rolled(uow, edition())
            if not self._is_current:
                return []
            self.used = True
            found: list[tuple[Part, Sequence[Mapping[str, Any]]]] = []
            for by_currency in (False, True):
                some = [part for part in held if part.members[0].by_currency is by_currency]
                if some:
                    statement = rolled_statement(asked, span, some, uow.scope.tenant_ids, cut=cut)
                    keys = [str(column.key) for column in statement.selected_columns if column.key not in _CELL]
                    rows = (await uow.connection.execute(statement)).mappings().all()
                    found += [(part, read_of(part, keys, rows)) for part in some]
            return found


def is_held(asked: Asked, part: Part) -> bool:
    """Whether the roll-up has a part: the past, other cuts and what does not add up are the facts' alone."""
    known = {cell.name for cell in cells().get(part.fact, ())}
    held = all(
        each.measure.aggregate in ADDING and not each.source.where and _cell_of(each) in known for each in part.members
    )
    return held and asked.query.as_of is None and asked.needed <= _DIMENSIONS


def rolled_statement(
    asked: Asked, span: Span, parts: Sequence[Part], tenant_ids: Sequence[UUID], *, cut: bool
) -> Select[Any]:
    """Parts that group alike as one statement over the roll-up: what they group by, `metric`, `value` and `rows`."""
    view = _view()
    keys = keys_of(asked, span, view, view.column("currency") if parts[0].members[0].by_currency else None, cut=cut)
    rows = (
        select(
            *(key.label(f"k_{name}") for name, key in keys.items()),
            *(view.column(name) for name in _CELL),
        )
        .where(
            view.column("tenant_id").in_(tenant_ids),
            view.column(_NAME).in_(sorted({name for part in parts for name in _names_of(part)})),
            *conditions_on(view, asked, span),
        )
        .subquery()
    )
    named = [rows.c[f"k_{name}"] for name in keys]
    sums = (cast(func.sum(rows.c.value), _ANSWERED), cast(func.sum(rows.c.rows), BigInteger()))
    wanted = (key.label(key.name[2:]) for key in named)
    return select(*wanted, rows.c[_NAME], sums[0].label("value"), sums[1].label("rows")).group_by(*named, rows.c[_NAME])


def read_of(part: Part, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of the rows of `rolled_statement`, grouped by `keys`, what the part's statement over facts would return."""
    names, groups = _names_of(part), dict[tuple[Any, ...], dict[str, tuple[Any, int]]]()
    if not keys:
        groups[()] = {}  # a sum over everything is there, whatever there is
    for row in rows:
        if row[_NAME] in names:
            groups.setdefault(tuple(row[key] for key in keys), {})[row[_NAME]] = (row["value"], row["rows"])
    return [
        dict(zip(keys, group, strict=True)) | {k: v for each in part.members for k, v in _figure(each, told).items()}
        for group, told in groups.items()
    ]


def _figure(member: Member, told: Mapping[str, tuple[Any, int]]) -> dict[str, Any]:
    value, rows = told.get(_cell_of(member), (None, 0))
    if member.measure.aggregate is Aggregate.COUNT:
        value = Decimal(rows)
    return {member.label: value, f"{member.label}_rows": rows}


def _names_of(part: Part) -> set[str]:
    present = {presence_of(each.fact, currency_of(each.fact, each.source.column)) for each in part.members}
    return present | {_cell_of(each) for each in part.members}


def _cell_of(member: Member) -> str:
    return name_of(member.fact, member.source.column, member.complete)


@cache
def _view() -> Fact:
    """The roll-up with the dimensions that facts share."""
    c = metric_daily.c
    columns = (c.tenant_id, c.metric, c.day, c.platform, c.value, c.rows)
    connection, currency = cast(c.connection_id, String()).label("connection"), func.nullif(c.currency, "")
    view = select(*columns, connection, currency.label("currency"))
    return Fact(view=view.subquery(), dimensions=_DIMENSIONS)
