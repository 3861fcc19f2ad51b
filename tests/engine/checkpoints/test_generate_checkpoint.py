"""`generate --model FILE` makes a picture from a checkpoint, headless, and writes a run file that replays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.__main__ import main
from engine.pictures.image_file import load as load_picture
from engine.pictures.png import read_settings
from engine.session import Session
from engine.spec.catalog import find
from engine.store import RunReader
from tests.fakes.tiny_sd import UNET, VAE, nets, write_folder, write_single_file

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))


def set_by_hand(path: Path) -> None:
    """Say what the tiny file is, as a user would of a file that fits nothing."""
    choices = [f"unet.{key}={json.dumps(value)}" for key, value in UNET.items()]
    choices += [f"vae.{key}={json.dumps(value)}" for key, value in VAE.items()]
    flags = [flag for choice in ["family=sd1", *choices] for flag in ("--set", choice)]
    assert main(["models", str(path), *flags]) == 0


def generate(model: Path, out: Path, *more: str) -> int:
    return main(
        ["generate", "a red apple", "--model", str(model), "--steps", "3", "--seed", "5", "--out", str(out), *more]
    )


def test_a_single_file_makes_a_picture_and_a_run_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_single_file(tmp_path / "tiny.safetensors", dtype=torch.float16)
    set_by_hand(path)
    out, run = tmp_path / "apple.png", tmp_path / "apple.twrun"
    assert generate(path, out, "--run-file", str(run), "--negative", "blurry", "--guidance", "3") == 0
    assert load_picture(out).rgb.shape == (64, 64, 3)
    settings = read_settings(out)
    assert settings is not None
    assert settings.model == "tiny"
    reader = RunReader(run)
    assert reader.ended == "finished"
    assert reader.x(2).shape == (1, 4, 8, 8)
    assert reader.header["preview"]["factors"][0] == pytest.approx([0.3512, 0.2297, 0.3227])
    again = tmp_path / "again.png"
    assert generate(path, again, "--negative", "blurry", "--guidance", "3") == 0
    assert (load_picture(again).rgb == load_picture(out).rgb).all()
    capsys.readouterr()


def test_the_last_state_decodes_to_the_saved_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_folder(tmp_path / "tiny", nets(small=True))
    out, run = tmp_path / "apple.png", tmp_path / "apple.twrun"
    assert generate(path, out, "--run-file", str(run), "--size", "96x64") == 0
    rgb = load_picture(out).rgb
    assert rgb.shape == (64, 96, 3)
    x0 = torch.from_numpy(RunReader(run).x0(2).copy())
    with torch.no_grad():
        decoded = nets(small=True).vae.decode(x0 / 0.18215).sample[0]
    theirs = ((decoded.clamp(-1, 1) + 1) * 127.5).round().permute(1, 2, 0)
    assert (torch.from_numpy(rgb.astype("f4")) - theirs).abs().max() <= 1
    capsys.readouterr()


def test_a_model_that_does_not_fit_into_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.models import cache

    path = write_folder(tmp_path / "tiny", nets(small=True))
    monkeypatch.setattr(cache, "LARGE", 1)
    monkeypatch.setattr(cache, "free_bytes", lambda device: 1000)
    monkeypatch.setattr("engine.models.latent.load", lambda *_, **__: pytest.fail("it was read"))
    assert generate(path, tmp_path / "apple.png") == 2
    assert "GiB are free" in capsys.readouterr().err


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.ckpt"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert generate(path, tmp_path / "apple.png") == 2
    err = capsys.readouterr().err
    assert "is a pickle" in err
    assert len(err.splitlines()) == 1


def test_a_prompt_of_many_chunks_is_guided(tmp_path: Path) -> None:
    """The condition has more tokens than the empty negative prompt."""
    from engine.spec.draft import Draft, resolve

    info = find(str(write_folder(tmp_path / "tiny", nets(small=True))))
    session = Session("cpu", [info])
    draft = Draft.for_model(info, prompt="red apple, " * 60, steps=2, seed=1)
    *_, step = session.generate(resolve(draft, info))
    assert step.move.x.isfinite().all()


def test_the_session_imports_no_diffusers_until_a_latent_model_is_chosen() -> None:
    script = (
        "import sys\n"
        "from engine.session import Session\n"
        "session = Session('cpu')\n"
        "session.load(session.info('emoji'))\n"
        "print([name for name in ('diffusers', 'transformers') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
