"""A reader of Amazon's official models (Swagger 2.0, JSON Schema draft 7): what a value or a request breaks."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

FIXTURES = Path(__file__).parents[4] / "shared" / "platforms" / "fixtures" / "amazon"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


def breaches(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], way: str = "$") -> Iterator[str]:
    """What `value` breaks of a schema; a name that the schema does not know counts as well."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rsplit("/", maxsplit=1)[-1]]
    properties = dict(schema.get("properties", {}))
    for other in schema.get("allOf", ()):
        resolved = root["definitions"][other["$ref"].rsplit("/", maxsplit=1)[-1]] if "$ref" in other else other
        properties |= resolved.get("properties", {})
    kinds = _kinds(schema, properties)
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{way} is a {type(value).__name__}, not a {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{way} is {value!r}"
    if isinstance(value, dict) and properties:
        yield from (f"{way} lacks {name}" for name in schema.get("required", ()) if name not in value)
        for name, inner in value.items():
            if name not in properties:
                yield f"{way}.{name} is unknown"
            else:
                yield from breaches(inner, properties[name], root, f"{way}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            yield from breaches(inner, schema["items"], root, f"{way}[{number}]")


def _kinds(schema: Mapping[str, Any], properties: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type") or ("object" if properties else [])
    return [each for each in ([kind] if isinstance(kind, str) else kind) if each in _TYPES]


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def operations() -> list[tuple[str, re.Pattern[str], dict[str, Any], dict[str, Any]]]:
    """(method, path, operation, model) of all models, most exact paths first."""
    found = []
    for path in sorted((FIXTURES / "sp-api-models").glob("*.json")):
        model = json.loads(path.read_text())
        for template, calls in model["paths"].items():
            pattern = re.compile(re.sub(r"\{\w+\}", r"[^/]+", template))
            found += [(m.upper(), pattern, call, model) for m, call in calls.items() if m in ("get", "post")]
    return found


def request_breaches(query: str, asked: bytes, operation: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    """What a request breaks of an operation: its parameters and its body."""
    known = {p["name"]: p for p in operation.get("parameters", ()) if p.get("in") == "query"}
    sent = dict(parse_qsl(query))
    yield from (f"{name} is no parameter" for name in sent if name not in known)
    yield from (f"{name} is missing" for name, about in known.items() if about.get("required") and name not in sent)
    for name, value in sent.items():
        allowed = known.get(name, {}).get("items", {}).get("enum") or known.get(name, {}).get("enum")
        if allowed:
            yield from (f"{name} is {word!r}" for word in value.split(",") if word not in allowed)
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") == "body":
            yield from breaches(json.loads(asked), parameter["schema"], model)


def answers(name: str, path: str) -> list[Any]:
    """The sandbox's good replies to a GET of a model's path."""
    reply = fixture(f"sp-api-models/{name}.json")["paths"][path]["get"]["responses"]["200"]
    found = [row["response"] for row in reply.get("x-amzn-api-sandbox", {}).get("static", ())]
    return found + [body for body in reply.get("examples", {}).values() if isinstance(body, dict)]
