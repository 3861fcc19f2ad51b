"""10,000 damaged files over all readers; another seed: TWEEDIE_FUZZ_SEED=…"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz.harness import fuzz, shares
from tests.fuzz.readers import READERS

FILES = 10_000

pytestmark = pytest.mark.bench


@pytest.mark.timeout(7200)
def test_fuzz(tmp_path: Path) -> None:
    """No crash, no hang over 10 s of a processor, no memory over 2 GB, and one sentence for what is damaged."""
    seed = int(os.environ.get("TWEEDIE_FUZZ_SEED", "1"))
    print(f"\nseed {seed}")
    counts, faults = shares(FILES), []
    for number, reader in enumerate(READERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (report,) = fuzz({reader.name: counts[reader.name]}, seed, folder)
        print(report.line, flush=True)
        faults += [f"{report.reader}: {fault}" for fault in report.faults]
    assert not faults, "\n".join(faults)
