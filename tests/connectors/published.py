"""The folder of the platforms' published texts and recorded replies, and values made after a published schema."""

import itertools
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FIXTURES = Path(os.environ.get("SHELFTIDE_FIXTURES", Path(__file__).parents[3] / "shared" / "platforms" / "fixtures"))
EVIDENCE = tomllib.loads((Path(__file__).parents[2] / "docs" / "connectors" / "evidence.toml").read_text())
_DEEPEST = 14
_BY_NAME: Sequence[tuple[tuple[str, ...], str]] = (
    (("stat_time_hour",), "2026-03-01 10:00:00"),
    (("stat_time_day",), "2026-03-01 00:00:00"),
    (("timezone", "time_zone"), "America/Los_Angeles"),
    (("country_code",), "US"),
    (("gender",), "FEMALE"),
    (("platform",), "ANDROID"),
    (("currency", "currencycode", "campaignbudgetcurrencycode"), "USD"),
)
_BY_FORMAT = {"date-time": "2026-03-01T10:00:00Z", "date": "2026-03-01"}


def validated(name: str, requests: int, replies: int, violations: Iterable[object]) -> None:
    """What was compared on the wire broke nothing, and was no less than the page of connectors says."""
    kept = next(row for row in EVIDENCE["validated"] if row["name"] == name)
    print(f"{name}: {requests} requests and {replies} replies, valid by {kept['against']}")
    assert sorted(set(map(str, violations))) == []
    assert requests >= kept["requests"]
    assert replies >= kept["replies"]
    assert kept["requests"] + kept["replies"] > 0


def sample(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, name: str = "", deep: int = 0) -> Any:
    """A value that a JSON schema allows: every member there is, one row in each list, the first of all choices."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = _kind(schema)
    if kind == "object":
        inner = _members(schema, root)
        return {key: sample(each, root, key, deep + 1) for key, each in inner.items()} if deep < _DEEPEST else {}
    if kind == "array":
        return [sample(schema["items"], root, name, deep + 1)] if schema.get("items") and deep < _DEEPEST else []
    number = 0 if name.lower() == "code" else 3  # a reply that is good
    return {"integer": number, "number": number, "boolean": True, "null": None}.get(kind, _text(schema, name))


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(8):
        choice = next((schema[key][0] for key in ("oneOf", "anyOf") if schema.get(key)), None)
        if "$ref" in schema:
            found: Any = root
            for part in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = found[part] if isinstance(found, Mapping) and part in found else {}
            schema = found
        elif choice is not None and "properties" not in schema:
            schema = choice
    return schema


def _members(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(schema.get("properties", {}))
    for other in schema.get("allOf", ()):
        found |= _members(_resolved(other, root), root)
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = "object" if "properties" in schema else next((each for each in kind if each != "null"), "null")
    return str(kind or ("object" if "properties" in schema or "allOf" in schema else "string"))


def _text(schema: Mapping[str, Any], name: str) -> str:
    by_name = next((text for names, text in _BY_NAME if name.lower() in names), "")
    return by_name or _BY_FORMAT.get(str(schema.get("format")), "7")


def numbered(value: Any, words: Mapping[str, Any], name: str = "", seen: Iterator[int] | None = None) -> Any:
    """A sample in which each figure and each plain text is another number, but for members with a word of their own."""
    seen = itertools.count(101) if seen is None else seen
    if isinstance(value, Mapping):
        return {key: numbered(inner, words, key, seen) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbered(inner, words, name, seen) for inner in value]
    if name.lower() in words:
        return words[name.lower()]
    if value == 3 and not isinstance(value, bool):
        return next(seen)
    return str(next(seen)) if value == "7" else value
