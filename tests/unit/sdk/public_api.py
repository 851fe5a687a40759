"""The SDK's public names and their shapes as text: `python -m tests.unit.sdk.public_api > docs/connectors/api.txt`."""

import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec

MODULES = ("shelftide_sdk", "shelftide_sdk.records", "shelftide_sdk.testing.conformance")


def listing() -> str:
    """One line a name, sorted; members indented under their class."""
    lines: list[str] = []
    for name in MODULES:
        module = importlib.import_module(name)
        lines.append(f"[{name}]")
        for public in sorted(module.__all__):
            lines += describe(public, getattr(module, public))
        lines.append("")
    return "\n".join(lines)


def describe(name: str, value: Any) -> Iterator[str]:
    """Lines of one public name."""
    if inspect.isclass(value):
        yield f"class {name}({', '.join(cls.__name__ for cls in value.__bases__)})"
        yield from (f"    {line}" for line in members(value))
    elif inspect.isroutine(value):
        yield f"def {name}{signature(value)}"
    elif name == "RULES":
        yield from (f"{name}[{rule}]: {value[rule].tier}" for rule in sorted(value))
    elif name == "RECORDS":
        yield from (f"{name}[{kind}]: key {', '.join(value[kind].key)}" for kind in sorted(value))
    elif isinstance(value, tuple):
        yield f"{name} = {value!r}"
    else:
        yield f"{name}: {plain(value)}"


def members(cls: type[Any]) -> Iterator[str]:
    """Fields and methods that a class itself brings."""
    if issubclass(cls, Enum):
        yield from (f"{item.name} = {item.value!r}" for item in cls)
        return
    if issubclass(cls, msgspec.Struct):
        for field in msgspec.structs.fields(cls):
            ending = "" if field.required else " = ..."
            yield f"{field.name}: {plain(field.type)}{ending}"
    else:
        yield from (f"{n}: {plain(t)}" for n, t in sorted(vars(cls).get("__annotations__", {}).items()) if n[0] != "_")
    for name, value in sorted(vars(cls).items()):
        function = getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(function):
            yield f"{'async ' if inspect.iscoroutinefunction(function) else ''}def {name}{signature(function)}"
        elif not name.startswith("_") and isinstance(value, property):
            yield f"property {name}"


def signature(function: Any) -> str:
    """Parameters and result, without what differs from machine to machine."""
    try:
        return plain(inspect.signature(function))
    except (TypeError, ValueError):
        return "(...)"


def plain(value: Any) -> str:
    """A type or a signature as text."""
    text = value.__name__ if inspect.isclass(value) and not getattr(value, "__args__", None) else str(value)
    text = re.sub(r"<(?:class|function|enum) '?([\w.]+)'?[^>]*>", r"\1", text)
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", text)


if __name__ == "__main__":
    print(listing(), end="")
