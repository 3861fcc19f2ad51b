"""An embedding of Stable Diffusion XL, by its name in the prompt, through the whole command on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.__main__ import main
from engine.checkpoints.settings import ModelSettings, save
from engine.models.clip_bpe import read_tokenizer
from engine.pictures.image_file import load as load_picture
from engine.pictures.png import read_settings
from tests.engine.models.clips import text_encoder
from tests.fakes.tiny_sd import SCHEDULER, SMALL_UNET, SMALL_VAE

WIDTHS = 32, 48
POOLED, NUMBER = 40, 8
XL: dict[str, Any] = SMALL_UNET | {
    "cross_attention_dim": sum(WIDTHS), "use_linear_projection": True, "addition_embed_type": "text_time",
    "addition_time_embed_dim": NUMBER, "projection_class_embeddings_input_dim": POOLED + 6 * NUMBER,
}  # fmt: skip


def write_xl(path: Path) -> tuple[Any, Any]:
    """Write a tiny diffusers folder with random weights; return both text encoders."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    torch.manual_seed(0)
    texts = text_encoder(WIDTHS[0], 2, "quick_gelu"), text_encoder(WIDTHS[1], 3, "gelu", POOLED)
    nets = {
        "unet": UNet2DConditionModel.from_config(XL), "vae": AutoencoderKL.from_config(SMALL_VAE),
        "text_encoder": texts[0], "text_encoder_2": texts[1],
    }  # fmt: skip
    for name, net in nets.items():
        net.eval().save_pretrained(path / name, safe_serialization=True)
    (path / "scheduler").mkdir()
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULER), encoding="utf-8")
    index = {
        "_class_name": "StableDiffusionXLPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"], "scheduler": ["diffusers", "DDIMScheduler"],
    }  # fmt: skip
    (path / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return texts


def test_an_embedding_with_the_vectors_of_two_words_makes_the_picture_of_these_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))
    save(ModelSettings(folders=(tmp_path / "mine",)), tmp_path / "home" / "config")
    ids = read_tokenizer()("red cat")
    tables = [text.get_input_embeddings().weight[ids].detach().clone() for text in write_xl(tmp_path / "mine" / "xl")]
    save_file({"clip_l": tables[0], "clip_g": tables[1]}, tmp_path / "mine" / "my-cat.safetensors")

    def made(prompt: str) -> Path:
        out = tmp_path / f"{prompt}.png"
        flags = ["--steps", "2", "--seed", "5", "--size", "64x64", "--out", str(out)]
        assert main(["generate", prompt, "--model", str(tmp_path / "mine" / "xl"), *flags]) == 0
        return out

    named, plain, other = made("a my-cat"), made("a red cat"), made("a hat")
    settings = read_settings(named)
    assert settings is not None
    assert [use.name for use in settings.embeddings] == ["my-cat"]
    pictures = [load_picture(path).rgb.astype(int) for path in (named, plain, other)]
    assert abs(pictures[0] - pictures[1]).max() <= 1
    assert abs(pictures[0] - pictures[2]).max() > 1
