"""What a connector leaves behind in its modules and classes, where every connection of the process would find it."""

import logging
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from itertools import count, cycle
from types import FunctionType, MethodType, ModuleType
from typing import Any

from shelftide_sdk.connector import Connector
from shelftide_sdk.testing.emulator import Emulator

_PLAIN = (str, bytes, bytearray, int, float, complex, Decimal, date, timedelta, Enum, type(None), count, cycle)
_OURS = ("shelftide_sdk", "builtins", "abc")
_DEPTH = 8
_ANOTHER = 0x5EED


State = dict[str, dict[str, str]]


def shared_state(connector: type[Connector]) -> State:
    """What stands in the connector's modules and classes: module -> name -> value in words."""
    found: State = {}
    for module in _modules(connector):
        names = found.setdefault(module.__name__, {})
        for name, value in _named(vars(module)):
            if not isinstance(value, type):
                names[f"{module.__name__}.{name}"] = _print(value)
            elif value.__module__ == module.__name__:
                names |= {f"{value.__qualname__}.{n}": _print(v) for n, v in _named(vars(value))}
    return found


@contextmanager
def other_hashes(connector: type[Connector]) -> Iterator[None]:
    """`hash()` as another process of the same connector would see it."""
    modules = [module for module in _modules(connector) if "hash" not in vars(module)]
    for module in modules:
        vars(module)["hash"] = lambda value: hash(value) ^ _ANOTHER
    try:
        yield
    finally:
        for module in modules:
            del vars(module)["hash"]


def left_behind(before: State, after: State) -> list[str]:
    """Names whose value changed or that are new. A module that was loaded in between left nothing yet."""
    return sorted(
        name
        for module in before.keys() & after.keys()
        for name, value in after[module].items()
        if before[module].get(name) != value
    )


def _modules(connector: type[Connector]) -> Iterator[ModuleType]:
    """The connector's package, without its emulator and tests."""
    own = {cls.__module__ for cls in connector.__mro__ if not cls.__module__.startswith(_OURS)}
    packages = tuple({f"{package}." for name in own if (package := name.rpartition(".")[0])})
    for name, module in sorted(sys.modules.items()):
        inside = name in own or (packages and f"{name}.".startswith(packages))
        if inside and isinstance(module, ModuleType) and not _is_testing(module):
            yield module


def _is_testing(module: ModuleType) -> bool:
    last = module.__name__.rpartition(".")[2]
    classes = (value for value in vars(module).values() if isinstance(value, type))
    emulates = any(issubclass(cls, Emulator) and cls.__module__ == module.__name__ for cls in classes)
    return emulates or last.startswith(("test_", "conftest"))


def _named(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    skipped = (ModuleType, logging.Logger, logging.LoggerAdapter)
    return [
        (name, value)
        for name, value in list(values.items())
        if not name.startswith("__") and name != "_abc_impl" and not isinstance(value, skipped)
    ]


def _print(value: Any, depth: int = 0) -> str:
    """A value in words, as deep as it can be changed."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if depth >= _DEPTH or isinstance(value, type | ModuleType):
        return getattr(value, "__qualname__", type(value).__qualname__)
    parts = [_print(part, depth + 1) for part in _parts(value)]
    if isinstance(value, Set):
        parts.sort()
    return f"{type(value).__qualname__}({', '.join(parts)})"


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for name, inner in list(value.items()):
            yield from (name, inner)
    elif isinstance(value, Sequence | Set | deque):
        yield from list(value)
    elif isinstance(value, FunctionType):
        yield from (value.__defaults__, value.__kwdefaults__, vars(value))
    elif isinstance(value, classmethod | staticmethod | MethodType):
        yield value.__func__
    else:
        yield from (getattr(value, name, None) for name in getattr(type(value), "__struct_fields__", ()))
        yield vars(value) if hasattr(value, "__dict__") else None
