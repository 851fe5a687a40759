"""A thousand files broken in thirty ways: each is answered, no figure is wrong, memory stays bounded."""

import resource
from collections import Counter
from pathlib import Path

import pytest
from tests.durability.figures import Figures
from tests.unit.ingest.broken_files import DAMAGES, answer

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1500)]
FILES = 1_000
_FIRST = 1_000  # the quick sample has other seeds


def test_a_thousand_broken_files_are_answered(tmp_path: Path, figure: Figures) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers = [answer(_FIRST + number, tmp_path, large=number < 100) for number in range(FILES)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    counts = Counter(found.damage for found in answers)
    assert len(counts) == len(DAMAGES)
    figure("broken files", len(answers))
    figure("ways in which they were broken", len(counts))
    figure("files refused whole, with a reason and a hint", sum(bool(found.refused) for found in answers))
    figure("lines refused, each with its number and reason", sum(found.rejects for found in answers))
    figure("lines that were right and taken", sum(found.taken for found in answers))
    figure("memory for the worst of them", round(grown), "MB")
    assert grown < 600
