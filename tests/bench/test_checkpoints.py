"""Checkpoints: 2,000 damaged headers; the time to recognise the largest published header."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.checkpoints.recognise import recognise
from tests.engine.checkpoints.test_headers_hostile import check_each, damaged
from tests.fakes.checkpoints import single_file, write_hollow

pytestmark = pytest.mark.bench


def test_2000_damaged_headers(tmp_path: Path) -> None:
    assert check_each(damaged(2000, seed=11), tmp_path) >= 1950


def test_the_largest_header_is_recognised_in_10_ms(tmp_path: Path) -> None:
    path = write_hollow(tmp_path / "xl.safetensors", single_file("unet-xl-sd"))
    times = []
    for _ in range(20):
        began = time.perf_counter()
        recognise(path)
        times.append(time.perf_counter() - began)
    print(f"Stable Diffusion XL, 2,515 tensors: {min(times) * 1e3:.1f} ms")
    assert min(times) < 0.010
