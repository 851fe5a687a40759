"""The ingest benchmark itself: the scaled shop is sound, and a contestant that lands other rows fails the run."""

from pathlib import Path
from typing import Any

import pytest
from tests.bench.ingest import same_rows, summary
from tests.bench.limit import rows_of
from tests.bench.measure import TABLES
from tests.bench.render import APP, record
from tests.bench.scaled_shop import PATH, ScaledShop, busiest_shop, scale
from tests.bench.wire import Source
from tests.connectors.fake_world import LUMEN_ORDERS, FakeWorld, brand

from shelftide_sdk.testing.replay import Tape, serve
