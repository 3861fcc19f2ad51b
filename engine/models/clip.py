"""Load CLIP models, which score how well a picture fits a text: embedded ones, those in the user's cache, a file.

Everything is read from local files: nothing is downloaded, and no checkpoint can run code (clip_files.py). open_clip
takes seven to ten seconds to import, so it is imported only when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.models import clip_files
from engine.models.checksums import check, check_name
from engine.models.clip_config import allowed_shape
from engine.models.clip_model import ClipModel, frozen_clip, open_clip
from engine.models.errors import REMEDY, ModelError
from engine.models.text import check_encoder
from engine.models.towers import Level
from engine.spec import guide_models
from engine.spec.catalog import CatalogError, resource_root
from engine.spec.guide_models import GuideInfo

TEXT: dict[str, Any] = {"encoder": "minilm", "length": 77}
WEIGHTS = "model.safetensors"


def load(name: str | Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> ClipModel:
    """Load a CLIP by its name as a guide on `device`, its parameters frozen. Raises ModelError when there is none.

    name -- the id of an embedded one (“emoji-clip”); a folder that `train-clip` wrote, or one with an
            open_clip_config.json; a checkpoint of open_clip's, alone or with its architecture (“ViT-B-32@clip.pt”); an
            architecture or an architecture/tag of open_clip's, or hf-hub:owner/name, whose weights are in the user's
            cache. Only safetensors and pickles with nothing but arrays are read.
    """
    device = torch.device(device)
    embedded = {info.id: info for info in guide_models.clips() if info.folder is not None}
    text = str(name)
    if text in embedded:
        return _of_folder(embedded[text], device, dtype)
    if (Path(text) / "config.json").is_file() and not (Path(text) / "open_clip_config.json").is_file():
        try:
            info = guide_models.read(Path(text))
        except CatalogError as error:
            raise ModelError(error.sentence) from error
        return _of_folder(info, device, dtype)
    return clip_files.load(text, device, dtype)


def assemble(shape: Mapping[str, Any]) -> Any:
    """Build the open_clip model of an embedded configuration: its text tower is the vendored encoder, the rest
    unfilled.
    """
    library, allowed = open_clip(), allowed_shape(dict(shape))
    vision, text = allowed["vision_cfg"], allowed["text_cfg"]
    if vision.get("timm_model_name"):
        raise ModelError("A CLIP of the studio's own has no tower of timm's: choose another.")
    encoder = resource_root() / "text" / check_name(text["hf_model_name"])
    text |= {"hf_model_name": str(encoder), "hf_tokenizer_name": str(encoder), "hf_model_pretrained": False}
    check_encoder(encoder)
    net = library.CustomTextCLIP(embed_dim=allowed["embed_dim"], vision_cfg=vision, text_cfg=text)
    weights = {name: value.float() for name, value in load_file(encoder / WEIGHTS).items()}
    net.text.transformer.load_state_dict(weights)
    return net


def tokenizer_of(shape: Mapping[str, Any]) -> Any:
    """Return the tokenizer of an embedded configuration, with its context_length."""
    text = shape["text_cfg"]
    encoder = resource_root() / "text" / check_name(text["hf_tokenizer_name"])
    return open_clip().tokenizer.HFTokenizer(str(encoder), context_length=text["context_length"])


def _of_folder(info: GuideInfo, device: torch.device, dtype: torch.dtype) -> ClipModel:
    """Read an embedded CLIP. Raises ModelError when a file is missing, damaged, or does not fit the config."""
    assert info.folder is not None
    path = info.folder / WEIGHTS
    try:
        shape = info.config["model_cfg"]
        check(path, info.config["sha256"][WEIGHTS])
        weights = {name: value.float() for name, value in load_file(path).items()}
        net = assemble(shape)
        levels = {name.removeprefix("level."): weights.pop(name) for name in [*weights] if name.startswith("level.")}
        level = Level(shape["vision_cfg"]["width"]) if info.noisy else None
        if level is not None:
            level.load_state_dict(levels)
        missing = net.load_state_dict(weights, strict=False)
        if missing.unexpected_keys or any(not key.startswith("text.transformer.") for key in missing.missing_keys):
            raise ValueError("its weights are of another net")
        return frozen_clip(info, net, tokenizer_of(shape), info.config["preprocess_cfg"], level, (device, dtype))
    except ModelError:
        raise
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The CLIP in {info.folder} does not fit its config.json: {REMEDY}.") from error
