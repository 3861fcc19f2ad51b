"""CLIPs are read from files alone, run nothing that a file holds, and say in one sentence what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.models.clip import load
from engine.models.clip_model import ClipModel
from engine.models.errors import ModelError
from engine.models.towers import Level, scale_input
from engine.spec.guide_models import clips

SMALL = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("A CLIP asked for the network.")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def model(tiny_clip: Path) -> ClipModel:
    return load(tiny_clip)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as open_clip writes it: a configuration, and a checkpoint of random weights."""
    from engine.models.clip_files import build

    folder = tmp_path_factory.mktemp("foreign")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": SMALL}))
    torch.manual_seed(5)
    net = build(SMALL)
    torch.save(net.state_dict(), folder / "model.pt")
    return folder


def pictures(size: int = 3, side: int = 16) -> Tensor:
    return torch.rand(size, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_texts_and_pictures_become_unit_vectors_of_one_space(model: ClipModel) -> None:
    texts, seen = model.text(["a red apple", "rocket"]), model.image(pictures())
    assert texts.shape == (2, 12)
    assert seen.shape == (3, 12)
    for vectors in (texts, seen):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)))
    assert (model.side, model.noisy, model.id) == (16, False, "tiny-clip")


def test_a_text_is_the_same_alone_and_beside_longer_ones(model: ClipModel) -> None:
    alone, beside = model.text(["rocket"]), model.text(["rocket", "a rather long description of a rocket that flies"])
    torch.testing.assert_close(alone[0], beside[0])


def test_gradients_reach_the_picture_and_stop_at_the_weights(model: ClipModel) -> None:
    x = pictures().requires_grad_()
    score = (model.image(x) * model.text(["rocket"])).sum()
    score.backward()
    assert x.grad is not None
    assert (x.grad.abs().amax((1, 2, 3)) > 0).all()
    assert not any(p.requires_grad or p.grad is not None for p in model.net.parameters())


def test_the_gradient_is_that_of_finite_differences(tiny_clip: Path) -> None:
    model = load(tiny_clip, dtype=torch.float64)
    aim = model.text(["rocket"])
    assert torch.autograd.gradcheck(
        lambda x: (model.image(x) * aim).sum(1),
        pictures(2).double().requires_grad_(),
        eps=1e-6,
        atol=1e-6,
        fast_mode=True,  # along random directions
    )


def test_a_vector_depends_on_its_own_picture_alone_whatever_its_size(model: ClipModel) -> None:
    x = pictures(3, 40)
    torch.testing.assert_close(model.image(x)[1:2], model.image(x[1:2]))
    grey = x.mean(1, keepdim=True)
    torch.testing.assert_close(model.image(grey), model.image(grey.expand(-1, 3, -1, -1)))
    with pytest.raises(ValueError, match="one or three channels"):
        model.image(torch.zeros(1, 4, 16, 16))


def test_a_clean_classifier_ignores_sigma_and_a_noisy_one_uses_it(model: ClipModel, tiny_noised_clip: Path) -> None:
    x = pictures()
    torch.testing.assert_close(model.image(x, 5.0), model.image(x))
    noisy = load(tiny_noised_clip)
    assert noisy.noisy
    levels = torch.tensor([0.1, 2.0, 40.0])
    torch.testing.assert_close(noisy.image(x, levels)[1:2], noisy.image(x[1:2], 2.0))
    assert (noisy.image(x, 2.0) - noisy.image(x, 3.0)).abs().max() > 1e-3
    with pytest.raises(ValueError, match="16×16 pixels only"):
        noisy.image(pictures(1, 32), 1.0)


def test_what_a_noisy_one_sees_is_of_one_size_at_every_level() -> None:
    sigma = torch.tensor([0.01, 1.0, 80.0])
    x = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    x = x + sigma.view(-1, 1, 1, 1) * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(scale_input(x, sigma).flatten(1).std(1), torch.ones(3), atol=0.03, rtol=0)


def test_an_untrained_level_changes_nothing() -> None:
    assert not Level(8)(torch.tensor([0.1, 50.0])).any()


SCRIPTS = ["красное яблоко", "りんご", "تفاحة", "סיר", "แอปเปิล", "🍎", "e\u0301", "\u202eapple", "a\x00b", "", " ", "𝕬"]


@pytest.mark.parametrize("text", SCRIPTS)
def test_any_script_is_read(model: ClipModel, text: str) -> None:
    assert model.text([text]).isfinite().all()


def test_half_a_character_is_refused_in_a_sentence(model: ClipModel) -> None:
    with pytest.raises(ModelError, match="half a character"):
        model.text(["apple \ud83c"])


@pytest.mark.parametrize("words", [75, 76, 400])
def test_a_text_of_more_than_77_tokens_is_refused_and_none_is_cut(model: ClipModel, words: int) -> None:
    text = " ".join(["apple"] * words)  # and two tokens that mark its ends
    if words == 75:
        assert model.text([text]).shape == (1, 12)
    else:
        with pytest.raises(ModelError, match="and “Tiny-clip” reads 77: shorten it"):
            model.text(["rocket", text])


def test_open_clips_own_tokenizer_counts_alike(foreign: Path) -> None:
    model = load(foreign)
    assert model.text([" ".join(["apple"] * 75)]).shape == (1, 8)
    with pytest.raises(ModelError, match="78 tokens"):
        model.text([" ".join(["apple"] * 76)])


def test_an_embedded_clip_equals_open_clips(tiny_clip: Path, model: ClipModel) -> None:
    """By its own factory, from the same configuration with the encoder's folder filled in."""
    from engine.models.clip_model import open_clip
    from engine.spec.catalog import resource_root

    config = json.loads((tiny_clip / "config.json").read_text())["model_cfg"]
    encoder = resource_root() / "text" / "minilm"
    config["text_cfg"] |= {"hf_model_name": str(encoder), "hf_tokenizer_name": str(encoder)}
    folder = tiny_clip.parent / "plain"
    folder.mkdir(exist_ok=True)
    (folder / "tiny-of-ours.json").write_text(json.dumps(config))
    library = open_clip()
    library.add_model_config(folder)
    net = library.create_model("tiny-of-ours", load_weights=False, pretrained_text=True).float().eval()
    net.load_state_dict({k: v.float() for k, v in load_file(tiny_clip / "model.safetensors").items()}, strict=False)
    tokens = library.get_tokenizer("tiny-of-ours")(["a red apple", "rocket"])
    with torch.no_grad():
        torch.testing.assert_close(model.text(["a red apple", "rocket"]), net.encode_text(tokens, normalize=True))
        torch.testing.assert_close(model.image(pictures()), net.encode_image(pictures(), normalize=True))


def test_a_checkpoint_is_read_from_a_folder_a_pickle_or_safetensors_alike(foreign: Path, tmp_path: Path) -> None:
    expected = load(foreign).image(pictures())
    save_file(torch.load(foreign / "model.pt", weights_only=True), foreign / "other.safetensors")
    for name in (foreign / "model.pt", foreign / "other.safetensors", foreign):
        torch.testing.assert_close(load(name).image(pictures()), expected)
    assert len(load(foreign / "model.pt").sha256) == 64


def test_the_architecture_of_a_checkpoint_is_read_from_its_arrays_or_requested(
    foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.models.clip_model import open_clip

    path = Path(shutil.copy(foreign / "model.pt", tmp_path / "bare.pt"))
    with pytest.raises(ModelError, match=r"write ARCHITECTURE@bare\.pt"):
        load(path)
    library = open_clip()
    monkeypatch.setitem(library.factory._MODEL_CONFIGS, "Small", SMALL)
    torch.testing.assert_close(load(path).image(pictures()), load(foreign).image(pictures()))
    torch.testing.assert_close(load(f"Small@{path}").image(pictures()), load(foreign).image(pictures()))
    with pytest.raises(ModelError, match=r"bare\.pt does not fit ViT-B-32: name the architecture"):
        load(f"ViT-B-32@{path}")
    with pytest.raises(ModelError, match="no architecture “Vit”"):
        load(f"Vit@{path}")


def test_what_open_clip_left_in_the_cache_is_found_by_its_names(
    foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.models.clip_model import open_clip

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    library = open_clip()
    monkeypatch.setitem(library.factory._MODEL_CONFIGS, "Small", SMALL)
    tag = {"url": "", "hf_hub": "some/small-clip/", "mean": (0.5,) * 3, "std": (0.5,) * 3}
    monkeypatch.setitem(library.pretrained._PRETRAINED, "Small", {"tag_a": tag})
    with pytest.raises(ModelError, match="No weights of “Small/tag-a” are in your cache"):
        load("Small/tag-a")
    place = tmp_path / "models--some--small-clip" / "snapshots" / "0"
    place.mkdir(parents=True)
    save_file(torch.load(foreign / "model.pt", weights_only=True), place / "open_clip_model.safetensors")
    assert [(info.id, info.where) for info in clips() if info.folder is None] == [
        ("hf-hub:some/small-clip", "in your cache")
    ]
    found = [load(name).image(pictures()) for name in ("Small/tag-a", "Small", "hf-hub:some/small-clip")]
    assert all(torch.equal(found[0], other) for other in found)
    with pytest.raises(ModelError, match="No weights of “Small/other”"):
        load("Small/other")


class Canary:
    """What pickles to a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_with_code_in_it_is_refused_and_nothing_runs(foreign: Path, tmp_path: Path, legacy: bool) -> None:
    canary, path = tmp_path / "canary", tmp_path / "evil.pt"
    state = torch.load(foreign / "model.pt", weights_only=True)
    torch.save({**state, "extra": Canary(canary)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelError, match=r"^evil\.pt holds code beside its arrays and was not run[^.]*\.$"):
        load(f"ViT-B-32@{path}")
    assert not canary.exists()
    torch.load(path, weights_only=False)  # the canary is alive: this is what the loader must not do
    assert canary.exists()


def test_a_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that such programs are no longer made; there are some about
        torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1, 1)), str(path))
    with pytest.raises(ModelError, match="is a program"):
        load(f"ViT-B-32@{path}")


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused_in_a_sentence(foreign: Path, tmp_path: Path, name: str, part: float) -> None:
    path = tmp_path / name
    state = torch.load(foreign / "model.pt", weights_only=True)
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ModelError, match=rf"^{path.name} is damaged or cut short: fetch or save it again\.$"):
        load(f"ViT-B-32@{path}")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no-such-clip", "There is no CLIP “no-such-clip”"),
        ("nowhere.pt", r"There is no file nowhere\.pt"),
        ("ViT-B-32", "No weights of “ViT-B-32” are in your cache"),
        ("hf-hub:some/where", "is not in your cache"),
        ("", "There is no CLIP|holds no CLIP"),
    ],
)
def test_an_unknown_name_is_refused_in_a_sentence(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ModelError, match=says) as refusal:
        load(name)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_what_is_no_checkpoint_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no weights")
    with pytest.raises(ModelError, match=r"note\.txt is no checkpoint"):
        load(tmp_path / "note.txt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ModelError, match=r"list\.pt is no state_dict"):
        load(tmp_path / "list.pt")
    with pytest.raises(ModelError, match="holds no CLIP"):
        load(tmp_path)


def damaged(folder: Path, to: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    shutil.copytree(folder, to)
    config = json.loads((to / "config.json").read_text())
    change(config)
    (to / "config.json").write_text(json.dumps(config))
    return to


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c["sha256"].update({"model.safetensors": "0" * 64}), "its checksum is wrong"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(width=64), "does not fit its config.json"),
        (lambda c: c["model_cfg"]["text_cfg"].update(hf_model_name="../../x"), "must be a plain name"),
        (lambda c: c.pop("model_cfg"), "does not fit its config.json"),
        (lambda c: c.pop("noisy"), "config.json is missing or damaged"),
        (lambda c: c.update(noisy=True), "does not fit its config.json"),
    ],
)
def test_a_damaged_folder_of_ours_says_so(
    tiny_clip: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        load(damaged(tiny_clip, tmp_path / "clip", change))


@pytest.mark.parametrize(("name", "noisy"), [("emoji-clip", False), ("emoji-clip-noised", True)])
def test_those_in_the_box_load_are_small_and_tell_things_apart(name: str, noisy: bool) -> None:
    clip = load(name)
    assert (clip.id, clip.noisy, clip.side) == (name, noisy, 32)
    (info,) = (info for info in clips() if info.id == name)
    assert info.folder is not None
    assert (clip.sha256, info.noisy, info.where) == (info.sha256, noisy, "in the box")
    assert sum(path.stat().st_size for path in info.folder.iterdir()) < 25_000_000
    disc = (torch.arange(32) - 15.5).square()
    inside = ((disc[:, None] + disc) < 14**2)[None, None]
    seen = [
        torch.where(inside, torch.tensor(rgb).view(1, 3, 1, 1), torch.ones(1))
        for rgb in ((1.0, -0.8, -0.8), (-0.6, 0.2, 1.0))
    ]
    score = clip.image(torch.cat(seen), 0.0) @ clip.text(["red circle", "blue circle"]).T
    assert score.argmax(1).tolist() == [0, 1]


def test_listing_needs_neither_torch_nor_open_clip() -> None:
    script = (
        "import sys; from engine.spec.guide_models import clips, classifiers; clips(); classifiers(); "
        "print([name for name in ('torch', 'open_clip', 'transformers') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"
