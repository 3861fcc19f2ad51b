"""KINDS: how each kind of checkpoint is recognised by the names and shapes of its tensors. Needs no torch.

A row lists a few tensors that a kind must have. `parts_of` finds every row that fits, so a single file that holds a
UNet, a VAE and text encoders has three or four parts. Nothing is guessed: a file that fits no row is reported with the
rows that came nearest. To add a kind, add a row; to make it loadable, add a file to engine/checkpoints/families.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.checkpoints.header import Entry, Header

Shape: TypeAlias = "tuple[int | None, ...] | None"  # None: any side, or any shape

LDM = "ldm"  # the names of CompVis' latent-diffusion code, as single files have them
DIFFUSERS = "diffusers"
OPEN_CLIP = "open_clip"
TRANSFORMERS = "transformers"  # of text encoders

_NET = ("model.diffusion_model.", "", "diffusion_model.")
_VAE = ("first_stage_model.", "", "vae.")
_CLIP = (
    "cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.",
    "conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.0.transformer.",
    "text_encoders.clip_l.transformer.text_model.", "text_model.", "",
)  # fmt: skip
_OPEN = ("cond_stage_model.model.", "conditioner.embedders.1.model.", "conditioner.embedders.0.model.", "")
_T5 = ("text_encoders.t5xxl.transformer.", "")
_K = "transformer_blocks.0.attn2.to_k.weight"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row.

    role     -- what it is for: "unet", "transformer", "vae", "text", "control" …
    families -- the families that it belongs to, or that it can serve
    title    -- its name for the user
    naming   -- the convention of its tensors' names
    has      -- tensors that it must have, without the prefix, each with its shape
    lacks    -- tensors that it must not have
    prefixes -- what its names may begin with
    """

    role: str
    families: tuple[str, ...]
    title: str
    naming: str
    has: Mapping[str, Shape]
    lacks: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that was found: the row that it fits, the prefix of its names, and its number of tensors."""

    kind: Kind
    prefix: str
    count: int


def _ldm_unet(width: int, context: int, first: str, **more: Shape) -> dict[str, Shape]:
    """The tensors of a UNet in latent-diffusion's names; `first` is its first block with attention."""
    return {
        "input_blocks.0.0.weight": (width, None, 3, 3),
        "time_embed.0.weight": (4 * width, width),
        f"{first}.{_K}": (None, context),
        f"middle_block.1.{_K}": (4 * width, context),
        "out.2.weight": (4, width, 3, 3),
        **more,
    }


def _diffusers_unet(width: int, context: int, block: int, **more: Shape) -> dict[str, Shape]:
    """The same in diffusers' names; `block` is its first block with attention."""
    return {
        "conv_in.weight": (width, None, 3, 3),
        "time_embedding.linear_1.weight": (4 * width, width),
        f"down_blocks.{block}.attentions.0.{_K}": (None, context),
        f"mid_block.attentions.0.{_K}": (4 * width, context),
        "conv_out.weight": (4, width, 3, 3),
        **more,
    }


_LABEL, _ADD = "label_emb.0.0.weight", "add_embedding.linear_1.weight"
_DEEP, _MIDDLE = "input_blocks.8.1.transformer_blocks.9.attn2.to_k.weight", "middle_block.1.transformer_blocks.9."
_SD = ("sd1", "sd2", "sdxl", "sdxl-refiner")


def _flow(family: str, title: str, naming: str, *names: str, prefixes: tuple[str, ...] = _NET) -> Kind:
    return Kind("transformer", (family,), title, naming, dict.fromkeys(names), prefixes=prefixes)


KINDS: tuple[Kind, ...] = (
    # control nets come first: they hold half of a UNet
    Kind("control", ("sd1",), "ControlNet for Stable Diffusion 1", LDM,
         {"zero_convs.0.0.weight": (320, 320, 1, 1), "input_hint_block.0.weight": None,
          f"input_blocks.1.1.{_K}": (320, 768)}, prefixes=("control_model.", "")),
    Kind("control", ("sd2",), "ControlNet for Stable Diffusion 2", LDM,
         {"zero_convs.0.0.weight": (320, 320, 1, 1), "input_hint_block.0.weight": None,
          f"input_blocks.1.1.{_K}": (320, 1024)}, prefixes=("control_model.", "")),
    Kind("control", ("sdxl",), "ControlNet for Stable Diffusion XL", LDM,
         {"zero_convs.0.0.weight": (320, 320, 1, 1), "input_hint_block.0.weight": None, _LABEL: (1280, 2816)},
         prefixes=("control_model.", "")),
    Kind("control", ("sd1",), "ControlNet for Stable Diffusion 1", DIFFUSERS,
         {"controlnet_cond_embedding.conv_in.weight": None, f"down_blocks.0.attentions.0.{_K}": (320, 768)}),
    Kind("control", ("sd2",), "ControlNet for Stable Diffusion 2", DIFFUSERS,
         {"controlnet_cond_embedding.conv_in.weight": None, f"down_blocks.0.attentions.0.{_K}": (320, 1024)}),
    Kind("control", ("sdxl",), "ControlNet for Stable Diffusion XL", DIFFUSERS,
         {"controlnet_cond_embedding.conv_in.weight": None, _ADD: (1280, 2816)}),
    # UNets
    Kind("unet", ("sd1",), "Stable Diffusion 1", LDM, _ldm_unet(320, 768, "input_blocks.1.1"),
         lacks=("zero_convs.0.0.weight",), prefixes=_NET),
    Kind("unet", ("sd2",), "Stable Diffusion 2", LDM, _ldm_unet(320, 1024, "input_blocks.1.1"),
         lacks=("zero_convs.0.0.weight", _LABEL), prefixes=_NET),
    Kind("unet", ("sdxl",), "Stable Diffusion XL", LDM,
         _ldm_unet(320, 2048, "input_blocks.4.1") | {_LABEL: (1280, 2816), _DEEP: (1280, 2048),
                                                     f"{_MIDDLE}attn2.to_k.weight": (1280, 2048)},
         lacks=("zero_convs.0.0.weight",), prefixes=_NET),
    Kind("unet", ("sdxl-refiner",), "Stable Diffusion XL refiner", LDM,
         _ldm_unet(384, 1280, "input_blocks.4.1") | {_LABEL: (1536, 2560)}, prefixes=_NET),
    Kind("unet", ("sd2-unclip",), "Stable Diffusion 2 unCLIP", LDM,
         _ldm_unet(320, 1024, "input_blocks.1.1") | {_LABEL: None}, prefixes=_NET),
    Kind("unet", ("sd2-x4",), "Stable Diffusion ×4 upscaler", LDM,
         {"input_blocks.0.0.weight": (256, 7, 3, 3), "label_emb.weight": None, "out.2.weight": (4, 256, 3, 3)},
         prefixes=_NET),
    Kind("unet", ("sd1",), "Stable Diffusion 1", DIFFUSERS, _diffusers_unet(320, 768, 0),
         lacks=("controlnet_cond_embedding.conv_in.weight",)),
    Kind("unet", ("sd2",), "Stable Diffusion 2", DIFFUSERS, _diffusers_unet(320, 1024, 0),
         lacks=("controlnet_cond_embedding.conv_in.weight", "class_embedding.linear_1.weight")),
    Kind("unet", ("sdxl",), "Stable Diffusion XL", DIFFUSERS,
         _diffusers_unet(320, 2048, 1) | {_ADD: (1280, 2816), "mid_block.attentions.0."
                                          "transformer_blocks.9.attn2.to_k.weight": (1280, 2048)},
         lacks=("controlnet_cond_embedding.conv_in.weight",)),
    Kind("unet", ("sdxl-refiner",), "Stable Diffusion XL refiner", DIFFUSERS,
         _diffusers_unet(384, 1280, 1) | {_ADD: (1536, 2560)}),
    # transformers and other nets, which are named and cannot be loaded yet
    _flow("chroma", "Chroma", LDM, "distilled_guidance_layer.in_proj.bias", "double_blocks.0.img_attn.proj.weight"),
    _flow("chroma", "Chroma", DIFFUSERS, "distilled_guidance_layer.in_proj.bias",
          "transformer_blocks.0.attn.add_k_proj.weight"),
    _flow("hunyuan-video", "Hunyuan video", DIFFUSERS, "transformer_blocks.0.attn.add_k_proj.weight",
          "context_embedder.token_refiner.refiner_blocks.0.norm1.weight"),
    _flow("flux2", "Flux.2", LDM, "single_stream_modulation.lin.weight", "double_blocks.0.img_attn.proj.weight"),
    _flow("flux2", "Flux.2", DIFFUSERS, "single_stream_modulation.linear.weight",
          "single_transformer_blocks.0.attn.to_out.weight"),
    _flow("flux", "Flux.1", LDM, "double_blocks.0.img_attn.proj.weight", "single_blocks.0.linear1.weight",
          "txt_in.weight"),
    _flow("flux", "Flux.1", DIFFUSERS, "single_transformer_blocks.0.proj_mlp.weight",
          "transformer_blocks.0.attn.add_k_proj.weight", "time_text_embed.timestep_embedder.linear_1.weight"),
    _flow("sd3", "Stable Diffusion 3", LDM, "joint_blocks.0.context_block.adaLN_modulation.1.bias"),
    _flow("sd3", "Stable Diffusion 3", DIFFUSERS, "transformer_blocks.0.attn.add_k_proj.weight",
          "pos_embed.proj.weight", "time_text_embed.text_embedder.linear_1.weight"),
    _flow("z-image", "Z-Image", LDM, "layers.0.adaLN_modulation.0.weight", "cap_embedder.0.weight",
          "layers.0.attention.qkv.weight"),
    _flow("z-image", "Z-Image", DIFFUSERS, "layers.0.adaLN_modulation.0.weight", "cap_embedder.0.weight",
          "all_x_embedder.2-1.weight"),
    _flow("lumina2", "Lumina 2", LDM, "layers.0.adaLN_modulation.1.weight", "cap_embedder.0.weight"),
    _flow("lumina2", "Lumina 2", DIFFUSERS, "time_caption_embed.timestep_embedder.linear_1.weight",
          "noise_refiner.0.attn.to_q.weight"),
    _flow("qwen-image", "Qwen-Image", DIFFUSERS, "transformer_blocks.0.img_mod.1.weight",
          "transformer_blocks.0.txt_mod.1.weight", "txt_norm.weight"),
    _flow("krea2", "Krea 2", LDM, "txtfusion.projector.weight"),
    _flow("krea2", "Krea 2", DIFFUSERS, "text_fusion.projector.weight"),
    _flow("pixart", "PixArt", LDM, "blocks.0.scale_shift_table", "y_embedder.y_proj.fc1.weight", "t_block.1.weight"),
    _flow("pixart", "PixArt", DIFFUSERS, "transformer_blocks.0.scale_shift_table",
          "caption_projection.linear_1.weight", "adaln_single.linear.weight"),
    _flow("auraflow", "AuraFlow", LDM, "double_layers.0.attn.w1q.weight", "cond_seq_linear.weight"),
    _flow("auraflow", "AuraFlow", DIFFUSERS, "register_tokens", "joint_transformer_blocks.0.attn.add_k_proj.weight"),
    _flow("sana", "Sana", DIFFUSERS, "caption_norm.weight", "patch_embed.proj.weight",
          "transformer_blocks.0.scale_shift_table"),
    _flow("wan", "Wan video", DIFFUSERS, "condition_embedder.time_embedder.linear_1.weight", "patch_embedding.weight"),
    _flow("wan", "Wan video", LDM, "head.modulation", "blocks.0.cross_attn.k.weight"),
    _flow("ltx", "LTX video", DIFFUSERS, "time_embed.emb.timestep_embedder.linear_1.weight", "proj_in.weight",
          "transformer_blocks.0.scale_shift_table"),
    _flow("ltx", "LTX video", LDM, "patchify_proj.weight", "transformer_blocks.0.scale_shift_table"),
    _flow("hunyuan-video", "Hunyuan video", LDM, "txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias"),
    _flow("cascade", "Stable Cascade", LDM, "clip_txt_mapper.weight"),
    # autoencoders
    Kind("vae", ("sd1", "sd2", "sdxl", "sdxl-refiner"), "VAE of Stable Diffusion 1, 2 or XL", LDM,
         {"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.down.0.block.0.conv1.weight": (128, 128, 3, 3),
          "decoder.mid.attn_1.q.weight": None, "post_quant_conv.weight": (4, 4, 1, 1)}, prefixes=_VAE),
    Kind("vae", ("sd1", "sd2", "sdxl", "sdxl-refiner"), "VAE of Stable Diffusion 1, 2 or XL", DIFFUSERS,
         {"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3),
          "decoder.mid_block.resnets.0.conv1.weight": None, "post_quant_conv.weight": (4, 4, 1, 1)},
         prefixes=("", "vae.")),
    Kind("vae", ("sd3", "flux"), "VAE with 16 channels, of Stable Diffusion 3 or Flux.1", LDM,
         {"decoder.conv_in.weight": (512, 16, 3, 3), "decoder.mid.attn_1.q.weight": None}, prefixes=_VAE),
    Kind("vae", ("sd3", "flux"), "VAE with 16 channels, of Stable Diffusion 3 or Flux.1", DIFFUSERS,
         {"decoder.conv_in.weight": (512, 16, 3, 3), "decoder.mid_block.resnets.0.conv1.weight": None}),
    Kind("vae", ("flux2",), "VAE with 32 channels, of Flux.2", DIFFUSERS,
         {"decoder.conv_in.weight": (512, 32, 3, 3), "decoder.mid_block.resnets.0.conv1.weight": None}),
    Kind("tiny-vae", _SD, "TAESD, a small autoencoder", DIFFUSERS,
         {"decoder.layers.0.weight": (64, 4, 3, 3), "encoder.layers.0.weight": (64, 3, 3, 3)}),
    Kind("tiny-vae-decoder", _SD, "the decoder of TAESD, a small autoencoder", LDM,
         {"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)}),
    Kind("tiny-vae-encoder", _SD, "the encoder of TAESD, a small autoencoder", LDM,
         {"0.weight": (64, 3, 3, 3), "1.conv.0.weight": (64, 64, 3, 3)}),
    # text encoders
    Kind("text", ("sd1", "sdxl", "sd3", "flux"), "CLIP ViT-L text encoder", TRANSFORMERS,
         {"embeddings.token_embedding.weight": (None, 768), "encoder.layers.11.mlp.fc1.weight": (3072, 768)},
         prefixes=_CLIP),
    Kind("text", ("sd2",), "OpenCLIP ViT-H text encoder", TRANSFORMERS,
         {"embeddings.token_embedding.weight": (None, 1024), "encoder.layers.22.mlp.fc1.weight": (4096, 1024)},
         prefixes=_CLIP),
    Kind("text", ("sdxl", "sdxl-refiner", "sd3"), "OpenCLIP ViT-bigG text encoder", TRANSFORMERS,
         {"embeddings.token_embedding.weight": (None, 1280), "encoder.layers.31.mlp.fc1.weight": (5120, 1280)},
         prefixes=("text_encoders.clip_g.transformer.text_model.", "text_model.", "")),
    Kind("text", ("sd2",), "OpenCLIP ViT-H text encoder", OPEN_CLIP,
         {"token_embedding.weight": (None, 1024), "transformer.resblocks.22.mlp.c_fc.weight": (4096, 1024)},
         prefixes=_OPEN),
    Kind("text", ("sdxl", "sdxl-refiner", "sd3"), "OpenCLIP ViT-bigG text encoder", OPEN_CLIP,
         {"token_embedding.weight": (None, 1280), "transformer.resblocks.31.mlp.c_fc.weight": (5120, 1280)},
         prefixes=_OPEN),
    Kind("text", ("sd3", "flux", "pixart"), "T5-XXL text encoder", TRANSFORMERS,
         {"shared.weight": (None, 4096), "encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)},
         prefixes=_T5),
    # the rest
    Kind("image-prompt", ("sd1", "sdxl"), "IP-Adapter", DIFFUSERS,
         {"ip_adapter.1.to_k_ip.weight": None, "image_proj.norm.weight": None}),
    Kind("image-prompt", ("sd1", "sdxl"), "IP-Adapter Plus", DIFFUSERS,
         {"ip_adapter.1.to_k_ip.weight": None, "image_proj.latents": None}),
    Kind("t2i", ("sd1", "sdxl"), "T2I-Adapter", DIFFUSERS,
         {"body.0.block1.weight": None, "conv_in.weight": None}, prefixes=("", "adapter.")),
    Kind("t2i", ("sd1", "sdxl"), "T2I-Adapter", DIFFUSERS,
         {"body.0.resnets.0.block1.weight": None, "conv_in.weight": None}, prefixes=("", "adapter.")),
    Kind("clip-vision", (), "CLIP image encoder", TRANSFORMERS,
         {"embeddings.patch_embedding.weight": None, "encoder.layers.0.mlp.fc1.weight": None},
         prefixes=("vision_model.",)),
    Kind("upscaler", (), "ESRGAN upscaler", LDM, {"conv_first.weight": None, "body.0.rdb1.conv1.weight": None}),
    Kind("upscaler", (), "ESRGAN upscaler", LDM, {"model.0.weight": None, "model.1.sub.0.RDB1.conv1.0.weight": None}),
    Kind("embedding", ("sdxl",), "textual inversion for Stable Diffusion XL", LDM,
         {"clip_l": (None, 768), "clip_g": (None, 1280)}),
    Kind("embedding", ("sd1",), "textual inversion for Stable Diffusion 1", LDM, {"emb_params": (None, 768)}),
    Kind("embedding", ("sd2",), "textual inversion for Stable Diffusion 2", LDM, {"emb_params": (None, 1024)}),
)  # fmt: skip


def fits(shape: tuple[int, ...], wanted: Shape) -> bool:
    """Whether a shape is the wanted one."""
    return wanted is None or (
        len(shape) == len(wanted) and all(b is None or a == b for a, b in zip(shape, wanted, strict=True))
    )


def parts_of(header: Header, kinds: Iterable[Kind] = KINDS) -> list[Part]:
    """Find every row that fits, in the order of KINDS; of rows with one role and one prefix only the first."""
    found: list[Part] = []
    taken: set[tuple[str, str]] = set()
    tensors = header.tensors
    for kind in kinds:
        for prefix in kind.prefixes:
            if (kind.role, prefix) not in taken and _has(tensors, kind, prefix):
                taken.add((kind.role, prefix))
                count = sum(name.startswith(prefix) for name in tensors) if prefix else len(tensors)
                found.append(Part(kind, prefix, count))
                break
    return found


def _has(tensors: Mapping[str, Entry], kind: Kind, prefix: str) -> bool:
    for name, shape in kind.has.items():
        entry = tensors.get(prefix + name)
        if entry is None or not fits(entry.shape, shape):
            return False
    return not any(prefix + name in tensors for name in kind.lacks)


def nearest(header: Header, kinds: Iterable[Kind] = KINDS, most: int = 3) -> tuple[str, ...]:
    """For each of the rows that came nearest one sentence: what fits and what does not."""
    scored: list[tuple[float, str]] = []
    for kind in kinds:
        best = max((_score(header.tensors, kind, prefix) for prefix in kind.prefixes), key=lambda found: found[0])
        if best[0] > 0:
            scored.append((best[0], f"{kind.title}: {best[1]}"))
    scored.sort(key=lambda found: -found[0])
    return tuple(dict.fromkeys(sentence for _, sentence in scored[:most]))


def _score(tensors: Mapping[str, Entry], kind: Kind, prefix: str) -> tuple[float, str]:
    """Return the share of the row's tensors that are there, half for another shape, and what differs."""
    score, differs = 0.0, []
    for name, wanted in kind.has.items():
        entry = tensors.get(prefix + name)
        if entry is None:
            differs.append(f"it has no {prefix}{name}")
        elif fits(entry.shape, wanted):
            score += 1
        else:
            score += 0.5
            differs.append(f"{prefix}{name} is {times(entry.shape)} instead of {times(wanted or ())}")
    for name in kind.lacks:
        if prefix + name in tensors:
            score -= 0.5
            differs.append(f"it has {prefix}{name}")
    return score / len(kind.has), f"{'; '.join(differs[:2]) or 'every tensor fits'}."


def times(shape: tuple[int | None, ...]) -> str:
    """Write a shape, such as 320×4×3×3."""
    return "×".join("any" if side is None else str(side) for side in shape) or "one number"
