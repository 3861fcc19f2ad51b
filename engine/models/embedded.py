"""The embedded models: a folder of config.json and safetensors, checked before use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine import schedules
from engine.denoisers import NetDenoiser, adapt
from engine.meter import MICRO_BATCH
from engine.models import net
from engine.models.checksums import check, check_name
from engine.models.empty import without_values
from engine.models.errors import REMEDY, ModelError
from engine.models.pixel import PixelCodec
from engine.models.text import read_encoder
from engine.spec.catalog import ModelInfo, resource_root
from engine.spec.validation import RequestError
from engine.types import Codec, Cond, Denoiser, Said, Schedule, SecondStage

WEIGHTS, STAGE = "model.safetensors", "upscaler.safetensors"

Encode = Callable[[str], tuple[Tensor, Tensor]]  # text → token states (1, L, C), mask (1, L)


@dataclass(frozen=True)
class EmbeddedModel:
    """A net of engine.models.net with its text encoder and class table; implements engine.types.Model."""

    id: str
    sha256: str
    codec: Codec
    denoiser: Denoiser
    schedule: Schedule
    labels: tuple[str, ...]
    device: torch.device
    compute_dtype: torch.dtype
    bytes: int
    text: Encode | None
    second: SecondStage | None = None
    micro_batch: int = MICRO_BATCH

    def condition(self, said: Said) -> Cond:
        """Encode the text and the label for one picture. RequestError for an unknown label."""
        label = said.label
        if label is not None and label not in self.labels:
            raise RequestError(f"The model “{self.id}” has no label “{label}”: choose one of {', '.join(self.labels)}.")
        index = len(self.labels) if label is None else self.labels.index(label)
        cond = Cond(label=torch.tensor([index]))
        if self.text is not None:
            tokens, mask = self.text(said.text)
            cond = Cond(tokens=tokens.to(self.compute_dtype), mask=mask, label=cond.label)
        return cond.map(lambda v: v.to(self.device))


def load(info: ModelInfo, device: torch.device, dtype: torch.dtype = torch.float32) -> EmbeddedModel:
    """Load the model of `info` onto `device`, with its files checked against the hashes in its config, parameters
    frozen.

    Raises ModelError when a file is missing, damaged, or does not fit the config.
    """
    try:
        for name, digest in info.config["sha256"].items():
            check(info.folder / check_name(name), digest)
        denoiser, schedule = read_denoiser(info, info.config, WEIGHTS, device, dtype)
        if len(info.labels) != info.config["net"]["labels"]:
            raise ValueError("the number of its labels differs from the net's")
        text = info.config["conditioning"]["text"]
        encode = (
            None
            if text is None
            else read_encoder(resource_root() / "text" / check_name(text["encoder"]), text["length"])
        )
        second = read_stage(info, device, dtype)
        return EmbeddedModel(
            id=info.id,
            sha256=info.sha256,
            codec=PixelCodec(info.config["net"]["channels"]),
            denoiser=denoiser,
            schedule=schedule,
            labels=info.labels,
            device=device,
            compute_dtype=dtype,
            bytes=_bytes(denoiser) + (0 if second is None else _bytes(second.denoiser)),
            text=encode,
            second=second,
        )
    except ModelError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The model “{info.title}” has a damaged config.json ({error}): {REMEDY}.") from error


def read_denoiser(
    info: ModelInfo, part: dict[str, Any], name: str, device: torch.device, dtype: torch.dtype
) -> tuple[NetDenoiser, Schedule]:
    """Read the denoiser of a `part` of the config ("net", "schedule", "predicts"), its weights in the file `name`."""
    module = read_net(info, part["net"], name).to(device, dtype).eval().requires_grad_(False)
    schedule = schedules.from_config(part["schedule"])
    return adapt(module, schedule, part["predicts"], dtype), schedule


def _bytes(denoiser: Denoiser) -> int:
    """Return the bytes of the weights of a denoiser's net."""
    assert isinstance(denoiser, NetDenoiser)
    assert isinstance(denoiser.net, nn.Module)
    return sum(p.nbytes for p in denoiser.net.parameters())


def read_stage(info: ModelInfo, device: torch.device, dtype: torch.dtype) -> SecondStage | None:
    """Read the second stage of a cascade; None for a model without one."""
    if info.cascade is None:
        return None
    denoiser, schedule = read_denoiser(info, info.cascade, STAGE, device, dtype)
    if info.cascade["net"]["labels"] != len(info.labels):
        raise ValueError("its second stage has other labels")
    return SecondStage(denoiser, schedule, info.cascade["net"]["factor"])


def read_net(info: ModelInfo, described: dict[str, Any], name: str) -> nn.Module:
    """Build the net of the config with the weights of `name` in float32; ModelError when they do not fit."""
    path = info.folder / name
    if name not in info.config["sha256"]:
        raise ModelError(f"The config.json of “{info.title}” lists no {name}: {REMEDY}.")
    try:
        weights: dict[str, Any] = {name: value.float() for name, value in load_file(path).items()}
        with without_values():  # shapes alone: a net that its weights do not fill takes no memory
            shapes = {key: value.shape for key, value in net.build(described).state_dict().items()}
        if shapes != {key: value.shape for key, value in weights.items()}:
            raise ValueError("its weights are of another net")
        module = net.build(described)
        module.load_state_dict(weights)
    except (
        SafetensorError, OSError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError,
    ) as error:  # fmt: skip
        raise ModelError(f"{path} does not fit the net that config.json describes: {REMEDY}.") from error
    return module
