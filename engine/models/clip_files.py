"""Load a CLIP from a user's checkpoint or from open_clip's cache, without network access and without running code.

A pickle can run any code; torch.load(weights_only=True) reads arrays and refuses everything else.
Configurations can run code too: clip_config.py lists the allowed keys, and hugging_face.py reads tokenizers.
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.models.checksums import digest
from engine.models.clip_config import allowed_shape
from engine.models.clip_model import ClipModel, check_size, frozen_clip, open_clip, read_open_clip_config
from engine.models.errors import ModelError
from engine.models.hugging_face import (
    DATA,
    SENTENCEPIECE,
    cached_folder,
    encoder_folder,
    holds_tokenizer,
    tokenizer_folder,
)
from engine.spec.guide_models import CHECKPOINTS, HUB, GuideInfo, hub_cache

OWN = "its open_clip_config.json"
OPENAI = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
CHOOSE = "choose emoji-clip, an open_clip architecture with weights in your cache, or a checkpoint"


@dataclass(frozen=True)
class ClipFile:
    """A checkpoint and its description.

    shape -- an allowed open_clip configuration
    words -- source of the tokenizer: the folder of its files, or the name of an open_clip architecture
    """

    path: Path
    shape: dict[str, Any]
    words: Path | str
    preprocess: Mapping[str, Any]
    architecture: str


def load(name: str, device: torch.device, dtype: torch.dtype) -> ClipModel:
    """Load the CLIP `name`; engine.models.clip.load lists the possible names. Raises ModelError."""
    try:
        found, state = find(name)
        if found.architecture == OWN and not found.shape["vision_cfg"].get("timm_model_name"):  # timm needs values
            check_size(lambda: build(found.shape), sum(value.numel() for value in state.values()))
        net = fill(build(found.shape), state, found)
        title = found.path.stem if found.path.name == Path(name).name else name
        about = GuideInfo(name, title, "", content_hash(found))
        return frozen_clip(about, net, load_tokenizer(found), found.preprocess, None, (device, dtype))
    except ModelError:
        raise
    except MemoryError as error:
        raise ModelError(f"“{name}” does not fit into memory: choose a smaller CLIP.") from error
    except (
        OSError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError, AssertionError,
    ) as error:  # fmt: skip
        raise ModelError(f"“{name}” cannot be used as a CLIP ({first_sentence(error)}): {CHOOSE}.") from error


def find(name: str) -> tuple[ClipFile, dict[str, Tensor]]:
    """Return the checkpoint of that name and its arrays. Raises ModelError."""
    architecture, _, file = name.rpartition("@")
    path = Path(file or name)
    if path.is_dir():
        found = in_folder(path)
    elif path.is_file():
        return of_file(path, architecture)
    elif path.suffix in CHECKPOINTS or "@" in name:
        raise ModelError(f"There is no file {path}: {CHOOSE}.")
    else:
        found = in_cache(name)
    return found, read_state(found.path)


def of_file(path: Path, architecture: str) -> tuple[ClipFile, dict[str, Tensor]]:
    """Describe a checkpoint from its open_clip_config.json, from `architecture`, or from the sizes of its arrays."""
    state = read_state(path)
    config = None if architecture else read_open_clip_config(path.parent)
    if config is not None:
        return of_config(path, config), state
    library = open_clip()
    if not architecture:
        fitting = [other for other in library.list_models() if fits(state, library.get_model_config(other))]
        if len(fitting) != 1:
            some = f"{' or '.join(fitting[:4])}, for example" if fitting else "its arrays fit no open_clip architecture"
            raise ModelError(f"{path.name} does not say its architecture: write ARCHITECTURE@{path.name} ({some}).")
        architecture = fitting[0]
    return of_architecture(path, architecture, {}), state


def of_architecture(path: Path, architecture: str, tag: Mapping[str, Any]) -> ClipFile:
    shape = open_clip().get_model_config(architecture)
    if shape is None:
        raise ModelError(f"open_clip has no architecture “{architecture}”: take one from open_clip.list_models().")
    if tag.get("quick_gelu"):
        shape["quick_gelu"] = True
    preprocess = {key: tag.get(key) or OPENAI[key] for key in OPENAI}
    return ClipFile(path, shape, architecture, preprocess, architecture)


def of_config(path: Path, config: Mapping[str, Any]) -> ClipFile:
    preprocess = {key: config.get("preprocess_cfg", {}).get(key) or OPENAI[key] for key in OPENAI}
    return ClipFile(path, allowed_shape(config["model_cfg"]), path.parent, preprocess, OWN)


def in_folder(folder: Path) -> ClipFile:
    """Find the checkpoint beside an open_clip_config.json, safetensors before pickles. Raises ModelError."""
    config = read_open_clip_config(folder)
    files = sorted((p for p in folder.iterdir() if p.suffix in CHECKPOINTS), key=lambda p: CHECKPOINTS.index(p.suffix))
    if config is None or not files:
        raise ModelError(f"{folder} contains no CLIP: it needs an open_clip_config.json and a checkpoint.")
    return of_config(files[0], config)


def in_cache(name: str) -> ClipFile:
    """Find an earlier download of open_clip in the user's cache. Raises ModelError: nothing is downloaded."""
    library = open_clip()
    table = library.pretrained._PRETRAINED
    if name.startswith(HUB):
        repository = name.removeprefix(HUB).rstrip("/")
        for path in snapshot(repository, ""):
            config = read_open_clip_config(path.parent)
            if config is not None:
                return of_config(path, config)
            for architecture, tags in table.items():
                for tag in tags.values():
                    if tag["hf_hub"].rpartition("/")[0] == repository:
                        return of_architecture(path, architecture, tag)
        raise ModelError(f"“{name}” is not in your cache, and the studio downloads nothing: {CHOOSE}.")
    architecture, _, wanted = name.partition("/")
    if architecture not in library.list_models():
        raise ModelError(f"There is no CLIP “{name}”: {CHOOSE}.")
    for key, tag in table.get(architecture, {}).items():
        if wanted and key != wanted.lower().replace("-", "_"):
            continue
        repository, _, file = tag["hf_hub"].rpartition("/")
        kept = Path.home() / ".cache" / "clip" / tag["url"].rpartition("/")[2]
        for path in [*snapshot(repository, file), *([kept] if tag["url"] and kept.is_file() else [])]:
            return of_architecture(path, architecture, tag)
    raise ModelError(f"No weights of “{name}” are in your cache, and the studio downloads nothing: {CHOOSE}.")


def snapshot(repository: str, file: str) -> Iterator[Path]:
    """Yield a repository's checkpoints in the user's cache, safetensors first; with `file`, those of that name."""
    if not repository:
        return
    stem = file.rpartition(".")[0] or "open_clip_"
    folder = hub_cache() / f"models--{repository.replace('/', '--')}" / "snapshots"
    for suffix in CHECKPOINTS:
        yield from sorted(path for path in folder.glob(f"*/*{suffix}") if path.name.startswith(stem))


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the arrays of a checkpoint by name. Raises ModelError for one that contains code, which is never run."""
    if path.suffix not in CHECKPOINTS:
        raise ModelError(
            f"{path.name} is no checkpoint: choose a file of safetensors, or one of {', '.join(CHECKPOINTS)}."
        )
    damaged = f"{path.name} is damaged or incomplete: download or save it again."
    try:
        if path.suffix == ".safetensors":
            held: Any = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about TorchScript programs, which are refused below
                held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if re.search(r"Unsupported (global|class|operand)|GLOBAL|not an allowed|TypedStorage", str(error)):
            held_code = f"{path.name} contains code, which was not run: save its state_dict as safetensors."
            raise ModelError(held_code) from error
        raise ModelError(damaged) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            program = f"{path.name} is a TorchScript program, which was not run: save its state_dict as safetensors."
            raise ModelError(program) from error
        raise ModelError(damaged) from error
    except (SafetensorError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ModelError(damaged) from error
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    if not isinstance(held, dict) or not held or not all(isinstance(value, Tensor) for value in held.values()):
        raise ModelError(f"{path.name} is no state_dict of a CLIP: save model.state_dict() as safetensors.")
    return {str(key).removeprefix("module."): value.float() for key, value in held.items()}


def build(shape: Mapping[str, Any]) -> Any:
    """Build the open_clip model of a configuration, without weights; no tower downloads its own."""
    library = open_clip()
    own: dict[str, Any] = copy.deepcopy(dict(shape))
    vision, text = own["vision_cfg"], own["text_cfg"]
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    custom = own.pop("custom_text", False) or "hf_model_name" in text
    maker = library.CoCa if "multimodal_cfg" in own else library.CustomTextCLIP if custom else library.CLIP
    if not text.get("hf_model_name"):
        return maker(**own)
    text["hf_model_pretrained"] = False
    with encoder_folder(
        cached_folder(text["hf_model_name"], lambda place: (place / "config.json").is_file())
    ) as folder:
        text["hf_model_name"] = str(folder)
        return maker(**own)


def fill(net: Any, state: dict[str, Tensor], found: ClipFile) -> Any:
    """Load the weights into the model, converted as open_clip converts other formats. Raises ModelError."""
    library = open_clip()
    try:
        state = library.convert.convert_state_dict(net, state)
        if "positional_embedding" in state and not hasattr(net, "positional_embedding"):
            state = library.model.convert_to_custom_text_state_dict(state)
        for name in ("logit_scale", "logit_bias"):
            if name in state and getattr(net, name, None) is not None:
                state[name] = state[name].reshape(getattr(net, name).shape)
        state.pop("text.transformer.embeddings.position_ids", None)
        for name in (
            "input_resolution",
            "context_length",
            "vocab_size",
        ):  # OpenAI's checkpoints store these numbers as arrays
            state.pop(name, None)
        net.load_state_dict(state)
    except (RuntimeError, KeyError, ValueError, AttributeError) as error:
        raise ModelError(misfit(found)) from error
    return net


def misfit(found: ClipFile) -> str:
    """Return the sentence for a file whose weights are not of its architecture."""
    return f"{found.path.name} does not fit {found.architecture}: name the architecture that it was trained with."


def fits(state: Mapping[str, Tensor], shape: Mapping[str, Any]) -> bool:
    """Return whether the arrays, in open_clip's naming, have the sizes of a configuration of transformers."""
    vision, text = shape["vision_cfg"], shape["text_cfg"]
    if "visual.conv1.weight" not in state or "visual.proj" not in state or not vision.get("patch_size"):
        return False
    if vision.get("timm_model_name") or text.get("hf_model_name") or "multimodal_cfg" in shape:
        return False
    prefix = "text." if "text.token_embedding.weight" in state else ""
    embedding = state.get(f"{prefix}token_embedding.weight")
    if embedding is None:
        return False
    side, patch = int(vision["image_size"]), int(vision["patch_size"])
    blocks = ("visual.transformer.resblocks.", f"{prefix}transformer.resblocks.")
    depths = [len({key[len(start) :].split(".")[0] for key in state if key.startswith(start)}) for start in blocks]
    wanted = (vision["width"], patch, (side // patch) ** 2 + 1, vision["layers"], shape["embed_dim"])
    sizes = (text.get("vocab_size", 49408), text.get("width", 512), text.get("layers", 12))
    first, place = state["visual.conv1.weight"], state["visual.positional_embedding"]
    seen = (first.shape[0], first.shape[-1], place.shape[0], depths[0], state["visual.proj"].shape[1])
    return wanted == seen and sizes == (*embedding.shape, depths[1])


def load_tokenizer(found: ClipFile) -> Any:
    """Load the tokenizer. Raises ModelError where its files are missing or damaged."""
    library, text = open_clip(), found.shape["text_cfg"]
    length, options = text.get("context_length", 77), dict(text.get("tokenizer_kwargs") or {})
    name = text.get("hf_tokenizer_name")
    try:
        if name:
            place = found.words if isinstance(found.words, Path) else cached_folder(name, holds_tokenizer)
            with tokenizer_folder(place) as folder:
                mode = text.get("tokenizer_mode")
                return library.tokenizer.HFTokenizer(str(folder), length, tokenizer_mode=mode, **options)
        return library.tokenizer.SimpleTokenizer(context_length=length, **options)
    except ModelError:
        raise
    except Exception as error:  # tokenizers raises bare Exceptions
        raise ModelError(f"The tokenizer of {found.architecture} is missing or damaged: {CHOOSE}.") from error


def content_hash(found: ClipFile) -> str:
    """Return the SHA-256 over the checkpoint, its shape, its tokenizer's files and its preprocessing."""
    files = [found.path]
    if isinstance(found.words, Path) and found.shape["text_cfg"].get("hf_tokenizer_name"):
        files += sorted(path for path in found.words.iterdir() if path.name in DATA or path.suffix == SENTENCEPIECE)
    described = {"shape": found.shape, "preprocess": dict(found.preprocess), "files": [digest(path) for path in files]}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def first_sentence(error: BaseException) -> str:
    """Return the first sentence of a library's message."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
