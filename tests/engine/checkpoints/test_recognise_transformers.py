"""Nets that cannot be sampled yet are named too: diffusers' classes, built without memory, fit their own rows alone."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch

from engine.checkpoints.header import Entry, Header
from engine.checkpoints.kinds import parts_of

CLASSES = {
    "AuraFlowTransformer2DModel": "auraflow",
    "ChromaTransformer2DModel": "chroma",
    "Flux2Transformer2DModel": "flux2",
    "FluxTransformer2DModel": "flux",
    "HunyuanVideoTransformer3DModel": "hunyuan-video",
    "Krea2Transformer2DModel": "krea2",
    "LTXVideoTransformer3DModel": "ltx",
    "Lumina2Transformer2DModel": "lumina2",
    "QwenImageTransformer2DModel": "qwen-image",
    "SD3Transformer2DModel": "sd3",
    "SanaTransformer2DModel": "sana",
    "WanTransformer3DModel": "wan",
    "ZImageTransformer2DModel": "z-image",
}
DEPTHS = ("num_layers", "num_single_layers", "n_layers", "num_mmdit_layers", "num_single_dit_layers")
MIXED = {"num_mmdit_layers": 1}  # AuraFlow has blocks of both sorts


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", CLASSES)
def test_a_net_of_diffusers_fits_its_own_row(name: str) -> None:
    import diffusers

    cls = getattr(diffusers, name, None)
    if cls is None:
        pytest.skip(f"this version of diffusers has no {name}")
    shallow = {key: MIXED.get(key, 2) for key in DEPTHS if key in inspect.signature(cls).parameters}
    with torch.device("meta"):
        state = cls(**shallow).state_dict()
    path = Path("model.safetensors")
    header = Header(path, (path,), {key: Entry("F16", tuple(value.shape), 0) for key, value in state.items()})
    assert [part.kind.families for part in parts_of(header)] == [(CLASSES[name],)]
