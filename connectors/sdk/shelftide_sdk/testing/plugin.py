"""pytest plugin of the SDK: what a connector's own tests get for free."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Marks that the conformance suite uses."""
    config.addinivalue_line("markers", "conformance: a rule that every connector keeps")
