"""What outsiders depend on does not change unnoticed."""

from pathlib import Path

import msgspec
import pytest
from tests.unit.sdk import public_api
from tests.unit.sdk.public_api import describe, listing

import shelftide_sdk
from shelftide_sdk.connector import API_VERSION

DOCS = Path(__file__).parents[3] / "docs" / "connectors"


def test_the_public_api_is_the_committed_one() -> None:
    committed = (DOCS / "api.txt").read_text(encoding="utf-8")
    assert listing() == committed, "see docs/connectors/compatibility.md, then write docs/connectors/api.txt anew"


def test_a_changed_signature_a_new_field_and_a_lost_name_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = listing()
    monkeypatch.setattr(shelftide_sdk, "days", lambda count, more=0: None)
    assert listing() != before
    monkeypatch.undo()
    monkeypatch.setattr(shelftide_sdk, "__all__", [n for n in shelftide_sdk.__all__ if n != "Page"])
    assert listing() != before
    monkeypatch.undo()
    grown = msgspec.defstruct("Page", [("records", tuple), ("extra", int, 0)])
    assert list(describe("Page", grown)) == ["class Page(Struct)", "    records: tuple", "    extra: int = ..."]


def test_the_listing_names_no_place_in_memory() -> None:
    assert " at 0x" not in listing()
    assert public_api.MODULES[0] == "shelftide_sdk"


def test_the_policy_names_the_version_that_holds() -> None:
    assert f"`API_VERSION = {API_VERSION}`" in (DOCS / "compatibility.md").read_text(encoding="utf-8")
