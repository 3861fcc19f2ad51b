"""The tokenizer on 3,000 texts, of which the tests take 300."""

from __future__ import annotations

import pytest

from tests.engine.models.test_clip_bpe import differing

pytestmark = pytest.mark.bench


def test_ids_of_3000_texts_are_those_of_transformers() -> None:
    assert differing(3000, seed=2) == []
