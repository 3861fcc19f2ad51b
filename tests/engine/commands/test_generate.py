"""`generate` as a person types it, once in a process of its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.commands.sampling import file_names
from engine.pictures.png import read_settings
from engine.spec.catalog import ModelInfo
from engine.store import RunReader

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("encoding", ["koi8-r", "cp1252", "euc_jp", "ascii"])
def test_a_terminal_without_a_character_prints_a_substitute(
    encoding: str, tmp_path: Path, tiny_model: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding, errors="strict"))
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--help"])
    assert ended.value.code == 0
    out = tmp_path / "a.png"
    assert main(["generate", "--model", str(tiny_model.folder), "--steps", "1", "--out", str(out)]) == 0
    assert out.stat().st_size
    assert main(["generate", "--model", "привет ×", "--out", str(out)]) == 2
    sys.stderr.flush()
    assert b"Traceback" not in sys.stderr.buffer.getvalue()  # type: ignore[union-attr]


def test_minus_one_is_a_random_seed(tmp_path: Path, tiny_model: ModelInfo) -> None:
    out = tmp_path / "a.png"
    assert main(["generate", "--model", str(tiny_model.folder), "--steps", "1", "--seed", "-1", "--out", str(out)]) == 0
    request = read_settings(out)
    assert request is not None
    assert request.seeds[0] >= 0


def test_a_batch_is_numbered_and_its_files_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, run = tmp_path / "apple.png", tmp_path / "apple.twrun"
    words = ["red apple", "--class", "noto", "--negative", "blue", "--steps", "4", "--sampler", "heun"]
    words += ["--guidance", "2", "--seed", "5", "--batch", "2", "--json"]
    assert main(["generate", *words, "--out", str(out), "--run-file", str(run)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [p["seed"] for p in facts["pictures"]] == [5, 6]
    for k, picture in enumerate(facts["pictures"]):
        path = tmp_path / f"apple-{k}.png"
        assert picture["path"] == str(path)
        request = read_settings(path)
        assert request is not None
        assert (request.prompt, request.negative, request.label) == ("red apple", "blue", "noto")
        assert (request.sampler, request.steps, request.guidance, request.seeds) == ("heun", 4, 2.0, (5 + k,))
        with Image.open(path) as image:
            shown = np.asarray(image)
        assert shown.shape == (*reversed(request.size), 3)
        finished = RunReader(run).picture()
        assert finished is not None, "the second stage's, kept with the run"
        np.testing.assert_array_equal(shown, finished[k])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["x", "--class", "bogus"], "has no style “bogus”"),
        (["x", "--model", "bogus"], "no model “bogus”"),
        (["x", "--steps", "0"], "0 steps"),
        (["x", "--out", "a.jpg"], "end the name in .png"),
        (["x", "--batch", "1000"], "batch of 1000"),
        (["x", "--spacing", "bogus"], "bogus"),
        (["x", "--enlarge", "1000"], "1 to 64"),
        (["x", "--quantile", "0.9"], "needs --threshold dynamic"),
        (["x", "--threshold", "dynamic", "--quantile", "2"], "between 0 and 1"),
        (["x", "--guidance-interval", "5", "0.3"], "low one first"),
        (["x", "--temperature", "0"], "above 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", *words]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.strip().splitlines()) == 1


def test_what_cannot_be_done_is_said_before_torch_is_loaded() -> None:
    code = (
        "import sys; from engine.__main__ import main; refused = main(['generate', 'x', '--temperature', '0']); "
        "sys.exit(refused if 'torch' not in sys.modules else 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    told = capsys.readouterr().out
    named = ["class", "model", "negative", "steps", "sampler", "guidance", "seed", "batch", "json", "out"]
    assert [name for name in named if f"--{name}" not in told] == []


def test_without_a_second_stage_the_picture_is_the_last_state(tmp_path: Path) -> None:
    out, run = tmp_path / "apple.png", tmp_path / "apple.twrun"
    words = ["--cascade", "off", "--steps", "3", "--seed", "5", "--out", str(out), "--run-file", str(run)]
    assert main(["generate", "red apple", *words]) == 0
    final = RunReader(run).next(2)[0]
    with Image.open(out) as image:
        shown = np.asarray(image)
    np.testing.assert_array_equal(shown, np.round((final.clip(-1, 1) + 1) * 127.5).transpose(1, 2, 0))


def test_a_model_of_ones_own_is_named_by_its_folder(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", str(tiny_model.folder), "--steps", "2", "--seed", "1", "--out", str(tmp_path / "a.png")]
    assert main(["generate", "apple", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["request"]["model_sha256"] == tiny_model.sha256


def test_the_error_of_an_unwritable_path_names_the_typed_path(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    out.mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["generate", "red apple", "--model", str(tiny_model.folder), "--steps", "2", "--out", str(out)])
    assert ended.value.code == 2
    assert f"{out} is a folder: add the name of a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()].count("out.png") == 1
    assert not list(tmp_path.glob(".*")), "nothing half written is left"


def test_one_picture_keeps_its_name_and_a_batch_counts_from_zero() -> None:
    assert file_names(Path("a.png"), 1) == [Path("a.png")]
    assert file_names(Path("a"), 1) == [Path("a.png")]
    assert file_names(Path("d/a.png"), 2) == [Path("d/a-0.png"), Path("d/a-1.png")]


def test_interval_threshold_and_temperature_are_in_the_pictures_settings(tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    words = ["--guidance-interval", "0.3", "5", "--threshold", "dynamic", "--quantile", "0.9", "--temperature", "0.8"]
    assert main(["generate", "red apple", "--steps", "2", "--seed", "1", *words, "--out", str(out)]) == 0
    request = read_settings(out)
    assert request is not None
    assert request.guidance_interval == (0.3, 5.0)
    assert (request.threshold, request.quantile, request.temperature) == ("dynamic", 0.9, 0.8)
