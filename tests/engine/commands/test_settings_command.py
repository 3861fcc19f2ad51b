"""`settings`: what a picture says, from this studio and from others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.__main__ import main
from engine.pictures.png import save_png
from tests.engine.pictures.foreign.files import A1111, GRAPH, RGB, comfy, png
from tests.engine.pictures.foreign.test_parameters import REQUEST


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))


def test_another_studio_s_settings_are_listed_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["settings", str(png(tmp_path / "a.png", {"parameters": A1111}))]) == 0
    out = capsys.readouterr().out
    missing = "Not here: the model “dream” (879db523c3), the LoRA “detail” (7c6bad76eb); Emoji is used instead."
    for line in ("program: A1111 v1.9.0", "sampler: DPM++ 2M", "steps: 20", "seed: 123456", "size: 512×768",
                 "model: “dream” (879db523c3)", "LoRAs: “detail” (7c6bad76eb) × 0.8", missing):  # fmt: skip
        assert f"{line}\n" in out


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", str(png(tmp_path / "a.png", {"prompt": comfy(**GRAPH)})), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["program"], said["steps"], said["model"]["name"]) == ("ComfyUI", 25, "dream")
    assert said["here"]["draft"]["sampler"] == "dpmpp-2m"
    assert said["here"]["missing"] == ["the model “dream”"]


def test_our_own_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_png(tmp_path / "a.png", np.asarray(RGB), REQUEST)
    assert main(["settings", str(tmp_path / "a.png"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sampler"] == "dpmpp-2m"
    assert main(["settings", str(tmp_path / "a.png")]) == 0
    assert "Sampler: DPM++ 2M" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["plain.png", "none.png", "text.png"])
def test_a_picture_without_settings_is_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png(tmp_path / "plain.png", {})
    (tmp_path / "text.png").write_text("words")
    assert main(["settings", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert name in said
