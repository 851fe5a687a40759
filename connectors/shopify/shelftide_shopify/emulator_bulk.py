"""Bulk operations of the emulator: jobs that go through all states, and their JSONL files."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from random import Random
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
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_list_type,
    parse,
    validate,
)
from graphql.error import GraphQLError
from graphql.type import get_nullable_type

from shelftide_sdk.testing.world.model import stable_id
from shelftide_shopify.emulator_facts import when
from shelftide_shopify.emulator_graph import Session
from shelftide_shopify.emulator_projection import Step, compile_query, project

FILE_HOST = "storage.googleapis.com"
CONCURRENT = 5
SLICE = 500
_MAX_CONNECTIONS = 5
_MAX_DEPTH = 2


class Job(msgspec.Struct, kw_only=True):
    """A bulk operation. `outcome` is what it ends as; a sound one ends COMPLETED."""

    id: str
    shop: str
    query: str
    steps: tuple[Step, ...]
    session: Session
    created_at: datetime
    outcome: str
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: datetime | None = None
    done: int = 0
    roots: int = 0
    objects: int = 0
    lines: list[bytes] = []
    secret: str = ""

    @property
    def active(self) -> bool:
        """Whether it counts against the limit."""
        return self.status in {"CREATED", "RUNNING", "CANCELING"}

    def row(self) -> dict[str, Any]:
        """Type BulkOperation."""
        ended = not self.active
        url = f"https://{FILE_HOST}/{self.id.rpartition('/')[2]}.jsonl?signature={self.secret}"
        size = sum(len(line) + 1 for line in self.lines)
        return {
            "__typename": "BulkOperation",
            "id": self.id,
            "status": self.status,
            "errorCode": self.error_code,
            "createdAt": when(self.created_at),
            "completedAt": when(self.completed_at),
            "objectCount": str(self.objects),
            "rootObjectCount": str(self.roots),
            "fileSize": str(size) if ended and self.lines else None,
            "url": url if self.status == "COMPLETED" and self.lines else None,
            "partialDataUrl": url if self.status in {"FAILED", "CANCELED"} and self.lines else None,
            "query": self.query,
            "type": "QUERY",
        }


class BulkJobs:
    """All jobs of the emulator. A poll moves a job on by one slice of rows."""

    def __init__(self, root: Mapping[str, Any], seed: int) -> None:
        self._root = root
        self._random = Random(seed)
        self.jobs: dict[str, Job] = {}
        self.outcomes: list[str] = []

    def start(self, schema: GraphQLSchema, query: str, session: Session) -> dict[str, Any]:
        """Resolver of `bulkOperationRunQuery`."""
        running = [job for job in self.jobs.values() if job.shop == session.shop and job.active]
        if len(running) >= CONCURRENT:
            text = f"A bulk query operation for this app and shop is already in progress: {running[0].id}."
            return _refused("OPERATION_IN_PROGRESS", text)
        document, fault = check(schema, query)
        if document is None:
            return _refused("INVALID", fault)
        job = Job(
            id=f"gid://shopify/BulkOperation/{stable_id('BulkOperation', f'{session.shop}{len(self.jobs)}')}",
            shop=session.shop,
            query=query,
            steps=compile_query(schema, document),
            session=msgspec.structs.replace(session, bulk=True, snapshot={}, slice=(0, SLICE)),
            created_at=session.now,
            outcome=self.outcomes.pop(0) if self.outcomes else "COMPLETED",
            secret=secrets.token_hex(8),
            lines=[],
        )
        self.jobs[job.id] = job
        return {"bulkOperation": job.row(), "userErrors": []}

    def poll(self, job_id: str, session: Session) -> dict[str, Any] | None:
        """Resolver of `bulkOperation`."""
        job = self.jobs.get(job_id)
        if job is None or job.shop != session.shop:
            return None
        self._move(job)
        return job.row()

    def cancel(self, job_id: str, session: Session) -> dict[str, Any]:
        """Resolver of `bulkOperationCancel`."""
        job = self.jobs.get(job_id)
        if job is None or job.shop != session.shop:
            return {"bulkOperation": None, "userErrors": [{"field": ["id"], "message": "Not found", "code": None}]}
        if job.active:
            job.status = "CANCELING"
        return {"bulkOperation": job.row(), "userErrors": []}

    def file(self, number: str, signature: str) -> bytes | None:
        """The JSONL file of a job, complete or partial."""
        job = self.jobs.get(f"gid://shopify/BulkOperation/{number}")
        if job is None or job.active or job.secret != signature or job.status == "EXPIRED":
            return None
        return b"".join(line + b"\n" for line in job.lines)

    def _move(self, job: Job) -> None:
        if job.status == "CREATED":
            job.status = "RUNNING"
        elif job.status == "CANCELING":
            self._end(job, "CANCELED")
        elif job.status == "RUNNING":
            self._run_slice(job)

    def _run_slice(self, job: Job) -> None:
        job.session.slice = (job.done, job.done + SLICE)
        try:
            data = project(job.steps, self._root, job.session)
        except GraphQLError as error:
            job.error_code = _error_code(error)
            self._end(job, "FAILED")
            return
        roots, children = flatten(data)
        self._random.shuffle(children)
        # Children follow their slice in any order, so most stand far from their parents.
        job.lines.extend(json.dumps(row, separators=(",", ":")).encode() for row in (*roots, *children))
        job.roots += len(roots)
        job.objects += len(roots) + len(children)
        job.done += SLICE
        if job.outcome != "COMPLETED":
            job.error_code = "INTERNAL_SERVER_ERROR" if job.outcome == "FAILED" else None
            self._end(job, job.outcome)
        elif job.done >= job.session.total:
            self._end(job, "COMPLETED")

    def _end(self, job: Job, status: str) -> None:
        job.status = status
        job.completed_at = job.session.now


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"bulkOperation": None, "userErrors": [{"field": None, "message": message, "code": code}]}


def _error_code(error: GraphQLError) -> str:
    code = str((error.extensions or {}).get("code"))
    return code if code in {"ACCESS_DENIED", "TIMEOUT"} else "INTERNAL_SERVER_ERROR"


def check(schema: GraphQLSchema, query: str) -> tuple[DocumentNode | None, str]:
    """The parsed bulk query, or None and what is wrong: schema, no connection, too many, too deep, in a list."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, f"Invalid bulk query: {error.message}"
    errors = validate(schema, document)
    if errors:
        return None, f"Invalid bulk query: {errors[0].message}"
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        return None, "Bulk queries must contain one query."
    shape = _Shape(schema, document)
    shape.walk(operations[0].selection_set, schema.query_type, 0, False)
    if shape.fault:
        return None, shape.fault
    if shape.connections == 0:
        return None, "Bulk queries must contain at least one connection."
    if shape.connections > _MAX_CONNECTIONS:
        return None, f"Bulk queries cannot contain more than {_MAX_CONNECTIONS} connections."
    return document, ""


class _Shape:
    """Counts the connections of a bulk query and finds those in forbidden places."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.connections = 0
        self.fault = ""

    def walk(self, selection: SelectionSetNode | None, parent: Any, depth: int, in_list: bool) -> None:
        """Visit a selection of `parent`, `depth` connections deep."""
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                self._field(node, parent, depth, in_list)
            else:
                assert isinstance(node, FragmentSpreadNode | InlineFragmentNode)
                source = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                named = source.type_condition
                self.walk(
                    source.selection_set, self._schema.get_type(named.name.value) if named else parent, depth, in_list
                )

    def _field(self, node: FieldNode, parent: Any, depth: int, in_list: bool) -> None:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None or node.selection_set is None:
            return
        kind = get_named_type(definition.type)
        if kind.name.endswith("Connection"):
            self.connections += 1
            depth += 1
            if in_list:
                self.fault = "Queries that contain a connection field within a list field are not currently supported."
            if depth > _MAX_DEPTH:
                self.fault = f"Bulk queries cannot contain connections with a nesting depth greater than {_MAX_DEPTH}."
        elif is_list_type(get_nullable_type(definition.type)) and not parent.name.endswith("Connection"):
            in_list = True
        self.walk(node.selection_set, kind, depth, in_list)


def flatten(data: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Root rows and their children, each child with `__parentId`."""
    roots: list[dict[str, Any]] = []
    children: list[dict[str, Any]] = []
    for value in (data or {}).values():
        roots.extend(_strip(row, row.get("id"), children) for row in _rows(value))
    return roots, children


def _rows(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return []
    return [edge["node"] for edge in value["edges"]] if "edges" in value else list(value.get("nodes", ()))


def _strip(row: dict[str, Any], parent: Any, children: list[dict[str, Any]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and ("edges" in value or "nodes" in value):
            for child in _rows(value):
                children.append({**_strip(child, child.get("id"), children), "__parentId": parent})
        elif isinstance(value, dict):
            kept[name] = _strip(value, parent, children)
        else:
            kept[name] = value
    return kept
