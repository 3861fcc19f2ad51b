"""Sharp previews by a TAESD: shown at once, never saved, replaced by the model's own decoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.core.models.model_file import ModelFile
from app.core.models.preview_decoder import PreviewDecoder
from app.core.shown import sharpener
from engine.jobs.decode_step import DecodeStep, StepDecoded
from tests.app.conftest import Parts
from tests.app.windows import finish

RGB = np.full((16, 24, 3), 7, np.uint8)


@dataclass
class Chosen:
    """A decoder of the setting."""

    sharpens: bool = True
    tiny: Path | None = Path("taesd.safetensors")

    def tiny_for(self, model: str) -> Path | None:
        return self.tiny


@pytest.fixture
def asked(qtbot: QtBot, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> list[DecodeStep]:
    """A finished run whose first step is a coarse preview; the steps that the engine is asked to decode."""
    monkeypatch.setattr(sharpener, "LONG_REST_MS", 1)
    monkeypatch.setattr(sharpener, "REST_MS", 1)
    found: list[DecodeStep] = []

    def decode(job: DecodeStep) -> list[object]:
        found.append(job)
        if job.tiny is None:
            return [StepDecoded(job.path, job.k, job.image, RGB + 1)]
        half, whole = (StepDecoded(job.path, job.k, job.image, RGB + n, tiny=True, small=n == 2) for n in (2, 3))
        return [half, whole]

    parts.fake.answers[DecodeStep] = decode
    finish(qtbot, parts.document)
    run = parts.document.shown.run
    assert run is not None
    own = lambda run, k, image: (k, image) in run._sharp and (k, image) not in run._tiny  # noqa: E731
    monkeypatch.setattr(type(run), "is_coarse", lambda *step: not own(*step))  # as of a latent model
    return found


def test_a_preview_by_a_taesd_is_followed_by_the_models_own(
    qtbot: QtBot, parts: Parts, asked: list[DecodeStep]
) -> None:
    run, kept = parts.document.shown.run, []
    assert run is not None
    keep = run.keep_sharp
    run.keep_sharp = lambda *a: (kept.append(int(a[2].flat[0])), keep(*a))[1]  # type: ignore[method-assign, func-returns-value]
    parts.document.sharpener.decoder = Chosen()
    parts.document.shown.scrub(0)
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert [job.tiny for job in asked] == [Path("taesd.safetensors"), None]
    assert kept[:2] == [9, 10], "at half the size, then whole"
    qtbot.waitUntil(lambda: not run.is_coarse(0, 0))
    assert run.sharp(0, 0) is not None
    assert (run.sharp(0, 0) == RGB + 1).all()  # type: ignore[union-attr]


def test_a_step_to_save_is_decoded_by_the_model_and_linear_previews_stay(
    qtbot: QtBot, parts: Parts, asked: list[DecodeStep]
) -> None:
    parts.document.sharpener.decoder = Chosen(sharpens=False)
    parts.document.shown.scrub(0)
    done: list[bool] = []
    parts.document.when_sharp(lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert [job.tiny for job in asked] == [None]


def test_the_taesd_of_the_family_is_chosen_by_the_setting() -> None:
    def file(
        name: str, title: str = "TAESD, a small autoencoder", serves: tuple[str, ...] = ("sd1", "sdxl")
    ) -> ModelFile:
        return ModelFile(Path(name), role="vae", title=title, serves=serves)

    files = [file("taesdxl.safetensors"), file("taesd.safetensors"), file("mse.safetensors", "VAE"),
             file("taesd_encoder.safetensors", "the encoder of TAESD, a small autoencoder")]  # fmt: skip
    setting = {"now": "taesd"}
    models = [SimpleNamespace(id=name, config={"family": name}) for name in ("sd1", "sdxl", "sd3")]
    library = cast("Any", SimpleNamespace(files={one.path: one for one in files}))
    decoder = PreviewDecoder(lambda: setting["now"], library, cast("Any", SimpleNamespace(models=models)))
    assert [decoder.tiny_for(one.id) for one in models] == [
        Path("taesd.safetensors"),
        Path("taesdxl.safetensors"),
        None,
    ]
    setting["now"] = "full"
    assert decoder.sharpens
    assert decoder.tiny_for("sd1") is None
    setting["now"] = "linear"
    assert not decoder.sharpens
