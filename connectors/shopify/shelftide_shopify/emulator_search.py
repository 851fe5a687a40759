"""Shopify's search syntax as far as filters go: `field:value`, comparators, quotes, AND, OR, NOT.

A time with `Z` or an offset is taken as it is, one without in the shop's zone. Source: shopify.dev on search syntax.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

import msgspec

_TERM = re.compile(
    r"""\s*(?:(?P<word>AND|OR)\b|(?P<not>NOT\s+|-)?(?P<field>\w+):(?P<op>>=|<=|>|<)?"""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^\s'"<>=][^\s'"]*)))\s*"""
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: bool(a >= b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    "<": lambda a, b: bool(a < b),
    "": lambda a, b: bool(a == b),
}
Getter = Callable[[Any], Any]


class SearchError(ValueError):
    """The search text cannot be read."""


class Term(msgspec.Struct, frozen=True):
    """One condition."""

    field: str
    op: str
    value: str
    negated: bool


class Search:
    """A parsed search over rows that `getters` read. Unknown fields are ignored, as Shopify does, and noted."""

    def __init__(self, text: str | None, getters: Mapping[str, Getter], zone: tzinfo) -> None:
        self._getters = getters
        self._zone = zone
        self.groups = _parse(text or "")
        self.ignored = sorted({t.field for group in self.groups for t in group if t.field not in getters})

    def matches(self, row: Any) -> bool:
        """Whether a row fulfils the search."""
        return not self.groups or any(all(self._holds(term, row) for term in group) for group in self.groups)

    def _holds(self, term: Term, row: Any) -> bool:
        getter = self._getters.get(term.field)
        if getter is None or term.value == "*":
            return True
        found = getter(row)
        values = found if isinstance(found, list | tuple | set) else [found]
        return any(self._compare(term, value) for value in values) != term.negated

    def _compare(self, term: Term, value: Any) -> bool:
        if value is None:
            return False
        if isinstance(value, datetime):
            return _COMPARE[term.op](value.replace(microsecond=0), self._time(term.value))
        if isinstance(value, bool):
            return str(value).lower() == term.value.lower()
        if isinstance(value, int):
            return _COMPARE[term.op](value, int(term.value.rpartition("/")[2]))
        return str(value).lower() == term.value.lower()

    def _time(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise SearchError(f"not a time: {text!r}") from error
        return at if at.tzinfo else at.replace(tzinfo=self._zone)


def _parse(text: str) -> list[list[Term]]:
    groups: list[list[Term]] = [[]]
    at = 0
    while at < len(text.rstrip()):
        found = _TERM.match(text, at)
        if found is None:
            raise SearchError(f"cannot read the search from {text[at:]!r}")
        at = found.end()
        if found["word"] == "OR":
            groups.append([])
        elif found["word"] is None:
            value = next(v for v in (found["single"], found["double"], found["bare"]) if v is not None)
            groups[-1].append(Term(found["field"], found["op"] or "", value, bool(found["not"])))
    return [group for group in groups if group]
