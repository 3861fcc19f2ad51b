"""A tiny Stable Diffusion with random weights: as diffusers' nets, as a single file, and as a diffusers folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.checkpoints.names import unet_name, vae_name
from tests.fakes.checkpoints import layouts

WIDTH = 32
UNET: dict[str, Any] = {
    "sample_size": 8, "in_channels": 4, "out_channels": 4, "layers_per_block": 2, "norm_num_groups": 8,
    "block_out_channels": [16, 32, 32, 32], "cross_attention_dim": WIDTH, "attention_head_dim": 4,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
}  # fmt: skip
VAE: dict[str, Any] = {
    "in_channels": 3, "out_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 8,
    "block_out_channels": [8, 16, 16, 16], "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4, "scaling_factor": 0.18215,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "vocab_size": 49408, "hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 1, "max_position_embeddings": 77, "hidden_act": "quick_gelu", "pad_token_id": 1,
    "bos_token_id": 49406, "eos_token_id": 49407,
}  # fmt: skip
SCHEDULER: dict[str, Any] = {
    "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "steps_offset": 1, "prediction_type": "epsilon", "clip_sample": False,
    "set_alpha_to_one": False,
}  # fmt: skip
SMALL_UNET = UNET | {
    "layers_per_block": 1, "block_out_channels": [16, 32], "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}  # fmt: skip
SMALL_VAE = VAE | {"layers_per_block": 1}
BY_HAND = {"family": "sd1", "unet": UNET, "vae": VAE}


@dataclass(frozen=True)
class Nets:
    unet: Any
    vae: Any
    text: Any


@lru_cache(maxsize=4)
def nets(channels: int = 4, seed: int = 0, small: bool = False) -> Nets:
    """The nets with random weights in float32; `small` ones have fewer blocks than single files can name."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = UNet2DConditionModel.from_config((SMALL_UNET if small else UNET) | {"in_channels": channels})
        vae = AutoencoderKL.from_config(SMALL_VAE if small else VAE)
        text = CLIPTextModel(CLIPTextConfig(**TEXT))
    return Nets(*(net.eval().requires_grad_(False) for net in (unet, vae, text)))


def single_file_tensors(made: Nets, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The tensors under the names of a Stable Diffusion 1 single file."""
    unet = {unet_name(name): name for name in layouts()["unet-v1-sd"]}
    vae = {vae_name(name): name for name in layouts()["vae-v1-sd"]}
    tensors = {f"model.diffusion_model.{unet[k]}": v for k, v in made.unet.state_dict().items()}
    for name, value in made.vae.state_dict().items():
        attention = ".attentions." in name and name.endswith("weight") and value.ndim == 2
        tensors[f"first_stage_model.{vae[name]}"] = value[:, :, None, None] if attention else value
    prefix = "cond_stage_model.transformer."
    for name, value in made.text.state_dict().items():
        tensors[prefix + (name if name.startswith("text_model.") else f"text_model.{name}")] = value
    return {
        name: value.to(dtype if value.is_floating_point() else value.dtype).contiguous()
        for name, value in tensors.items()
    }


def write_single_file(
    path: Path, made: Nets | None = None, dtype: torch.dtype = torch.float32, **extra: Tensor
) -> Path:
    """Write the nets as one file, with `extra` tensors."""
    save_file(single_file_tensors(made or nets(), dtype) | extra, path)
    return path


def write_folder(
    path: Path,
    made: Nets | None = None,
    scheduler: dict[str, Any] | None = None,
    variant: str | None = None,
    shard: str = "10GB",
) -> Path:
    """Write the nets as a diffusers folder."""
    made = made or nets()
    for name, net in (("unet", made.unet), ("vae", made.vae), ("text_encoder", made.text)):
        half = net.half() if variant == "fp16" else net
        half.save_pretrained(path / name, variant=variant, max_shard_size=shard, safe_serialization=True)
        net.float()
    (path / "scheduler").mkdir()
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler or SCHEDULER), encoding="utf-8")
    index = {
        "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.42.1",
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"], "scheduler": ["diffusers", "DDIMScheduler"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "safety_checker": [None, None],
    }  # fmt: skip
    (path / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return path


def equal(a: nn.Module, b: nn.Module) -> bool:
    """Whether two modules hold the same parameters, bit for bit."""
    one, two = a.state_dict(), b.state_dict()
    return set(one) == set(two) and all(torch.equal(one[name], two[name]) for name in one)
