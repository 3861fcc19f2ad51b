"""The loaded models of a device: one large one at a time, small ones by use, and a refusal before anything is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.models import cache
from engine.models.cache import LARGE, Models
from engine.models.errors import ModelError
from engine.spec.catalog import ModelInfo
from tests.latent import latent_info, latent_models

GIB = 2**30


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Models:
    latent_models(monkeypatch)
    free(monkeypatch, 64 * GIB)
    return Models(torch.device("cpu"))


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(cache, "free_bytes", lambda device: size)


def info(name: str, size: int) -> ModelInfo:
    return replace(latent_info(Path()), id=name, title=name.title(), sha256=name * 64, bytes=size)


def test_a_model_is_loaded_once(held: Models) -> None:
    a = info("a", 0)
    assert held.held(a) is None
    assert held.get(a) is held.get(a)


def test_a_large_model_replaces_the_large_one_and_leaves_the_small_ones(held: Models) -> None:
    small, one, two = info("s", 1000), info("a", LARGE), info("b", 3 * LARGE)
    for each in (small, one, two):
        held.get(each)
    assert held.held(one) is None
    assert held.held(small) is not None
    assert held.held(two) is not None


def test_of_many_small_models_the_least_recently_used_goes(held: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SMALL_TOGETHER", 250)
    a, b, c = (info(name, 100) for name in "abc")
    held.get(a), held.get(b)
    held.get(a)
    held.get(c)
    assert held.held(b) is None
    assert held.held(a) is not None


def test_what_does_not_fit_is_refused_before_it_is_read_with_the_smaller_way(
    held: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(cache.models, "load", lambda *_: read.append("read"))
    free(monkeypatch, 5 * GIB)
    with pytest.raises(
        ModelError, match=r"takes 6\.0 GiB of memory and 5\.0 GiB are free: .*half precision.* 3\.0 GiB"
    ):
        held.get(info("a", 6 * GIB))
    with pytest.raises(ModelError, match="close other programs, or choose a smaller model"):
        held.get(replace(info("a", 6 * GIB), compute_dtype="float16"))
    assert read == []


def test_two_precisions_of_a_model_are_two_models(held: Models) -> None:
    a = info("a", 0)
    half = held.get(replace(a, compute_dtype="bfloat16"))
    assert half is not held.get(a)
    assert half.compute_dtype == torch.bfloat16


def test_models_whose_hashes_are_not_known_yet_are_told_apart(held: Models) -> None:
    a, b = (replace(info(name, 0), sha256="", folder=Path(name)) for name in "ab")
    assert held.get(a) is not held.get(b)
    assert held.get(a) is held.get(a)
