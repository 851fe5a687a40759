"""Sixty files broken in thirty ways, each answered clearly; the thousand is a proof (tests/evidence/test_files.py)."""

from pathlib import Path

import pytest
from tests.unit.ingest.broken_files import DAMAGES, answer


@pytest.mark.parametrize("round_", [0, 1])
def test_broken_files_are_answered_and_no_wrong_figure_is_taken(tmp_path: Path, round_: int) -> None:
    answers = [answer(number, tmp_path, large=round_ == 0) for number in range(round_ * 30, round_ * 30 + 30)]
    assert len({found.damage for found in answers}) >= len(DAMAGES) - 2
    assert sum(bool(found.refused) for found in answers) >= 10
    assert sum(found.rejects for found in answers) >= 4
    assert sum(found.taken for found in answers) >= 50
