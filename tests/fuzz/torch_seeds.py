"""Small valid folders to damage, for each reader that needs torch: models, judges, classifiers, CLIPs, data sets."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.spec.catalog import resource_root
from tests.fuzz.seeds import Files, saved

NET: dict[str, Any] = {
    "type": "patch-transformer", "side": 16, "patch": 4, "channels": 3, "width": 32, "depth": 1, "head": 16,
    "text_length": 16, "text_width": 384, "labels": 2,
}  # fmt: skip
STAGE = {"type": "upscaler", "side": 64, "factor": 4, "channels": 3, "width": 16, "depth": 1, "labels": 2}
DEFAULTS = {"sampler": "ddim", "spacing": "log", "steps": 2, "sigma_min": 0.02, "sigma_max": 20.0, "level": 0.25}
OPEN_CLIP: dict[str, Any] = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 30522, "width": 16, "heads": 2, "layers": 1,
                 "hf_tokenizer_name": "x"},
}  # fmt: skip
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def _with_config(folder: Path, config: Mapping[str, Any], weights: Mapping[str, Mapping[str, Tensor]]) -> Files:
    """config.json with the checksums of the weights beside it; the config first."""
    for name, arrays in weights.items():
        save_file({key: value.contiguous() for key, value in arrays.items()}, folder / name)
    listed = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in weights}
    (folder / "config.json").write_text(json.dumps({**config, "sha256": listed}))
    files = saved(folder)
    return {"config.json": files.pop("config.json"), **files}


def models(folder: Path) -> Iterator[Files]:
    """A tiny model with text and a second stage, and one of classes alone under each kind of schedule."""
    from engine.models import net

    described: dict[str, Any] = {
        "id": "tiny", "title": "Tiny", "kind": "embedded", "size": [16, 16], "net": NET,
        "schedule": {"type": "flow"}, "predicts": "x0", "codec": {"type": "pixel"},
        "conditioning": {"text": {"encoder": "minilm", "length": 16}, "labels": ["round", "square"]},
        "defaults": DEFAULTS | {"guidance": 3.0}, "examples": ["a", "b"],
    }  # fmt: skip
    torch.manual_seed(0)
    weights, stage = net.build(NET).state_dict(), net.build(STAGE).state_dict()
    cascade = {"net": STAGE, "schedule": {"type": "flow"}, "predicts": "x0", "defaults": DEFAULTS}
    both = {"model.safetensors": weights, "upscaler.safetensors": stage}
    yield _with_config(folder, described | {"cascade": cascade}, both)
    (folder / "upscaler.safetensors").unlink()
    shape = NET | {"text_length": 0, "text_width": 0}
    weights = net.build(shape).state_dict()
    described |= {"net": shape, "conditioning": {"text": None, "labels": ["round", "square"]}}
    for schedule in (
        {"type": "vp", "beta_min": 0.1, "beta_max": 20.0},
        {"type": "ve", "sigma_min": 0.01, "sigma_max": 50.0},
        {"type": "linear", "steps": 100},
        {"type": "cosine", "steps": 100},
        {"type": "ou", "gamma": 0.01, "steps": 500},
        {"type": "discrete", "alphas_cumprod": [0.99, 0.5, 0.1]},
    ):
        yield _with_config(folder, described | {"schedule": schedule, "predicts": "v"}, {"model.safetensors": weights})


def classifiers(folder: Path) -> Iterator[Files]:
    from engine.models.noisy import NoisyNet

    shape: dict[str, Any] = {"side": 16, "channels": 3, "widths": [8, 16]}
    nets = {f"{kind}.safetensors": NoisyNet(**shape, labels=2, noisy=kind == "noisy") for kind in ("noisy", "clean")}
    config = {"id": "c", "title": "C", "noisy": True, "model": "tiny", "labels": ["a", "b"], "net": shape}
    yield _with_config(folder, config, {name: net.state_dict() for name, net in nets.items()})


def judges(folder: Path) -> Iterator[Files]:
    from engine.evaluate.classifier import Classifier

    shape: dict[str, Any] = {"side": 32, "channels": 1, "widths": [16, 32]}
    config = json.loads((resource_root() / "judges" / "fashion" / "config.json").read_text())
    net = Classifier(**shape, names=3)
    config |= {"net": shape, "names": ["a", "b", "c"], "merged": [["a", "b"]]}
    yield _with_config(folder, config, {"model.safetensors": net.state_dict()})


def own_clips(folder: Path) -> Iterator[Files]:
    """As `train-clip` writes them, for clean and for noisy pictures."""
    from tests.engine.conftest import write_clip

    for noisy in (False, True):
        files = saved(write_clip(folder / str(noisy), noisy))
        yield {"config.json": files.pop("config.json"), **files}


def open_clips(folder: Path) -> Iterator[Files]:
    """As open_clip writes them, with safetensors and with a pickle."""
    from engine.models.clip_files import build

    torch.manual_seed(5)
    state = {key: value.contiguous() for key, value in build(OPEN_CLIP).state_dict().items()}
    for name in TOKENIZER:
        shutil.copy(resource_root() / "text" / "minilm" / name, folder / name)
    config = json.dumps({"model_cfg": OPEN_CLIP, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}).encode()
    small = {name: (folder / name).read_bytes() for name in TOKENIZER}
    save_file(state, folder / "open_clip_model.safetensors")
    weights = (folder / "open_clip_model.safetensors").read_bytes()
    yield {"open_clip_config.json": config, "open_clip_model.safetensors": weights, **small}
    torch.save(state, folder / "open_clip_model.pt")
    yield {"open_clip_config.json": config, "open_clip_model.pt": (folder / "open_clip_model.pt").read_bytes(), **small}


def data_sets(folder: Path) -> Iterator[Files]:
    pictures = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 3), np.uint8)
    rows = [
        {"name": name, "label": label, "captions": [name, f"a {name}"], "weight": 1, "held_out": held}
        for name, label, held in (("apple", "a", False), ("pear", "b", False), ("fig", "a", True), ("plum", "", False))
    ]
    table = {"id": "d", "title": "D", "labels": ["a", "b"], "label_kind": "class", "examples": ["apple"], "rows": rows}
    np.save(folder / "pictures.npy", pictures)
    (folder / "rows.json").write_text(json.dumps(table | {"evaluation": ["apple"], "paraphrases": [["x", "apple"]]}))
    files = saved(folder)
    yield {"rows.json": files.pop("rows.json"), **files}


def checkpoints(folder: Path) -> Iterator[Files]:
    """A training after two steps, and before the first."""
    from tests.fuzz.trainings import SmallTraining

    run = SmallTraining()
    run.save(folder / "checkpoint.pt")
    yield saved(folder)
    for _ in range(2):
        next(run.steps())
    run.save(folder / "checkpoint.pt")
    yield saved(folder)


def caches(folder: Path) -> Iterator[Files]:
    """What training keeps beside a data set: states of captions, their means, estimates of pictures."""
    from engine.train import kept_files
    from tests.fuzz.trainings import LENGTH, PICTURES, TEXTS, WIDTH

    generator = torch.Generator().manual_seed(0)
    states = torch.randn(len(TEXTS), LENGTH, WIDTH, generator=generator).half()
    mask = torch.ones(len(TEXTS), LENGTH, dtype=torch.bool)
    kept_files.keep(folder / f"tokens-{LENGTH}.pt", {"texts": list(TEXTS), "tokens": states, "mask": mask})
    kept_files.keep(folder / f"pooled-{LENGTH}.pt", {"texts": list(TEXTS), "states": states.float().mean(1).half()})
    np.save(folder / "estimates.npy", np.zeros((PICTURES, 2, 3, 8, 8), np.uint8))
    files = saved(folder)
    for first in files:  # the first file is the one that is damaged most often
        yield {first: files[first], **files}
