"""All rules in one class to inherit."""

import pytest

from shelftide_sdk.testing.conformance.clocks import Clocks
from shelftide_sdk.testing.conformance.conduct import Conduct
from shelftide_sdk.testing.conformance.crowds import Crowds
from shelftide_sdk.testing.conformance.declarations import Declarations
from shelftide_sdk.testing.conformance.facts import Facts
from shelftide_sdk.testing.conformance.fidelity import Fidelity
from shelftide_sdk.testing.conformance.habits import Habits
from shelftide_sdk.testing.conformance.reads import Reads
from shelftide_sdk.testing.conformance.resumption import Resumption
from shelftide_sdk.testing.conformance.trouble import Trouble
from shelftide_sdk.testing.conformance.waiting import Waiting


@pytest.mark.asyncio
class ConnectorConformance(
    Declarations, Reads, Facts, Clocks, Fidelity, Conduct, Crowds, Resumption, Trouble, Waiting, Habits
):
    """Inherit, name the connector, run pytest.

    Example:
        class TestAcme(ConnectorConformance):
            connector = Acme
    """
