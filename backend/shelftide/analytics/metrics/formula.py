"""Formulas of metrics: `(likes + comments) / views`. Python's grammar, of which only arithmetic is let in.

Division is the only partial operation: by zero or below it has no result, and a sum with an unknown part is unknown.
"""

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from operator import add, mul, sub

import msgspec

_OPERATORS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mul,
}


class FormulaError(ValueError):
    """A formula that the catalogue cannot hold."""


class Result(msgspec.Struct, frozen=True):
    """A value, or why there is none."""

    value: Decimal | None
    reason: str | None = None


class Formula:
    """A checked formula. `names` are the measures in order of first use."""

    def __init__(self, text: str) -> None:
        """Raises FormulaError naming what is not arithmetic."""
        self.text = text
        try:
            self._tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise FormulaError(f"{text!r} is no formula") from error
        self.names: tuple[str, ...] = tuple(dict.fromkeys(_names(self._tree, text)))

    @property
    def denominator(self) -> str:
        """What the whole is divided by, as text; empty where it is no ratio."""
        tree = self._tree
        while isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
            tree = tree.right
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):
            return ast.unparse(tree.right)
        return ""

    def of(self, values: Mapping[str, Decimal | None], unknown: Mapping[str, str] | None = None) -> Result:
        """The value for these measures; `unknown` says why one of them is None. 28 digits, half even."""
        missing = [name for name in self.names if values.get(name) is None]
        if missing:
            reasons = unknown or {}
            said = dict.fromkeys(reasons.get(name) or f"{name} is unknown" for name in missing)
            return Result(None, "; ".join(said))
        with localcontext(prec=28):
            return self._evaluate(self._tree, values)

    def _evaluate(self, node: ast.expr, values: Mapping[str, Decimal | None]) -> Result:
        if isinstance(node, ast.Constant):
            return Result(Decimal(str(node.value)))
        if isinstance(node, ast.Name):
            return Result(values[node.id])
        assert isinstance(node, ast.BinOp)  # nothing else passes `_names`
        left, right = self._evaluate(node.left, values), self._evaluate(node.right, values)
        if left.value is None or right.value is None:
            return left if left.value is None else right
        if isinstance(node.op, ast.Div):
            if right.value <= 0:
                side = "0" if right.value == 0 else "negative"
                return Result(None, f"{ast.unparse(node.right)} is {side}")
            return Result(left.value / right.value)
        return Result(_OPERATORS[type(node.op)](left.value, right.value))


def _names(node: ast.expr, text: str) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return []
    if isinstance(node, ast.BinOp) and isinstance(node.op, (*_OPERATORS, ast.Div)):
        return _names(node.left, text) + _names(node.right, text)
    raise FormulaError(f"{text!r}: {ast.unparse(node)} is not arithmetic over measures")
