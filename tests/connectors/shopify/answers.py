"""What a reply of GraphQL, or a line of a bulk file, breaks of the schema by which it was asked for."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
)
from graphql.type import is_abstract_type

_GID = re.compile(r"gid://shopify/(\w+)/\S+")


def _is_decimal(value: Any) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "ID": lambda value: isinstance(value, str) and _GID.fullmatch(value) is not None,
    "Int": _is_int,
    "Float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "Decimal": _is_decimal,
    "Money": _is_decimal,
    "DateTime": _is_time,
    "URL": lambda value: isinstance(value, str) and value.startswith("https://"),
    "UnsignedInt64": lambda value: isinstance(value, str) and value.isdigit(),
    "JSON": lambda value: True,
}


class Answers:
    """Checks replies by a schema: every name asked for and no other, nullability, types, enums, scalars."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._lines = False  # a bulk file tells the nodes of a connection in lines of their own

    def faults(self, query: str, data: Any) -> Iterator[str]:
        """What the query and its reply's `data` break."""
        document = parse(query)
        yield from (error.message for error in validate(self._schema, document))
        operation, self._lines = self._opened(document), False
        root = self._schema.get_root_type(operation.operation)
        yield from self._value(data, root, operation.selection_set, "data")

    def line_faults(self, query: str, line: Mapping[str, Any]) -> Iterator[str]:
        """What a line of a bulk file breaks: it is a node of one of the query's connections, without its own ones."""
        operation, self._lines = self._opened(parse(query)), True
        named = _GID.fullmatch(str(line.get("id")))
        kind = named[1] if named else str(line.get("__typename"))
        row = {name: value for name, value in line.items() if name != "__parentId"}
        nodes = self._nodes(operation.selection_set, self._schema.get_root_type(operation.operation))
        fitting = [selection for owner, selection in nodes if self._concrete(owner, line) == kind]
        found = [list(self._object(row, kind, each, kind)) for each in fitting]
        if not found:
            yield f"no connection of the query holds a {kind}"
        elif all(found):
            yield from min(found, key=len)

    def _opened(self, document: DocumentNode) -> OperationDefinitionNode:
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        return next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))

    def _nodes(self, selection: SelectionSetNode | None, owner: Any) -> Iterator[tuple[Any, SelectionSetNode]]:
        """(type, selection) of what each connection of a query holds."""
        for kind, node in self._fields(selection, owner):
            definition = getattr(kind, "fields", {}).get(node.name.value)
            if definition is None or node.selection_set is None:
                continue
            held = get_named_type(definition.type)
            if node.name.value in ("node", "nodes"):
                yield held, node.selection_set
            yield from self._nodes(node.selection_set, held)

    def _fields(self, selection: SelectionSetNode | None, owner: Any) -> Iterator[tuple[Any, FieldNode]]:
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield owner, node
                continue
            source = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(source, FragmentDefinitionNode | InlineFragmentNode)
            named = source.type_condition
            yield from self._fields(source.selection_set, self._schema.get_type(named.name.value) if named else owner)

    def _value(self, value: Any, kind: Any, selection: SelectionSetNode | None, where: str) -> Iterator[str]:
        if isinstance(kind, GraphQLNonNull):
            if value is None:
                yield f"{where} is null"
                return
            kind = kind.of_type
        if value is None:
            return
        if isinstance(kind, GraphQLList):
            if not isinstance(value, list):
                yield f"{where} is no list"
                return
            for inner in value:
                yield from self._value(inner, kind.of_type, selection, f"{where}[]")
        elif isinstance(value, dict) and not isinstance(kind, GraphQLEnumType | GraphQLScalarType):
            yield from self._object(value, self._concrete(kind, value), selection, where)
        elif not _is_leaf(value, kind):
            yield f"{where} is no {kind.name}: {value!r}"

    def _concrete(self, kind: Any, value: Mapping[str, Any]) -> str:
        if not is_abstract_type(kind):
            return str(kind.name)
        named = _GID.fullmatch(str(value.get("id")))
        return str(value.get("__typename") or (named[1] if named else kind.name))

    def _object(
        self, value: Mapping[str, Any], name: str, selection: SelectionSetNode | None, where: str
    ) -> Iterator[str]:
        concrete = self._schema.get_type(name)
        asked: dict[str, list[FieldNode]] = {}
        for owner, node in self._fields(selection, concrete):
            if owner is concrete or (is_abstract_type(owner) and self._schema.is_sub_type(owner, concrete)):  # type: ignore[arg-type]  # the types are of one schema
                asked.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        fields = getattr(concrete, "fields", {})
        if self._lines:
            # A connection that is null has no lines, and may say so.
            asked = {
                key: nodes
                for key, nodes in asked.items()
                if not _is_connection(fields.get(nodes[0].name.value)) or (key in value and value[key] is None)
            }
        yield from (f"{where}.{key} is missing" for key in asked if key not in value)
        yield from (f"{where}.{key} was not asked for" for key in value if key not in asked)
        for key, nodes in asked.items():
            field = fields.get(nodes[0].name.value)
            if key in value and field is not None:
                inner = [each for node in nodes if node.selection_set for each in node.selection_set.selections]
                whole = SelectionSetNode(selections=tuple(inner)) if inner else None
                yield from self._value(value[key], field.type, whole, f"{where}.{key}")


def _is_leaf(value: Any, kind: Any) -> bool:
    if isinstance(kind, GraphQLEnumType):
        return value in kind.values
    if isinstance(kind, GraphQLScalarType):
        return _SCALARS.get(kind.name, lambda each: isinstance(each, str))(value)
    return False


def _is_connection(field: Any) -> bool:
    return field is not None and get_named_type(field.type).name.endswith("Connection")


def lines_of(body: bytes) -> list[Any]:
    """The rows of a bulk file."""
    return [json.loads(line) for line in body.splitlines() if line.strip()]
