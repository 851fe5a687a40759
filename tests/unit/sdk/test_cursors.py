"""A cursor outlives the version of the connector that wrote it."""

from typing import Any, ClassVar

import pytest
from tests.connectors.hostile.connector import Honest

from shelftide_sdk import ContractError, Cursor, Stream
from shelftide_sdk.cursors import VERSION_KEY, from_stored, to_stored

STREAM = Honest.streams[0]


class Second(Honest):
    """Knows what version 1 meant."""

    cursor_version: ClassVar[int] = 2

    @classmethod
    def migrate_cursor(cls, stream: Stream, cursor: Cursor, version: int) -> Cursor | None:
        return {"updated_at": cursor["since"], "from": version, "of": stream.name}


class Third(Honest):
    """Knows nothing of what was."""

    cursor_version: ClassVar[int] = 3


def test_a_first_version_is_kept_as_it_is() -> None:
    assert to_stored(Honest, {"updated_at": "x"}) == {"updated_at": "x"}
    assert from_stored(Honest, STREAM, {"updated_at": "x"}) == {"updated_at": "x"}
    assert from_stored(Honest, STREAM, None) is None


def test_an_upgrade_translates_the_old_cursor_and_reads_its_own() -> None:
    assert from_stored(Second, STREAM, {"since": "x"}) == {"updated_at": "x", "from": 1, "of": "orders"}
    stored = to_stored(Second, {"updated_at": "y"})
    assert stored == {"updated_at": "y", VERSION_KEY: 2}
    assert from_stored(Second, STREAM, stored) == {"updated_at": "y"}


def test_what_cannot_be_translated_begins_anew() -> None:
    assert from_stored(Third, STREAM, {"since": "x", VERSION_KEY: 2}) is None
    assert from_stored(Second, STREAM, {"updated_at": "z", VERSION_KEY: 3}) is None  # rolled back
    assert from_stored(Second, STREAM, {"updated_at": "z", VERSION_KEY: "3"}) is None


def test_a_translation_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError, match="migrate_cursor of orders: KeyError"):
        from_stored(Second, STREAM, {"unknown": 1})
    given: Any = ["not", "a", "cursor"]
    monkeypatch.setattr(Second, "migrate_cursor", classmethod(lambda *_: given))
    with pytest.raises(ContractError, match="gave a list"):
        from_stored(Second, STREAM, {"since": "x"})


def test_a_connector_cannot_forge_the_version() -> None:
    with pytest.raises(ContractError, match="must not hold"):
        to_stored(Honest, {VERSION_KEY: 9})
