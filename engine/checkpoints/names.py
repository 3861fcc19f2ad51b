"""From the names of single files to diffusers' names: UNet, VAE and TAESD. Needs no torch.

Single files name tensors after CompVis' latent-diffusion code: input_blocks.7.1 is the attention of the seventh entry
of a list. diffusers names the same tensor by block and layer: down_blocks.2.attentions.0. tests compare this table with
diffusers' own converters, name by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_UNET_ENDS = {
    "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1", "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out",
}  # fmt: skip
_MIDDLE = {"0": "mid_block.resnets.0", "1": "mid_block.attentions.0", "2": "mid_block.resnets.1"}
_ATTENTION = {
    "norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0",
    "query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0",  # of diffusers before 0.18
}  # fmt: skip


def unet_name(name: str, layers: int = 2) -> str:
    """Return diffusers' name for a UNet's tensor; `layers` is layers_per_block. An unknown name stays as it is."""
    stem, _, kind = name.rpartition(".")
    if stem in _UNET_ENDS:
        return f"{_UNET_ENDS[stem]}.{kind}"
    side, _, rest = stem.partition(".")
    number, _, rest = rest.partition(".")
    if side == "middle_block" and number in _MIDDLE:
        return f"{_MIDDLE[number]}.{_RESNET.get(rest, rest)}.{kind}"
    if side not in ("input_blocks", "output_blocks") or not number.isdigit():
        return name
    down = side == "input_blocks"
    block, layer = divmod(int(number) - down, layers + 1)
    place = f"{'down' if down else 'up'}_blocks.{block}"
    part, _, rest = rest.partition(".")
    if rest in ("op", "conv") and (rest == "op") == down:
        return f"{place}.{'down' if down else 'up'}samplers.0.conv.{kind}"
    if part == "0":
        return f"{place}.resnets.{layer}.{_RESNET.get(rest, rest)}.{kind}"
    return f"{place}.attentions.{layer}.{rest}.{kind}" if part == "1" else name


def vae_name(name: str, blocks: int = 4) -> str:
    """Return diffusers' name for a VAE's tensor; `blocks` is the number of its block_out_channels."""
    name = re.sub(r"\.mid(_block)?\.(attn_1|attentions\.0)\.(\w+)\.", _attention, name)
    name = re.sub(r"\.mid\.block_([12])\.", lambda found: f".mid_block.resnets.{int(found[1]) - 1}.", name)
    name = re.sub(r"\.down\.(\d+)\.block\.(\d+)\.", r".down_blocks.\1.resnets.\2.", name)
    name = re.sub(r"\.down\.(\d+)\.downsample\.conv\.", r".down_blocks.\1.downsamplers.0.conv.", name)
    name = re.sub(
        r"\.up\.(\d+)\.block\.(\d+)\.", lambda m: f".up_blocks.{blocks - 1 - int(m[1])}.resnets.{m[2]}.", name
    )
    name = re.sub(
        r"\.up\.(\d+)\.upsample\.conv\.", lambda m: f".up_blocks.{blocks - 1 - int(m[1])}.upsamplers.0.conv.", name
    )
    return name.replace(".nin_shortcut.", ".conv_shortcut.").replace("coder.norm_out.", "coder.conv_norm_out.")


def _attention(found: re.Match[str]) -> str:
    return f".mid_block.attentions.0.{_ATTENTION.get(found[3], found[3])}."


def tiny_decoder_name(name: str) -> str:
    """Return diffusers' name for a tensor of TAESD's decoder, whose file counts a clamp as the first layer."""
    number, _, rest = name.partition(".")
    return f"decoder.layers.{int(number) - 1}.{rest}" if number.isdigit() else name


def tiny_encoder_name(name: str) -> str:
    """Return diffusers' name for a tensor of TAESD's encoder."""
    return f"encoder.layers.{name}" if name.partition(".")[0].isdigit() else name


Rename = Callable[[str], str]
