"""The modules of a family's nets, by name and shape, from their hyper-parameters alone. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Shape = tuple[int, ...]


class Module(NamedTuple):
    """A layer with a weight.

    name     -- in the net as it is loaded: diffusers' names for a UNet, transformers' for CLIP
    original -- its name in the files of CompVis and Stability AI, "" where that has none
    shape    -- of the weight
    bias     -- whether it has a bias, of shape[0] numbers
    """

    name: str
    original: str
    shape: Shape
    bias: bool = True


def unet_modules(config: Mapping[str, Any]) -> list[Module]:
    """List the modules of diffusers' UNet2DConditionModel with these arguments (those of Stable Diffusion)."""
    return list(_Unet(config).modules())


def clip_modules(net: Mapping[str, Any]) -> list[Module]:
    """List the modules of a CLIP text encoder.

    net -- "width", "layers" and "mlp", "projection" (0 for none), and how many last layers of the published encoder are
           "dropped": adapters may change them too
    """
    width, hidden, projection = int(net["width"]), int(net["mlp"]), int(net.get("projection", 0))
    found = []
    for k in range(int(net["layers"]) + int(net.get("dropped", 0))):
        layer, other = f"encoder.layers.{k}.", f"transformer.resblocks.{k}."
        found += [Module(f"{layer}self_attn.{letter}_proj", "", (width, width)) for letter in "qkv"]
        found += [
            Module(f"{layer}self_attn.out_proj", f"{other}attn.out_proj", (width, width)),
            Module(f"{layer}mlp.fc1", f"{other}mlp.c_fc", (hidden, width)),
            Module(f"{layer}mlp.fc2", f"{other}mlp.c_proj", (width, hidden)),
            Module(f"{layer}layer_norm1", f"{other}ln_1", (width,)),
            Module(f"{layer}layer_norm2", f"{other}ln_2", (width,)),
        ]
    found.append(Module("final_layer_norm", "ln_final", (width,)))
    if projection:
        found.append(Module("text_projection", "", (projection, width), bias=False))
    return found


class _Unet:
    """The hyper-parameters of a UNet, one entry a level."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        def each(value: Any) -> list[Any]:
            return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value] * levels

        self.config = config
        self.widths = [int(width) for width in config["block_out_channels"]]
        levels = len(self.widths)
        self.down: list[str] = list(config["down_block_types"])
        self.up: list[str] = list(config["up_block_types"])
        self.resnets = [int(n) for n in each(config.get("layers_per_block", 2))]
        self.depths = [int(n) for n in each(config.get("transformer_layers_per_block", 1))]
        self.cross = [int(n) for n in each(config.get("cross_attention_dim", 1280))]
        self.linear = bool(config.get("use_linear_projection", False))
        self.time = 4 * self.widths[0]

    def modules(self) -> Iterator[Module]:
        widths, config, last = self.widths, self.config, len(self.widths) - 1
        yield Module("conv_in", "input_blocks.0.0", (widths[0], int(config.get("in_channels", 4)), 3, 3))
        yield Module("time_embedding.linear_1", "time_embed.0", (self.time, widths[0]))
        yield Module("time_embedding.linear_2", "time_embed.2", (self.time, self.time))
        if config.get("time_cond_proj_dim"):
            shape = (widths[0], int(config["time_cond_proj_dim"]))
            yield Module("time_embedding.cond_proj", "time_embed.cond_proj", shape, bias=False)
        if config.get("addition_embed_type") == "text_time":
            numbers = int(config["projection_class_embeddings_input_dim"])
            yield Module("add_embedding.linear_1", "label_emb.0.0", (self.time, numbers))
            yield Module("add_embedding.linear_2", "label_emb.0.2", (self.time, self.time))
        skips, place, inside = [widths[0]], 1, widths[0]
        for level, width in enumerate(widths):
            for j in range(self.resnets[level]):
                here, there = f"down_blocks.{level}", f"input_blocks.{place}"
                yield from self._resnet(f"{here}.resnets.{j}", f"{there}.0", inside, width)
                if "CrossAttn" in self.down[level]:
                    yield from self._attention(f"{here}.attentions.{j}", f"{there}.1", level)
                inside, place = width, place + 1
                skips.append(width)
            if level < last:
                yield Module(
                    f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{place}.0.op", (width, width, 3, 3)
                )
                place += 1
                skips.append(width)
        if self.config.get("mid_block_type", "UNetMidBlock2DCrossAttn") is not None:
            yield from self._resnet("mid_block.resnets.0", "middle_block.0", inside, inside)
            yield from self._attention("mid_block.attentions.0", "middle_block.1", last)
            yield from self._resnet("mid_block.resnets.1", "middle_block.2", inside, inside)
        yield from self._up(skips)
        yield Module("conv_norm_out", "out.0", (widths[0],))
        yield Module("conv_out", "out.2", (int(config.get("out_channels", 4)), widths[0], 3, 3))

    def _up(self, skips: list[int]) -> Iterator[Module]:
        inside, place, last = self.widths[-1], 0, len(self.widths) - 1
        for i, level in enumerate(range(last, -1, -1)):
            width, attends = self.widths[level], "CrossAttn" in self.up[i]
            for j in range(self.resnets[level] + 1):
                here, there = f"up_blocks.{i}", f"output_blocks.{place}"
                yield from self._resnet(f"{here}.resnets.{j}", f"{there}.0", inside + skips.pop(), width)
                if attends:
                    yield from self._attention(f"{here}.attentions.{j}", f"{there}.1", level)
                inside, place = width, place + 1
            if level > 0:
                there = f"output_blocks.{place - 1}.{1 + attends}.conv"
                yield Module(f"up_blocks.{i}.upsamplers.0.conv", there, (width, width, 3, 3))

    def _resnet(self, here: str, there: str, inside: int, width: int) -> Iterator[Module]:
        yield Module(f"{here}.norm1", f"{there}.in_layers.0", (inside,))
        yield Module(f"{here}.conv1", f"{there}.in_layers.2", (width, inside, 3, 3))
        yield Module(f"{here}.time_emb_proj", f"{there}.emb_layers.1", (width, self.time))
        yield Module(f"{here}.norm2", f"{there}.out_layers.0", (width,))
        yield Module(f"{here}.conv2", f"{there}.out_layers.3", (width, width, 3, 3))
        if inside != width:
            yield Module(f"{here}.conv_shortcut", f"{there}.skip_connection", (width, inside, 1, 1))

    def _attention(self, here: str, there: str, level: int) -> Iterator[Module]:
        width, cross = self.widths[level], self.cross[level]
        square = (width, width) if self.linear else (width, width, 1, 1)
        own = [("norm", (width,), True), ("proj_in", square, True), ("proj_out", square, True)]
        for k in range(self.depths[level]):
            block = f"transformer_blocks.{k}."
            own += [(f"{block}norm{n}", (width,), True) for n in (1, 2, 3)]
            for attention, keys in (("attn1", width), ("attn2", cross)):
                own += [
                    (f"{block}{attention}.to_q", (width, width), False),
                    (f"{block}{attention}.to_k", (width, keys), False),
                    (f"{block}{attention}.to_v", (width, keys), False),
                    (f"{block}{attention}.to_out.0", (width, width), True),
                ]
            own += [(f"{block}ff.net.0.proj", (8 * width, width), True), (f"{block}ff.net.2", (width, 4 * width), True)]
        for name, shape, bias in own:
            yield Module(f"{here}.{name}", f"{there}.{name}", shape, bias)


def block_of(original: str) -> str:
    """Return the block of a UNet's module as block weights name it: IN00 … IN11, M00, OUT00 … OUT11, else BASE."""
    side, _, rest = original.partition(".")
    number = rest.partition(".")[0]
    if side == "middle_block":
        return "M00"
    if side in ("input_blocks", "output_blocks") and number.isdigit():
        return f"{'IN' if side == 'input_blocks' else 'OUT'}{int(number):02}"
    return "BASE"
