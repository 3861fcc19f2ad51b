"""500 damaged files over all readers: each gives one sentence. 10,000: tests/bench/test_fuzz.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz.harness import fuzz, shares
from tests.fuzz.readers import READERS

SEED, FILES = 13, 500

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and measures memory as Linux does")


@pytest.mark.parametrize("torch", [False, True], ids=["without torch", "with torch"])
def test_a_damaged_file_is_read_or_is_one_sentence(torch: bool, tmp_path: Path) -> None:
    counts = {name: n for name, n in shares(FILES).items() if any(r.name == name and r.torch == torch for r in READERS)}
    reports = fuzz(counts, SEED, tmp_path)
    faults = [f"{report.reader}: {fault}" for report in reports for fault in report.faults]
    assert not faults, "\n".join(faults)
    assert sum(sum(report.outcomes.values()) for report in reports) == sum(counts.values())


def test_every_file_is_some_reader_s() -> None:
    assert sum(shares(FILES).values()) == FILES
    assert min(shares(FILES).values()) >= 1
