"""The studio around an engine, for measuring: pytest -m bench -s tests/bench."""

from __future__ import annotations

import os

import pytest

from tests.app.conftest import Parts, by_hand, fake, make_parts, model, parts, pytest_itemcollected, request_of

__all__ = ["Parts", "by_hand", "fake", "make_parts", "model", "parts", "pytest_itemcollected", "request_of"]


@pytest.fixture(autouse=True, scope="session")
def _alone() -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.fail("Two benchmarks at once measure each other: call pytest with -n 0.")
