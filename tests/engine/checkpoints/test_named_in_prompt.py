"""What a prompt names: textual inversions by their words, LoRAs by tags. It is kept in the picture and its run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.__main__ import main
from engine.checkpoints.hashes import sha256
from engine.checkpoints.settings import ModelSettings, save
from engine.morph.film import read as read_morph
from engine.pictures.image_file import load as load_picture
from engine.pictures.png import read_settings
from engine.spec.prompt.tags import Tag, tags_in, without_tags
from engine.spec.request import Request
from engine.store import RunReader
from tests.engine.checkpoints.test_generate_lora import modules
from tests.fakes.adapters import lora, write
from tests.fakes.tiny_sd import TEXT, nets, write_folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny model, and a watched folder `mine` with a LoRA `style` and an embedding `My-Cat`."""
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))
    write_folder(tmp_path / "mine" / "tiny", nets(small=True))
    write(tmp_path / "mine" / "style.safetensors", lora(modules(), seed=1))
    _embedding(tmp_path, TEXT["hidden_size"])
    settings = tmp_path / "home" / "config"
    save(ModelSettings(folders=(tmp_path / "mine",)), settings)
    return tmp_path


def _embedding(here: Path, width: int) -> None:
    vectors = torch.randn(2, width, generator=torch.Generator().manual_seed(3))
    save_file({"emb_params": vectors}, here / "mine" / "My-Cat.safetensors")


def made(here: Path, prompt: str, *more: str) -> tuple[int, Path]:
    out = here / f"{len(list(here.glob('*.png')))}.png"
    words = [
        "generate",
        prompt,
        "--model",
        str(here / "mine" / "tiny"),
        "--steps",
        "2",
        "--seed",
        "5",
        "--out",
        str(out),
    ]
    return main([*words, *more]), out


def settings_of(path: Path) -> Request:
    settings = read_settings(path)
    assert settings is not None
    return settings


def same(one: Path, two: Path) -> bool:
    return bool((load_picture(one).rgb == load_picture(two).rgb).all())


def test_an_embedding_is_used_by_its_name_and_a_resume_needs_the_same_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = here / "run.twrun"
    code, cat = made(here, "a (my-cat:1.2)", "--negative", "MY-CAT", "--run-file", str(run))
    assert code == 0
    (use,) = settings_of(cat).embeddings
    assert (use.name, use.sha256) == ("My-Cat", sha256(here / "mine" / "My-Cat.safetensors"))
    assert Request.from_dict(settings_of(cat).to_dict()) == settings_of(cat)
    (here / "mine" / "My-Cat.safetensors").rename(here / "away")
    _, plain = made(here, "a (my-cat:1.2)", "--negative", "MY-CAT")
    assert not same(cat, plain)
    assert settings_of(plain).embeddings == ()
    resume = ["resume", str(run), "--out", str(here / "again.png")]
    capsys.readouterr()
    assert main(resume) != 0
    assert "The embedding “My-Cat”" in (said := capsys.readouterr().err)
    assert "is missing" in said
    _embedding(here, 48)
    assert main(resume) != 0
    assert "The embedding “My-Cat” has changed" in capsys.readouterr().err
    assert made(here, "a my-cat")[0] != 0
    assert f"has vectors of 48 numbers, and this model takes {TEXT['hidden_size']}" in capsys.readouterr().err


def test_key_frames_and_encodings_use_embeddings(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys of a morph have texts of their own; a LoRA is the same in all of its frames."""
    _, cat = made(here, "my-cat")
    tiny, film = ["--model", str(here / "mine" / "tiny"), "--steps", "2"], here / "film.webp"
    keys = ["--key", str(cat), "--key", "seed:4", "--frames", "2", "--out", str(film)]
    assert main(["morph", *keys, *tiny, "--prompt", "a MY-CAT"]) == 0
    held = read_morph(film)
    assert held is not None
    assert [use.name for use in held.request.embeddings] == ["My-Cat"]
    assert main(["morph", *keys, *tiny, "--prompt", "x <lora:style:1>"]) == 2
    assert "take <lora:style> out of the key frame" in capsys.readouterr().err
    run = here / "up.twrun"
    flags = ["--prompt", "my-cat", "--tol", "0.1", "--no-check", "--run-file", str(run)]
    assert main(["encode", str(cat), *tiny, *flags]) == 0
    assert [use.name for use in RunReader(run).request.embeddings] == ["My-Cat"]


def test_a_tag_puts_a_lora_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    style = str(here / "mine" / "style.safetensors")
    _, tagged = made(here, "a red apple, <lora:Style:-0.5:0.8>")
    _, listed = made(here, "a red apple", "--lora", f"{style}:0.8:-0.5")
    assert settings_of(tagged) == settings_of(listed)
    assert same(tagged, listed)
    _, both = made(here, "a red apple <lora:style:-0.5:unet=0.8>", "--lora", f"{style}:0.1")
    assert settings_of(both) == settings_of(listed)
    capsys.readouterr()
    assert made(here, "a <lora:stile:1>")[0] != 0
    assert "There is no LoRA “stile” in your folders: the nearest names are style." in capsys.readouterr().err
    assert made(here, "a", "--negative", "<lora:style:1>")[0] != 0
    assert "<lora:style> has no effect in the negative prompt" in capsys.readouterr().err


def test_the_first_number_of_a_tag_is_for_the_text_encoders() -> None:
    assert tags_in("<lora:a> x <lora:b:0.5:2:unet=3> <lyco:c:te=0.1>") == [
        Tag("lora", "a", 1.0, 1.0), Tag("lora", "b", 3.0, 0.5), Tag("lyco", "c", 0.1, 0.1),
    ]  # fmt: skip
    assert without_tags("red, <lora:a>, apple <lora:b:1>") == "red, apple"
