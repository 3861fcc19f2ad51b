"""Adapters with random numbers for the modules of a net, in every dialect and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.checkpoints.adapters.modules import Module

RANK = 3
Namer = Callable[[str, Module], str]  # part, module → the module's name in the file


def _kohya(part: str, name: str, numbered: bool) -> str:
    prefix = {"unet": "lora_unet_", "text": "lora_te1_" if numbered else "lora_te_", "text_2": "lora_te2_"}[part]
    return prefix + ("" if part == "unet" else "text_model_") + name.replace(".", "_")


def _dotted(part: str, name: str, prefix: str = "unet.") -> str:
    start = {"unet": prefix, "text": "text_encoder.text_model.", "text_2": "text_encoder_2.text_model."}[part]
    return start + name


DIALECTS: dict[str, tuple[Namer, str, str]] = {  # the module's name, and the ends of A and B
    "kohya": (lambda part, m: _kohya(part, m.name, False), ".lora_down.weight", ".lora_up.weight"),
    "kohya, XL": (
        lambda part, m: _kohya(part, m.original if part == "unet" else m.name, True),
        ".lora_down.weight",
        ".lora_up.weight",
    ),
    "diffusers": (lambda part, m: _dotted(part, m.name), ".lora.down.weight", ".lora.up.weight"),
    "PEFT in diffusers": (lambda part, m: _dotted(part, m.name), ".lora_A.weight", ".lora_B.weight"),
    "PEFT": (lambda part, m: f"base_model.model.{m.name}", ".lora_A.default.weight", ".lora_B.default.weight"),
    "original": (lambda part, m: f"diffusion_model.{m.original}", ".lora_A.weight", ".lora_B.weight"),
    "whole names": (lambda part, m: f"model.diffusion_model.{m.original}", ".lora_down.weight", ".lora_up.weight"),
    "no prefix": (lambda part, m: m.name, ".lora_A.weight", ".lora_B.weight"),
}


def lora(
    modules: Iterable[tuple[str, Module]], dialect: str = "kohya", alpha: float | None = 2.0, seed: int = 0
) -> dict[str, Tensor]:
    """A LoRA of rank 3 in float64 for (part, module) pairs that have matrices or kernels."""
    name_of, down, up = DIALECTS[dialect]
    draw = torch.Generator().manual_seed(seed)
    made: dict[str, Tensor] = {}
    for part, module in modules:
        if len(module.shape) > 1:
            name, ones = name_of(part, module), [1] * (len(module.shape) - 2)
            made[name + down] = torch.randn(RANK, *module.shape[1:], generator=draw, dtype=torch.float64) / 10
            made[name + up] = torch.randn(module.shape[0], RANK, *ones, generator=draw, dtype=torch.float64) / 10
            if alpha is not None:
                made[f"{name}.alpha"] = torch.tensor(alpha, dtype=torch.float64)
    return made


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    """Write an adapter's file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in tensors.items()}, path, dict(metadata or {}) or None)
    return path
