"""How long a LoRA takes to come on and off: python3 run.py test -m bench -s tests/bench/test_adapters.py"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.checkpoints.families import families
from engine.models.adapter_file import Worn
from engine.models.adapters import Fitting, names_of_model
from engine.models.nets import build_unet
from engine.spec.adapter import AdapterUse
from tests.fakes.adapters import write

RANK = 32


@pytest.mark.bench
@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_lora_of_all_attention_layers(family: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        net = build_unet(families()[family].unet).half()
    net = net.to_empty(device="cpu").requires_grad_(False)
    for parameter in net.parameters():
        parameter.data.normal_(0, 0.02)
    names = names_of_model(net, {})
    tensors: dict[str, Tensor] = {}
    for module in names.parts["unet"].values():
        if len(module.shape) > 1 and "attentions" in module.name:
            stem, ones = "lora_unet_" + module.name.replace(".", "_"), [1] * (len(module.shape) - 2)
            tensors[f"{stem}.lora_down.weight"] = torch.randn(RANK, *module.shape[1:]).half() / 50
            tensors[f"{stem}.lora_up.weight"] = torch.randn(module.shape[0], RANK, *ones).half() / 50
    path = write(tmp_path / "a.safetensors", tensors)
    fitting = Fitting({"unet": net}, names, family)
    took = []
    for adapters in ((Worn(AdapterUse(name="a", sha256="0" * 64), path),), ()):
        began = time.perf_counter()
        fitting.ensure(adapters)
        took.append(time.perf_counter() - began)
    print(f"\n{family}, {len(tensors)} tensors of rank {RANK}: on in {took[0]:.1f} s, off in {took[1]:.2f} s")
