"""Bulk operations are polled without pauses."""

import pytest

from shelftide_shopify import bulk


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_FIRST_POLL_SECONDS", 0.001)
