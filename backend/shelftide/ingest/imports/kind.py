"""What a kind of file is: its columns, and how its lines become records."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from shelftide.ingest.imports.values import Form
from shelftide_sdk import Money
from shelftide_sdk.records import Record

Values = Mapping[str, Any]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a kind: its name, what stands in it, other headings that mean the same, whether it must be there."""

    name: str
    form: Form = Form.TEXT
    aliases: tuple[str, ...] = ()
    required: bool = False


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of a file have in common. `as_of` is when its figures were read; `zone` is where its days are.

    `defaults` are the export's; "without" among them says what a line means that makes no record.
    """

    zone: str
    currency: str
    as_of: datetime | None = None
    defaults: Mapping[str, str] = {}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file.

    `make` turns lines into records: one line at a time, or all lines with one value in the column `group` together;
    then `carried` columns that a later line leaves empty are those of the first.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    make: Callable[[Sequence[Values], Setting], Iterable[Record]]
    group: str = ""
    carried: tuple[str, ...] = ()
    undated: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(column.name for column in self.columns if column.required)


def text(name: str, *aliases: str, required: bool = False) -> Column:
    """A column of text."""
    return Column(name=name, aliases=aliases, required=required)


def whole(name: str, *aliases: str, required: bool = False) -> Column:
    """A column of whole numbers."""
    return Column(name=name, form=Form.WHOLE, aliases=aliases, required=required)


def number(name: str, *aliases: str, required: bool = False) -> Column:
    """A column of numbers."""
    return Column(name=name, form=Form.NUMBER, aliases=aliases, required=required)


def money(name: str, *aliases: str, required: bool = False) -> Column:
    """A column of amounts. The currency is in its own column, in the heading, beside the number, or the brand's."""
    return Column(name=name, form=Form.MONEY, aliases=aliases, required=required)


def rate(name: str, *aliases: str) -> Column:
    """A column of fractions."""
    return Column(name=name, form=Form.RATE, aliases=aliases)


def day(name: str, *aliases: str, required: bool = False) -> Column:
    """A column of days."""
    return Column(name=name, form=Form.DAY, aliases=aliases, required=required)


def moment(name: str, *aliases: str, required: bool = False) -> Column:
    """A column of times."""
    return Column(name=name, form=Form.MOMENT, aliases=aliases, required=required)


CURRENCY = text("currency", "currency_code", "valuta", "währung", "币种", "货币")
SKU_NAMES = (
    "item",
    "article",
    "seller_sku",
    "variant_sku",
    "sku_id",
    "商品编码",
    "商家编码",
    "规格编码",
    "货号",
    "articolo",
)
DAY_NAMES = ("date", "by_day", "datum", "data", "日期", "统计日期", "时间")


def plus(first: Money | None, second: Money | None) -> Money | None:
    """The sum of two amounts of which either may be unknown."""
    if first is None or second is None:
        return first or second
    return first + second
