"""What a query costs and the leaking bucket that pays for it.

Objects cost 1, scalars nothing, a connection as many nodes as it is asked for, a mutation 10, an abstract type its
dearest possibility. Source: shopify.dev on GraphQL Admin rate limits.
"""

import time
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
)
from graphql.type import GraphQLNullableType, get_nullable_type

MAX_QUERY_COST = 1000
RESTORE_RATES = {"basic": 100, "grow": 100, "advanced": 200, "plus": 1000, "components": 2000}
PLAN_NAMES = {
    "basic": "Basic", "grow": "Grow", "advanced": "Advanced", "plus": "Plus", "components": "Shop Component",
}  # fmt: skip
_BUCKET_SECONDS = 20
_MUTATION = 10
_WRAPPERS = ({"nodes", "edges", "pageInfo"}, {"node", "cursor"}, {"hasNextPage", "endCursor", "hasPreviousPage"})


class CostCounter:
    """Requested cost of one operation."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._document = document

    def requested(self) -> int:
        """Cost of all operations of the document."""
        total = 0
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                mutation = definition.operation is OperationType.MUTATION
                root = self._schema.mutation_type if mutation else self._schema.query_type
                total += self._selection(definition.selection_set, root) + (_MUTATION if mutation else 0)
        return total

    def _selection(self, selection: SelectionSetNode | None, parent: Any) -> int:
        if selection is None:
            return 0
        direct = 0
        by_type: dict[str, int] = {}
        for node in selection.selections:
            if isinstance(node, FieldNode):
                direct += self._field(node, parent)
                continue
            condition, inner = self._fragment(node, parent)
            by_type[condition.name] = by_type.get(condition.name, 0) + self._selection(inner, condition)
        if isinstance(parent, GraphQLInterfaceType | GraphQLUnionType):
            return direct + max(by_type.values(), default=0)
        return direct + sum(by_type.values())

    def _fragment(self, node: Any, parent: Any) -> tuple[Any, SelectionSetNode]:
        source = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        assert isinstance(source, FragmentDefinitionNode | InlineFragmentNode)
        named = source.type_condition
        return (self._schema.get_type(named.name.value) if named else parent), source.selection_set

    def _field(self, node: FieldNode, parent: Any) -> int:
        name = node.name.value
        definition = parent.fields.get(name) if hasattr(parent, "fields") else None
        if definition is None or node.selection_set is None:
            return 0
        kind = get_named_type(definition.type)
        if kind.name.endswith("Connection") and isinstance(kind, GraphQLObjectType):
            return self._size(node) * self._nodes(node, kind)
        if kind.name == "PageInfo":
            return 0
        nullable: GraphQLNullableType = get_nullable_type(definition.type)
        size = self._size(node) if is_list_type(nullable) else 1
        return size * (1 + self._selection(node.selection_set, kind))

    def _nodes(self, node: FieldNode, connection: Any) -> int:
        """Cost of one node of a connection, whether asked through `nodes` or `edges`."""
        assert node.selection_set is not None
        best = 0
        for child in node.selection_set.selections:
            if not isinstance(child, FieldNode) or child.selection_set is None or child.name.value == "pageInfo":
                continue
            kind = get_named_type(connection.fields[child.name.value].type)
            inner = self._selection(child.selection_set, kind)
            best += inner if child.name.value == "edges" else 1 + inner
        return max(best, 1)

    def _size(self, node: FieldNode) -> int:
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        if "ids" in arguments:
            ids = arguments["ids"]
            if isinstance(ids, ListValueNode):
                return len(ids.values)
            return len(self._variables.get(ids.name.value) or ()) if isinstance(ids, VariableNode) else 1
        for name in ("first", "last"):
            value = arguments.get(name)
            if isinstance(value, IntValueNode):
                return int(value.value)
            if isinstance(value, VariableNode) and isinstance(self._variables.get(value.name.value), int):
                return int(self._variables[value.name.value])
        return 1


def actual_cost(data: Any) -> int:
    """Objects that came back; connections, edges and page infos are only wrapping."""
    if isinstance(data, list):
        return sum(actual_cost(item) for item in data)
    if not isinstance(data, dict):
        return 0
    own = 0 if any(data.keys() <= wrapper for wrapper in _WRAPPERS) else 1
    return own + sum(actual_cost(value) for value in data.values())


class Bucket:
    """Points of one app at one shop, coming back in real time."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.maximum = rate * _BUCKET_SECONDS
        self._points = self.maximum
        self._at = time.monotonic()

    @property
    def available(self) -> float:
        """Points now."""
        now = time.monotonic()
        self._points = min(self.maximum, self._points + (now - self._at) * self.rate)
        self._at = now
        return self._points

    def take(self, points: float) -> None:
        """Spend points (negative gives back what was asked for but not used)."""
        self._points = min(self.maximum, self.available - points)

    def status(self, available: float | None = None) -> dict[str, float]:
        """Shopify's `throttleStatus`."""
        shown = self.available if available is None else available
        return {"maximumAvailable": self.maximum, "currentlyAvailable": int(shown), "restoreRate": self.rate}
