"""`likelihood`, `encode` and `decode` on the command line: their output, and one sentence for each error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.spec.catalog import ModelInfo
from engine.store import RunReader


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A picture of the tiny model's size."""
    path = tmp_path / "small.png"
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(path)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.png"
    Image.fromarray(np.full((20, 40, 3), 200, np.uint8)).save(path)
    return path


def printed_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def failed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence that the command ends with."""
    assert main(words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    return said[-1]


QUICK = ["--tol", "0.05", "--probes", "2"]


def test_likelihood_says_bits_with_their_error_and_the_offset(
    tiny_model: ModelInfo, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["likelihood", str(small), str(small), "--model", str(tiny_model.folder), *QUICK]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "bits/dim" in lines[0]
    assert " ± " in lines[0]
    assert "over 768 numbers at σ = 0.02 (2 probes, tolerance 0.05" in lines[0]
    assert "log₂ 127.5 = 6.994 added" in lines[0]
    assert lines[-1].startswith("mean of 2: ")


def test_likelihood_gives_the_bound_as_json(
    tiny_model: ModelInfo, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["likelihood", str(small), "--model", str(tiny_model.folder), "--class", "round", "--prompt", "red apple"]
    assert main([*words, *QUICK, "--bound", "--levels", "12", "--draws", "2", "--json"]) == 0
    facts = printed_json(capsys)
    assert facts["model_sha256"] == tiny_model.sha256
    (one,) = facts["pictures"]
    assert one["bits_dim"] == pytest.approx(-one["logp"] / (768 * np.log(2)) + np.log2(127.5))
    assert one["probes"] == 2
    bound = one["bound"]
    assert len(bound["sigmas"]) == 12
    assert bound["l_T"] + sum(bound["terms"]) + bound["l_0"] == pytest.approx(bound["total"])
    assert np.sum(bound["pixels"]) / 768 == pytest.approx(bound["total"])
    assert main([*words, "--tol", "0.05", "--probes", "1", "--bound", "--levels", "12", "--draws", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "L_T" in lines[1]
    assert "either can be larger" in lines[2]
    assert "rate" in lines[3]


def test_a_picture_of_another_size_is_refused_with_the_size_or_fitted(
    tiny_model: ModelInfo, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("likelihood", "encode"):
        said = failed([command, str(large), "--model", str(tiny_model.folder)], capsys)
        assert "large.png: Tiny reads pictures of 16×16 pixels, but this one has 40×20" in said
        assert "--fit" in said
    words = ["likelihood", str(large), "--model", str(tiny_model.folder), "--fit", "--json", *QUICK]
    assert main(words) == 0
    assert printed_json(capsys)["pictures"][0]["dims"] == 768


def test_what_cannot_be_is_one_sentence(
    tiny_model: ModelInfo, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_model.folder)]
    assert "choose round, square" in failed(["likelihood", str(small), *model, "--class", "sneaker"], capsys)
    assert "takes no text" in failed(
        ["likelihood", str(small), "--fit", "--model", "fashion", "--prompt", "red apple"], capsys
    )
    assert "probes" in failed(["likelihood", str(small), *model, "--probes", "0"], capsys)
    tight = ["encode", str(small), *model, "--tol", "1e-6", "--max-calls", "20"]
    assert "choose a larger tolerance, or allow more calls" in failed(tight, capsys)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert "broken.png" in failed(["likelihood", str(tmp_path / "broken.png"), *model], capsys)


def test_a_picture_with_values_that_are_no_numbers_is_refused(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nan.tiff"
    values = np.full((16, 16), 0.5, np.float32)
    values[3, 4] = np.nan
    Image.fromarray(values).save(path)
    for command in ("likelihood", "encode"):
        assert "no numbers (NaN" in failed([command, str(path), "--model", str(tiny_model.folder)], capsys)


def test_encode_keeps_a_run_and_decode_goes_on_from_it(
    tiny_model: ModelInfo,
    small: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, out, down = tmp_path / "up.twrun", tmp_path / "back.png", tmp_path / "down.twrun"
    words = ["encode", str(small), "--model", str(tiny_model.folder), "--prompt", "red apple", "--class", "round"]
    assert main([*words, "--tol", "0.01", "--run-file", str(run), "--json"]) == 0
    facts = printed_json(capsys)
    assert facts["calls"] > facts["steps"] > 0
    assert isinstance(facts["psnr"], float)
    assert facts["back_calls"] > 0
    assert RunReader(run).ended == "finished"
    assert RunReader(run).request.prompt == "red apple"

    decode = ["decode", str(run), "--model", str(tiny_model.folder), "--tol", "0.01", "--json"]
    assert main([*decode, "--out", str(out), "--run-file", str(down)]) == 0
    assert printed_json(capsys)["psnr"] == pytest.approx(facts["psnr"], abs=1e-6)
    with Image.open(out) as picture:
        assert picture.size == (16, 16)
    assert RunReader(down).header["parent"]["run"] == "up"
    assert main([*decode, "--out", str(out), "--prompt", "blue heart"]) == 0
    assert printed_json(capsys)["psnr"] != pytest.approx(facts["psnr"], abs=1e-6)
    model = ["--model", str(tiny_model.folder)]
    assert "encode a picture first" in failed(["decode", str(down), *model, "--out", str(out)], capsys)
    assert "cannot be written as" in failed(["decode", str(run), *model, "--out", str(tmp_path / "x.xyz")], capsys)
