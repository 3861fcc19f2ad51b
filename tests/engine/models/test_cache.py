"""The loaded models of a device: one large one at a time, small ones by use, and a refusal before anything is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.checkpoints.settings import ModelSettings
from engine.models import cache
from engine.models.cache import LARGE, DoesNotFit, Models
from engine.models.errors import ModelError
from engine.spec.catalog import ModelInfo, checkpoint
from engine.spec.draft import Draft, resolve
from engine.spec.saving import Change
from tests.fakes.checkpoints import SMALL, write_hollow
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
    with pytest.raises(ModelError, match=r"takes 6\.0 GiB of memory and 5\.0 GiB are free: close other programs"):
        held.get(info("a", 6 * GIB))
    assert read == []


def test_a_run_that_does_not_fit_is_refused_with_the_smallest_change(
    held: Models, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write_hollow(tmp_path / "m.safetensors", SMALL)
    small = checkpoint(path, ModelSettings().with_choices(path, {"family": "sd1"}))
    weights = {"net": 5 * GIB // 4, "text": 0, "vae": GIB}
    large = replace(small, bytes=6 * GIB, config=small.config | {"weights": weights})
    request = resolve(Draft.for_model(large, precision="float32"), large)
    free(monkeypatch, 8 * GIB)
    held.check_run(request, large)
    free(monkeypatch, 5 * GIB)
    with pytest.raises(
        DoesNotFit, match=r"takes 7\.0 GiB of memory and 5\.0 GiB are free: use half precision\."
    ) as told:
        held.check_run(request, large)
    assert told.value.change == Change(("half",))
    free(monkeypatch, GIB)
    with pytest.raises(DoesNotFit, match="close other programs, or choose a smaller model"):
        held.check_run(request, large)


def test_two_precisions_of_a_model_are_two_models(held: Models) -> None:
    a = info("a", 0)
    half = held.get(replace(a, compute_dtype="bfloat16"))
    assert half is not held.get(a)
    assert half.compute_dtype == torch.bfloat16


def test_models_whose_hashes_are_not_known_yet_are_told_apart(held: Models) -> None:
    a, b = (replace(info(name, 0), sha256="", folder=Path(name)) for name in "ab")
    assert held.get(a) is not held.get(b)
    assert held.get(a) is held.get(a)
