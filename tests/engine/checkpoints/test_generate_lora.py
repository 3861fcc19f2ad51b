"""`generate --lora FILE:0.8`: what is applied is said, the picture's settings replay it, a missing file is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.checkpoints.adapters.modules import Module
from engine.checkpoints.adapters.names import names_of
from engine.checkpoints.hashes import FILE as HASHES
from engine.checkpoints.hashes import sha256
from engine.errors import EngineError
from engine.jobs.generate import Generate
from engine.jobs.job import Estimate, Event, Progress
from engine.jobs.load import AdapterApplied, Applying
from engine.pictures.image_file import load as load_picture
from engine.pictures.png import read_settings
from engine.session import Session
from engine.spec.adapter import AdapterUse
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from tests.fakes.adapters import lora, write
from tests.fakes.tiny_sd import SMALL_UNET, TEXT, nets, write_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "config"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "tiny", nets(small=True))


@pytest.fixture
def style(tmp_path: Path) -> Path:
    return write(tmp_path / "adapters" / "style.safetensors", lora(modules(), seed=1))


def modules() -> list[tuple[str, Module]]:
    """The modules of the tiny model."""
    text = {"width": TEXT["hidden_size"], "mlp": TEXT["intermediate_size"], "layers": TEXT["num_hidden_layers"]}
    listed = names_of(SMALL_UNET, {"text": text}).parts
    return [(part, module) for part, some in listed.items() for module in some.values()]


def generate(model: Path, out: Path, *more: str) -> int:
    words = ["generate", "a red apple", "--model", str(model), "--steps", "2", "--seed", "5", "--out", str(out)]
    return main([*words, *more])


def same(one: Path, two: Path) -> bool:
    return bool((load_picture(one).rgb == load_picture(two).rgb).all())


def settings_of(path: Path) -> Request:
    settings = read_settings(path)
    assert settings is not None
    return settings


def test_a_lora_changes_the_picture_and_is_said(
    model: Path, style: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, styled = tmp_path / "plain.png", tmp_path / "styled.png"
    assert generate(model, plain) == 0
    assert generate(model, styled, "--lora", f"{style}:0.8:-0.5") == 0
    tensors = 3 * sum(len(module.shape) > 1 for _, module in modules())
    assert f"style: {tensors} of {tensors} tensors applied" in capsys.readouterr().err
    assert not same(plain, styled)
    (use,) = settings_of(styled).adapters
    assert (use.name, use.sha256, use.strength, use.text_strength) == ("style", sha256(style), 0.8, -0.5)
    assert "adapters" not in settings_of(plain).to_dict()


def test_the_settings_in_the_picture_replay_it(model: Path, style: Path, tmp_path: Path) -> None:
    out, run = tmp_path / "styled.png", tmp_path / "styled.twrun"
    assert generate(model, out, "--lora", f"{style}:0.8", "--run-file", str(run)) == 0
    request = settings_of(out)
    session = Session("cpu", [find(str(model))])
    *_, last = session.generate(request)
    assert (session.picture(request, last.move.x)[0] == load_picture(out).rgb).all()
    plain = Request.from_dict({key: value for key, value in request.to_dict().items() if key != "adapters"})
    *_, without = session.generate(plain)
    assert not bool((without.move.x == last.move.x).all())
    *_, again = session.fork(run, 1)
    assert bool((again.move.x == last.move.x).all())
    assert RunReader(run).request.adapters == request.adapters


def test_a_moved_file_is_found_in_the_users_folders(model: Path, style: Path, tmp_path: Path, home: Path) -> None:
    out = tmp_path / "styled.png"
    assert generate(model, out, "--lora", str(style)) == 0
    request = settings_of(out)
    moved = tmp_path / "mine" / "deep" / style.name
    moved.parent.mkdir(parents=True)
    style.rename(moved)
    with pytest.raises(EngineError, match=f"“style” \\({sha256(moved)[:10]}\\) is missing"):
        Session("cpu", [find(str(model))]).model(request)
    assert main(["models", "--add", str(tmp_path / "mine")]) == 0
    assert Session("cpu", [find(str(model))]).applied(request)
    (home / HASHES).unlink()
    by_name = tmp_path / "by-name.png"
    assert generate(model, by_name, "--lora", "style") == 0
    assert same(out, by_name)


def test_another_file_of_that_name_is_not_taken_for_it(
    model: Path, style: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "styled.twrun"
    assert generate(model, tmp_path / "styled.png", "--lora", str(style), "--run-file", str(run)) == 0
    write(style, lora(modules(), seed=2))
    session = Session("cpu", [find(str(model))])
    with pytest.raises(EngineError, match="is missing"):
        list(session.fork(run, 0))
    capsys.readouterr()


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("{style}:1:1:IN04=0,X=1", "are no block weights"),
        ("{style}:1:1:1,1,1", "are no block weights"),
        ("{style}:1000", "must lie between"),
        ("nothing.safetensors:0.5", "There is no LoRA “nothing.safetensors”"),
    ],
)
def test_a_flag_that_cannot_be_is_one_sentence(
    flag: str, said: str, model: Path, style: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(model, tmp_path / "a.png", "--lora", flag.format(style=style)) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_one_that_does_not_fit_is_refused_before_anything_is_loaded(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = [(part, module._replace(shape=(96, 96))) for part, module in modules() if len(module.shape) == 2]
    other = write(tmp_path / "other.safetensors", lora(wide))
    monkeypatch.setattr(Session, "load", lambda *_: pytest.fail("the model is loaded"))
    assert generate(model, tmp_path / "a.png", "--lora", str(other)) == 2
    assert "“other” does not fit this model (Stable Diffusion 1): " in capsys.readouterr().err


def test_a_model_of_the_box_takes_no_lora(style: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "apple", "--lora", str(style), "--steps", "1", "--out", str(tmp_path / "a.png")]) == 2
    assert "takes no adapters such as LoRA" in capsys.readouterr().err


def test_the_same_adapter_twice_is_refused(style: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "styled.png"
    assert generate(model, out, "--lora", str(style)) == 0
    data = json.loads(settings_of(out).to_json())
    data["adapters"] *= 2
    with pytest.raises(RequestError, match="there twice"):
        Request.from_dict(data)


def test_a_run_tells_what_its_adapters_change_before_its_first_step(model: Path, style: Path, tmp_path: Path) -> None:
    info = find(str(model))
    session = Session("cpu", [info])
    name, digest = session.adapters.add(str(style))
    draft = Draft.for_model(info, prompt="a", steps=1, adapters=(AdapterUse(name=name, sha256=digest),))
    told: list[Event] = []
    told += session.perform(Generate(request=resolve(draft, info)), early=told.append)
    applied = [event for event in told if isinstance(event, AdapterApplied)]
    tensors = 3 * sum(len(module.shape) > 1 for _, module in modules())
    assert applied == [AdapterApplied("style", tensors, tensors)]
    applying = [event for event in told if isinstance(event, Applying)]
    assert {event.count for event in applying} == {1}
    shares = [event.share for event in applying]
    assert shares == sorted(shares)
    first = next(k for k, event in enumerate(told) if isinstance(event, Progress | Estimate))
    assert told.index(applying[-1]) < told.index(applied[0]) < first
