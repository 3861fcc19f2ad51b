"""The command's refusal of a run that does not fit: what it names is what makes the run fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.checkpoints.settings import ModelSettings
from engine.commands import flags
from engine.models import cache
from engine.models.errors import ModelError
from engine.spec.catalog import ModelInfo, checkpoint
from tests.fakes.checkpoints import SMALL, write_hollow

GB = 10**9
FLAGS = {"--precision", "--tiles", "--offload", "--single", "--size"}


@pytest.fixture
def info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInfo:
    """The model that the command finds: Stable Diffusion 1 with 1.8 GB of weights. Nothing is loaded."""
    path = write_hollow(tmp_path / "m.safetensors", SMALL)
    small = checkpoint(path, ModelSettings().with_choices(path, {"family": "sd1"}))
    weights = {"net": 3 * GB // 10, "text": GB // 2, "vae": GB // 10}
    info = replace(small, sha256="a" * 64, bytes=18 * GB // 10, config=small.config | {"weights": weights})
    monkeypatch.setattr(flags, "find", lambda model, vae, precision, report: info.in_precision(precision))

    def load(*_: object) -> None:
        raise ModelError("It fits.")

    monkeypatch.setattr(cache.models, "load", load)
    return info


def test_the_flags_that_a_refusal_names_make_the_run_fit(
    info: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["generate", "x", "--size", "1024x1024", "--precision", "float32", "--out", str(tmp_path / "a.png")]

    def said(*more: str) -> str:
        assert main([*asked, *more]) == 2
        return capsys.readouterr().err

    named: set[str] = set()
    for free in (7 * GB, 5 * GB, 3 * GB, *range(2 * GB, GB, -GB // 25)):
        monkeypatch.setattr(cache, "free_bytes", lambda device, free=free: free)
        refusal = said()
        if "It fits." not in refusal:
            words, _, change = refusal.strip().partition(" On the command line: ")
            assert "GiB are free: " in words
            if not change:
                assert "close other programs" in words, "nothing makes it fit"
                break
            assert "It fits." in said(*change.split()), change
            named |= FLAGS.intersection(change.split())
    assert named == FLAGS
