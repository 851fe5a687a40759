"""Runs a bulk query: a compiled selection over plain rows.

A bulk file may hold hundreds of thousands of objects. The query was validated before, so types need no second look
at every value; only the required ones are checked.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_non_null_type,
    value_from_ast_untyped,
)
from graphql.type import is_abstract_type

from shelftide_shopify.emulator_paging import refuse


class Info(msgspec.Struct):
    """What resolvers read of graphql-core's info."""

    context: Any
    field_name: str


class Step(msgspec.Struct, frozen=True):
    """One field: its key in the reply, its name, its arguments, and what is taken of its value.

    `only` names the types that it applies to; None for all.
    """

    key: str
    name: str
    arguments: Mapping[str, Any]
    required: bool
    inner: tuple["Step", ...] | None
    only: frozenset[str] | None


def compile_query(schema: GraphQLSchema, document: DocumentNode) -> tuple[Step, ...]:
    """The steps of a validated query without variables."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    return _Compiler(schema, fragments).selection(operation.selection_set, schema.query_type, None)


class _Compiler:
    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments

    def selection(self, selection: SelectionSetNode, parent: Any, only: frozenset[str] | None) -> tuple[Step, ...]:
        steps: list[Step] = []
        for node in selection.selections:
            if isinstance(node, FieldNode):
                steps.append(self._field(node, parent, only))
                continue
            assert isinstance(node, FragmentSpreadNode | InlineFragmentNode)
            source = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            named = source.type_condition
            kind = self._schema.get_type(named.name.value) if named else parent
            steps.extend(self.selection(source.selection_set, kind, self._names(kind) if named else only))
        return tuple(steps)

    def _names(self, kind: Any) -> frozenset[str]:
        if is_abstract_type(kind):
            return frozenset(possible.name for possible in self._schema.get_possible_types(kind))
        return frozenset({kind.name})

    def _field(self, node: FieldNode, parent: Any, only: frozenset[str] | None) -> Step:
        name = node.name.value
        key = node.alias.value if node.alias else name
        if name == "__typename":
            return Step(key, name, {}, True, None, only)
        kind = parent.fields[name].type
        inner = self.selection(node.selection_set, get_named_type(kind), None) if node.selection_set else None
        arguments = {a.name.value: value_from_ast_untyped(a.value) for a in node.arguments or ()}
        return Step(key, name, arguments, is_non_null_type(kind), inner, only)


def project(steps: tuple[Step, ...], row: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """What a selection takes of a row. Raises GraphQLError for a required value that is missing."""
    taken: dict[str, Any] = {}
    for step in steps:
        if step.only is not None and "__typename" in row and row["__typename"] not in step.only:
            continue
        value = row.get(step.name)
        if callable(value):
            value = value(Info(context, step.name), **step.arguments)
        if value is None:
            if step.required:
                raise refuse(f"Cannot return null for required field {step.name}.", "INTERNAL_SERVER_ERROR")
            taken[step.key] = None
        elif step.inner is None:
            taken[step.key] = value
        elif isinstance(value, list):
            taken[step.key] = [project(step.inner, item, context) for item in value]
        else:
            found = project(step.inner, value, context)
            held = taken.get(step.key)
            taken[step.key] = {**held, **found} if isinstance(held, dict) else found
    return taken
