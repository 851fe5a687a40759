"""docs/connectors/index.md says what the connectors say."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shelftide_sdk.records import AdDay, Location, Order


def loaded() -> ModuleType:
    """The generator, which is a script and no part of a package."""
    path = Path(__file__).parents[2] / "infra" / "connector_index.py"
    spec = importlib.util.spec_from_file_location("connector_index", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


index = loaded()


def evidence() -> dict[str, Any]:
    return tomllib.loads(index.EVIDENCE.read_text(encoding="utf-8"))


def test_the_page_is_current() -> None:
    assert index.PAGE.read_text(encoding="utf-8") == index.current(), "run: make index"


def test_every_stream_is_on_the_page_with_what_it_rests_on() -> None:
    text = index.current()
    for connector in index.ours():
        section = text.partition(f"\n## {connector.info.name}\n")[2].partition("\n## ")[0]
        assert [f"| {stream.name} |" in section for stream in connector.streams] == [True] * len(connector.streams)
    assert len(index.ours()) == 11


def test_a_stream_a_connector_or_a_file_kind_that_is_gone_is_named() -> None:
    known = evidence()
    with pytest.raises(LookupError, match="no stream 'nothing'"):
        index.page(index.ours(), {**known, "shopify": {"schema": ["nothing"]}})
    for word in ("connectors", "files", "plugins"):
        with pytest.raises(LookupError, match=f"no {word}"):
            index.page(index.ours(), {**known, "system": [{"name": "X", word: ["nothing"]}]})


def test_every_system_has_a_way_in_or_says_that_it_has_none() -> None:
    bare = [each["name"] for each in evidence()["system"] if not any(map(each.get, ("connectors", "files", "plugins")))]
    assert bare == ["Foreign exchange rates"]
    assert "open" in next(each["note"] for each in evidence()["system"] if each["name"] in bare)


def test_metrics_are_figures_and_not_keys() -> None:
    assert index.metrics_of(Location) == []
    assert {"spend", "impressions", "conversions"} <= set(index.metrics_of(AdDay))
    assert "day" not in index.metrics_of(AdDay)
    assert "total" in index.metrics_of(Order)
    assert index.PAGE.name == "index.md"
