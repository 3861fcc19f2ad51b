"""Models in the box: checked before they are used, and one clear sentence when something is wrong with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine import models
from engine.models import ModelError
from engine.models.embedded import EmbeddedModel
from engine.models.net import build
from engine.spec.catalog import CatalogError, ModelInfo, embedded_models, read_model
from engine.spec.request import RequestError
from engine.train.export import export
from engine.types import Said

NET = {"type": "patch-transformer", "side": 8, "patch": 4, "channels": 3, "width": 32, "depth": 1, "head": 16}
NET |= {"text_length": 8, "text_width": 384, "labels": 2, "detail": 4}
CONFIG: dict[str, Any] = {
    "id": "tiny",
    "title": "Tiny",
    "kind": "embedded",
    "size": [8, 8],
    "net": NET,
    "schedule": {"type": "flow"},
    "predicts": "x0",
    "codec": {"type": "pixel"},
    "conditioning": {"text": {"encoder": "minilm", "length": 8}, "labels": ["warm", "cold"], "label_kind": "style"},
    "defaults": {"sampler": "ddim", "spacing": "log", "steps": 2, "guidance": 1, "sigma_min": 0.02, "sigma_max": 80},
    "examples": ["red apple"],
    "vocabulary": "words.txt",
}
CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model as training exports it, with weights that are not at their start."""
    torch.manual_seed(0)
    weights = {name: torch.randn_like(value) * 0.1 for name, value in build(NET).state_dict().items()}
    export(weights, CONFIG, ["red", "apple", "red"], tmp_path)
    return tmp_path


def loaded(info: ModelInfo) -> EmbeddedModel:
    model = models.load(info, CPU)
    assert isinstance(model, EmbeddedModel)
    return model


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_an_exported_model_loads_with_the_same_weights(folder: Path) -> None:
    info = read_model(folder)
    model = loaded(info)
    assert (model.id, model.sha256, model.labels) == ("tiny", info.sha256, ("warm", "cold"))
    x = torch.randn(2, *model.codec.latent_shape(info.width, info.height))
    x0 = model.denoiser(x, 1.5, model.condition(Said("red apple", "cold")))
    assert x0.shape == (2, 3, 8, 8)
    assert x0.isfinite().all()
    assert torch.equal(model.codec.decode(x0), x0)
    assert model.codec.preview(3 * x0).abs().max() <= 1
    assert (folder / "words.txt").read_text() == "apple\nred\n"


def test_parameters_are_frozen_and_the_picture_is_not(folder: Path) -> None:
    model = loaded(read_model(folder))
    x = torch.randn(1, 3, 8, 8, requires_grad=True)
    model.denoiser(x, 1.0, model.condition(Said("red apple", None))).sum().backward()
    assert x.grad is not None
    assert not any(p.requires_grad for p in model.denoiser.net.parameters())  # type: ignore[attr-defined]


def test_conditions(folder: Path) -> None:
    model = loaded(read_model(folder))
    cond, null = model.condition(Said("red apple", "cold")), model.condition(Said())
    assert cond.label is not None
    assert null.label is not None
    assert null.mask is not None
    assert cond.label.tolist() == [1]
    assert null.label.tolist() == [2]  # one past the last: none
    assert null.mask.sum() == 2  # the empty text: its start and its end
    assert all(v is not None and len(v) == 1 for v in (cond.tokens, cond.mask, cond.label))


def test_an_unknown_label_is_named_with_those_there_are(folder: Path) -> None:
    with pytest.raises(RequestError, match="has no label “hot”: choose one of warm, cold"):
        loaded(read_model(folder)).condition(Said("red apple", "hot"))


@pytest.mark.parametrize("harm", ["cut short", "one bit", "missing", "pickle"])
def test_damaged_weights_are_refused_before_they_are_read(harm: str, folder: Path) -> None:
    info = read_model(folder)
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    if harm == "cut short":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "one bit":
        data[-1] ^= 1
        path.write_bytes(data)
    elif harm == "missing":
        path.unlink()
    else:
        torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(ModelError, match=r"model\.safetensors is (damaged|missing).*: download the studio again"):
        models.load(info, CPU)


def test_a_damaged_word_list_is_refused_too(folder: Path) -> None:
    (folder / "words.txt").write_text("pear\n")
    with pytest.raises(ModelError, match=r"words\.txt is damaged"):
        models.load(read_model(folder), CPU)


def sign(folder: Path, config: dict[str, Any]) -> None:
    """Make the hashes in the config those of the files: only what is inside them can be wrong then."""
    import hashlib

    config["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in config["sha256"]}


@pytest.mark.parametrize("hostile", ["another net", "not safetensors", "a pickle", "lacking an array", "empty"])
def test_weights_that_do_not_fit_are_one_clear_error_even_with_the_right_hash(hostile: str, folder: Path) -> None:
    path = folder / "model.safetensors"
    if hostile == "another net":
        rewrite(folder, lambda config: config["net"].update(width=48))
    elif hostile == "not safetensors":
        path.write_bytes(b"\xff" * 8 + b"{" * 100)
    elif hostile == "a pickle":
        torch.save({"inp.weight": torch.ones(3)}, path)
    elif hostile == "lacking an array":
        save_file({"inp.weight": torch.ones(32, 48)}, path)
    else:
        path.write_bytes(b"")
    rewrite(folder, lambda config: sign(folder, config))
    with pytest.raises(ModelError, match=r"does not fit the net that config\.json describes: download"):
        models.load(read_model(folder), CPU)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(kind="oracle"), "kind of the model “Tiny” is unknown"),
        (lambda c: c["net"].update(type="u-net"), "does not fit the net"),
        (lambda c: c["net"].update(patch=3), "does not fit the net"),
        (lambda c: c["net"].update(patch=0), r"config.json is damaged .*patch is 0: 1 to 256 are possible"),
        (lambda c: c["net"].update(width=[1]), r"config.json is damaged .*\[1\] is not a whole number"),
        (lambda c: c["net"].update(depth=10**30), "config.json is damaged .*depth is 1000"),
        (lambda c: c["net"].update(width=2**15, depth=256), "does not fit the net"),
        (lambda c: c["defaults"].update(steps="2"), "config.json is damaged .*'2' is not a whole number"),
        (lambda c: c["defaults"].update(sampler="none"), "config.json is damaged .*no sampler 'none'"),
        (lambda c: c["defaults"].pop("sigma_max"), "config.json is damaged .*lacks 'sigma_max'"),
        (lambda c: c["conditioning"].update(labels=[[], 3]), r"config.json is damaged .*\[\] is no text"),
        (lambda c: c.update(size=[8, 10**9]), "config.json is damaged .*size is 1000000000"),
        (lambda c: c.update(schedule={"type": "straight"}), "config.json is damaged"),
        (lambda c: c.update(predicts="everything"), "damaged config.json"),
        (lambda c: c["conditioning"].update(text={"encoder": "t5"}), "damaged config.json"),
        (lambda c: c["conditioning"]["text"].update(encoder="t5"), "text encoder in .*t5 is missing"),
        (lambda c: c["conditioning"]["text"].update(encoder="../../engine"), "damaged config.json"),
        (lambda c: c["conditioning"].update(labels=["warm"]), "damaged config.json"),
        (lambda c: c["sha256"].pop("model.safetensors"), "lists no model.safetensors"),
        (lambda c: c["sha256"].update({"../config.json": "0"}), "damaged config.json"),
    ],
)
def test_a_config_with_an_unknown_part_is_refused(
    change: Callable[[dict[str, Any]], object], words: str, folder: Path
) -> None:
    rewrite(folder, change)
    with pytest.raises((ModelError, CatalogError), match=words):
        models.load(read_model(folder), CPU)


def test_weights_that_overflow_half_precision_are_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not finite in half precision: w"):
        export({"w": torch.tensor([1e6])}, CONFIG, [], tmp_path)


@pytest.mark.parametrize("info", embedded_models(), ids=lambda info: info.id)
def test_every_model_in_the_box(info: ModelInfo) -> None:
    """Loads, draws, keeps the size that was promised, knows the words of its examples, and has a card."""
    model = loaded(info)
    x = torch.randn(1, *model.codec.latent_shape(info.width, info.height), generator=torch.Generator().manual_seed(0))
    given = model.condition(Said(info.examples[0], None)) if info.text else model.condition(Said("", info.labels[0]))
    x0 = model.denoiser(x * model.schedule.start_std(), model.schedule.sigma_max, given)
    assert x0.shape == x.shape
    assert x0.isfinite().all()
    if info.text:
        words = set((info.folder / info.config["vocabulary"]).read_text(encoding="utf-8").splitlines())
        assert {word for example in info.examples for word in example.split()} <= words
    assert all(path.stat().st_size < 25e6 for path in info.folder.glob("*.safetensors"))
    assert "Licence" in (info.folder / "card.md").read_text(encoding="utf-8")


def test_loading_a_model_imports_no_compiler() -> None:
    code = (
        "import sys; from engine.session import Session; session = Session('cpu'); "
        # The compiler's import takes over a second at each start.
        "session.load(session.info('fashion')); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=100).returncode == 0
