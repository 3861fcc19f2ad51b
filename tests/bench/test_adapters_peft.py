"""Our LoRA beside diffusers with peft: python3 run.py test -m bench -s tests/bench/test_adapters_peft.py

It prints the largest difference of a net's output, relative to its largest value. Without peft it is skipped.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.models.adapter_file import Worn
from engine.models.adapters import Fitting, names_of_model
from engine.models.nets import build_unet
from engine.spec.adapter import AdapterUse
from tests.fakes.adapters import lora, write
from tests.fakes.tiny_sd import SMALL_UNET

XL: dict[str, Any] = SMALL_UNET | {
    "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 80, "transformer_layers_per_block": 2,
}  # fmt: skip
NETS = {"SD 1": SMALL_UNET, "XL": XL}
CLOSE = 1e-5
THEIR_OWN = (  # where diffusers does something else, as far as was seen with 0.42 and peft 0.21
    "diffusers, alpha 2.0", "PEFT in diffusers, alpha 2.0",  # it ignores alpha unless the names are kohya's
    "kohya, every layer",  # it leaves out XL's add_embedding, whose name it turns into add.embedding
    "dora, strength 0.5",  # peft scales the direction before its norm is taken, we scale the whole change
)  # fmt: skip


def build(config: Mapping[str, Any]) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_unet(config).eval().requires_grad_(False)


def output(net: Any, config: Mapping[str, Any]) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    more = {}
    if "addition_embed_type" in config:
        numbers = torch.zeros(1, 6)
        more["added_cond_kwargs"] = {"text_embeds": torch.randn(1, 32, generator=draw), "time_ids": numbers}
    x, text = torch.randn(1, 4, 16, 16, generator=draw), torch.randn(1, 7, 32, generator=draw)
    out: Tensor = net(x, torch.tensor([300]), encoder_hidden_states=text, return_dict=False, **more)[0]
    return out


def ours(config: Mapping[str, Any], files: Mapping[Path, float]) -> Tensor:
    net = build(config)
    fitting = Fitting({"unet": net}, names_of_model(net, {}), "tiny")
    uses = [
        Worn(AdapterUse(name=path.stem, sha256=f"{k:064x}", strength=strength, text_strength=strength), path)
        for k, (path, strength) in enumerate(files.items())
    ]
    fitting.ensure(tuple(uses))
    return output(net, config)


def theirs(config: Mapping[str, Any], files: Mapping[Path, float]) -> Tensor:
    """diffusers' own path: its pipelines' reader of formats, then load_lora_adapter and set_adapters."""
    from diffusers.loaders import StableDiffusionLoraLoaderMixin

    net = build(config)
    for path in files:
        state, alphas = StableDiffusionLoraLoaderMixin.lora_state_dict(load_file(path), unet_config=net.config)[:2]
        StableDiffusionLoraLoaderMixin.load_lora_into_unet(state, alphas, net, adapter_name=path.stem)
    net.set_adapters([path.stem for path in files], list(files.values()))
    return output(net, config)


def difference(config: Mapping[str, Any], files: Mapping[Path, float]) -> float:
    mine, other = ours(config, files), theirs(config, files)
    plain = output(build(config), config)
    assert float((mine - plain).abs().max()) > 1e-3 * float(plain.abs().max()), "the adapter changes nothing"
    return float((mine - other).abs().max() / other.abs().max())


@pytest.mark.bench
@pytest.mark.parametrize("family", NETS)
def test_the_difference_to_diffusers_with_peft(family: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    warnings.simplefilter("ignore")  # of diffusers
    config = NETS[family]
    modules = [("unet", one) for one in names_of_model(build(config), {}).parts["unet"].values()]
    attention = [(part, one) for part, one in modules if ".attn" in one.name and len(one.shape) == 2]
    every = [(part, one) for part, one in modules if len(one.shape) > 1]
    found: dict[str, float | str] = {}

    def compare(name: str, *some: tuple[dict[str, Tensor], float]) -> None:
        files, stem = {}, "".join(letter for letter in name if letter.isalnum())  # peft takes no dots
        for k, (tensors, strength) in enumerate(some):
            single = {key: value.float() for key, value in tensors.items()}
            files[write(tmp_path / f"{stem}-{k}.safetensors", single)] = strength
        try:
            found[name] = difference(config, files)
        except (ValueError, KeyError, RuntimeError) as error:  # what diffusers refuses is one of the results
            found[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"

    for dialect in ("kohya", "diffusers", "PEFT in diffusers"):
        for alpha in (None, 2.0):
            compare(f"{dialect}, alpha {alpha}", (lora(attention, dialect, alpha), 0.8))
    compare("PEFT in diffusers, every layer", (lora(every, "PEFT in diffusers", None), 0.8))
    compare("kohya, every layer", (lora(every, "kohya", 2.0), 0.8))
    two = lora(attention, "kohya", 2.0), lora(attention, "PEFT in diffusers", None, seed=1)
    compare("two at once", (two[0], 0.7), (two[1], -0.4))
    compare("dora", (dora(attention), 1.0))
    compare("dora, strength 0.5", (dora(attention), 0.5))
    print(f"\n{family}:", *(f"  {name}: {value}" for name, value in found.items()), sep="\n")
    numbers = {name: value for name, value in found.items() if isinstance(value, float)}
    assert max(value for name, value in numbers.items() if name not in THEIR_OWN) < CLOSE


def dora(modules: list[tuple[str, Any]]) -> dict[str, Tensor]:
    """A DoRA in PEFT's names: a LoRA, and a magnitude for each output."""
    tensors = lora(modules, "PEFT in diffusers", None)
    draw = torch.Generator().manual_seed(5)
    for _, module in modules:
        size = torch.rand(module.shape[0], generator=draw, dtype=torch.float64)
        tensors[f"unet.{module.name}.lora_magnitude_vector"] = 0.5 + size
    return tensors
