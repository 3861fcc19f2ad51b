"""Latent models: Stable Diffusion 1, 2, XL and the refiner, from a single file or a diffusers folder.

What a file is comes from its header (engine.checkpoints.recognise), what it lacks from its family's JSON. Weights are
mapped and verified strictly (engine.checkpoints.weights). Nothing is read from the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine import schedules
from engine.checkpoints.adapters.usable import unet_config
from engine.checkpoints.complete import lacks, why_incomplete
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import Family, family
from engine.checkpoints.kinds import LDM
from engine.checkpoints.names import Rename, tiny_decoder_name, tiny_encoder_name, unet_name, vae_name
from engine.checkpoints.recognise import Found, PartFile, recognise
from engine.checkpoints.weights import Progress, fill, read_tensors
from engine.denoisers import NetDenoiser, adapt
from engine.devices import computes_bfloat16
from engine.errors import Cancelled
from engine.models.adapter_file import Worn
from engine.models.adapters import Fitted, Fitting, names_of_model
from engine.models.clip_text import read_clip_text
from engine.models.inversion import Inversions
from engine.models.nets import UNet, build_tiny_vae, build_unet, build_vae
from engine.models.offload import Offload
from engine.models.placement import decodes_in_tiles
from engine.models.tiles import decode_in_tiles
from engine.models.words import ClipWords, Encoder
from engine.spec.catalog import ModelInfo
from engine.spec.memory import loaded_bytes
from engine.types import Cond, Linear, Said, Schedule

_TINY = {"in_channels": 3, "out_channels": 3, "latent_channels": 4}
_TINY_ROLES = ("tiny-vae", "tiny-vae-decoder", "tiny-vae-encoder")
_NAMES: dict[str, Rename] = {"tiny-vae-decoder": tiny_decoder_name, "tiny-vae-encoder": tiny_encoder_name}


@dataclass(frozen=True, slots=True)
class KLCodec:
    """The codec of an autoencoder: x0 = scale · (latent − shift). It computes in float32.

    net    -- an AutoencoderKL, or an AutoencoderTiny, which gives its latents scaled already
    linear -- the preview: a linear map from latents to colour
    tiles  -- whether every picture is decoded in tiles; else it is where memory is short
    bring  -- called before the net is: brings it to its device
    """

    net: Any
    scale: float
    shift: float = 0.0
    channels: int = 4
    factor: int = 8
    linear: Linear | None = None
    identity: bool = False
    tiny: bool = False
    tiles: bool = False
    bring: Callable[[], None] = lambda: None

    def encode(self, image: Tensor) -> Tensor:
        """Encode pictures (B, 3, H, W) in [−1, 1] to states (B, C, h, w): the mean of the encoder's law."""
        self.bring()
        image = image.to(next(self.net.parameters()))
        encoded = self.net.encode(image)
        latent = encoded.latents if self.tiny else encoded.latent_dist.mode()
        out: Tensor = (latent.float() - self.shift) * self.scale
        return out

    def decode(self, x0: Tensor, cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        """Decode states (B, C, h, w) to pictures (B, 3, H, W), one at a time; Cancelled between two.

        Where memory is short a picture is decoded in tiles that overlap by a quarter: it differs a little.
        """
        self.bring()
        latents = (x0.float() / self.scale + self.shift).to(next(self.net.parameters()))
        made = []
        for one in latents.split(1):
            if cancelled():
                raise Cancelled
            whole = not (self.tiles or self._short_of_memory(one))
            made.append(self._decode(one) if whole else decode_in_tiles(self._decode, one, self.factor, cancelled))
        return torch.cat(made)

    def _decode(self, latent: Tensor) -> Tensor:
        picture: Tensor = self.net.decode(latent, return_dict=False)[0]
        return picture.float()

    def _short_of_memory(self, latent: Tensor) -> bool:
        if self.tiny:
            return False
        height, width = (self.factor * side for side in latent.shape[-2:])
        return decodes_in_tiles(latent.device, width, height, self.net.config.block_out_channels[0])

    def preview(self, x0: Tensor) -> Tensor:
        """Return small pictures (B, 3, h, w) in [−1, 1], by the linear map."""
        if self.linear is None:
            return x0[:, :3].clamp(-1, 1)
        factors, bias = x0.new_tensor(self.linear.factors), x0.new_tensor(self.linear.bias)
        return (torch.einsum("bchw,cr->brhw", x0, factors) + bias.view(1, 3, 1, 1)).clamp(-1, 1)

    def latent_shape(self, width: int, height: int) -> tuple[int, ...]:
        return self.channels, height // self.factor, width // self.factor


@dataclass(frozen=True)
class LatentModel:
    """A loaded checkpoint; implements engine.types.Model.

    image    -- (1, C, h, w) → the channels that the net reads besides the state, for a state of that shape; None for a
                usual model
    parts    -- its nets by role
    fitting  -- puts adapters on the nets, which all views of a model share
    adapters -- what this view has on at each call of a net
    """

    id: str
    sha256: str
    codec: KLCodec
    denoiser: NetDenoiser
    schedule: Schedule
    words: ClipWords
    device: torch.device
    compute_dtype: torch.dtype
    micro_batch: int
    bytes: int
    family: Family
    variant: str = ""
    parts: Mapping[str, nn.Module] = field(default_factory=dict, repr=False)
    labels: tuple[str, ...] = ()
    second: None = None
    fitting: Fitting | None = field(default=None, repr=False)
    adapters: tuple[Worn, ...] = ()

    def wearing(self, adapters: tuple[Worn, ...]) -> LatentModel:
        """Return a view of this model on the same nets, which have these adapters on at each call (Fitting.ensure)."""
        if adapters == self.adapters:
            return self
        assert self.fitting is not None
        assert isinstance(self.denoiser.net, Fitted)
        net = Fitted(self.denoiser.net.inner, self.fitting, adapters)
        return replace(self, denoiser=replace(self.denoiser, net=net), adapters=adapters)

    def knowing(self, embeddings: Inversions) -> LatentModel:
        """Return a view of this model on the same nets, whose texts can name these learned words."""
        return replace(self, words=replace(self.words, inversions=embeddings))

    def condition(self, said: Said) -> Cond:
        """Encode what is said of one picture. Raises ModelError for a clip skip that the text encoder does not have."""
        if self.fitting is not None:
            self.fitting.make_ready("text", self.adapters)
        cond = self.words(said)
        if self.variant:
            cond = replace(cond, image=self._image(said))
        return cond.map(lambda value: value.to(self.device))

    def read_picture(self, cond: Cond, picture: Tensor, mask: Tensor | None) -> Cond:
        """Return `cond` with the picture (1, 3, H, W) of an edit, for a net that reads it; else `cond` itself.

        Inpainting (Rombach et al. 2022): the mask (1, 1, H, W), 1 where the picture is made anew, and the latents of
        the picture with grey there. pix2pix (Brooks et al. 2023): the latents without the codec's scale.
        """
        if not self.variant:
            return cond
        with torch.no_grad():
            if self.variant == "pix2pix":
                return replace(cond, image=self.codec.encode(picture) / self.codec.scale)
            new = torch.ones_like(picture[:, :1]) if mask is None else (mask >= 0.5).to(picture)
            kept = self.codec.encode(picture * (1 - new))
        small = torch.nn.functional.interpolate(new, size=kept.shape[-2:])
        return replace(cond, image=torch.cat([small, kept], 1))

    def _image(self, said: Said) -> Tensor:
        """The picture that an inpainting or pix2pix net reads, where there is none: everything is made anew.

        Inpainting: a mask of ones, and the latents of a grey picture in place of the masked one. pix2pix: zeros, which
        stand for no picture (Brooks et al. 2023).
        """
        width, height = said.size or tuple(self.family.sizes["native"][0])
        shape = self.codec.latent_shape(width, height)
        if self.variant == "pix2pix":
            return torch.zeros(1, *shape)
        with torch.no_grad():
            grey = self.codec.encode(torch.zeros(1, 3, height, width, device=self.device))
        return torch.cat([grey.new_ones(1, 1, *shape[1:]), grey], 1)


def load(
    info: ModelInfo,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    report: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> LatentModel:
    """Load the checkpoint of `info` onto `device`, with its net in `dtype`. `report` is called with the share loaded.

    Raises CheckpointError for a file that does not fit, or that lacks a part, and Cancelled between two tensors.
    """
    found = recognise(info.folder, info.config["by_hand"])
    about = family(found.family)
    needed = _needed(found, about, info)
    progress = Progress(sum(_bytes_of(part) for part in needed.values()), report, cancelled)
    away = "offload" in info.saving
    where, wide = (torch.device("cpu"), None) if away else (device, torch.float32)
    unet = load_unet(needed["unet"], about, found.by_hand, where, None if away else dtype, progress)
    codec = load_codec(needed["vae"], about, where, progress, found.by_hand, wide)
    words = load_words(needed, about, where, progress, found.force_zeros, wide)
    schedule = schedules.from_config(info.config["schedule"])
    net = UNet(unet, int(unet.config.in_channels) - codec.channels)  # type: ignore[union-attr, arg-type]
    parts = {"unet": unet, "vae": codec.net}
    encoders = {about.text[k]["part"]: encoder for k, encoder in enumerate(words.encoders)}
    parts |= {part: encoder.net for part, encoder in encoders.items()}
    names = names_of_model(unet, {part: (one.net, one.dropped) for part, one in encoders.items()})
    fitting = Fitting({part: net for part, net in parts.items() if part != "vae"}, names, about.title)
    codec = replace(codec, tiles="tiles" in info.saving)
    if away:
        groups = {"unet": [unet], "vae": [codec.net], "text": [one.net for one in encoders.values()]}
        offload = Offload(groups, device, {"unet": dtype, "vae": torch.float32, "text": torch.float32}, fitting.forget)
        fitting.offload, codec = offload, replace(codec, bring=partial(offload.use, "vae"))
    return LatentModel(
        id=info.id,
        sha256=info.sha256,
        codec=codec,
        denoiser=adapt(Fitted(net, fitting, ()), schedule, found.predicts, dtype),
        schedule=schedule,
        words=words,
        device=device,
        compute_dtype=dtype,
        micro_batch=info.micro_batch,
        bytes=loaded_bytes(info) if away else sum(v.nbytes for part in parts.values() for v in part.parameters()),
        family=about,
        variant=found.variant,
        parts=parts,
        fitting=fitting,
    )


def _needed(found: Found, about: Family, info: ModelInfo) -> dict[str, PartFile]:
    """Return the parts that a model needs, by role; a VAE of its own comes first.

    Raises CheckpointError for a model that cannot be sampled, and names what is missing.
    """
    if not found.loadable:
        raise CheckpointError(f"{found.path} is {found.title}, which this studio cannot load: choose another model.")
    if not found.predicts:
        raise CheckpointError(
            f"Nothing in {found.path} says whether it predicts ε or v: set it with "
            "“run.py models FILE --set predicts=v” or predicts=eps."
        )
    parts = {part.role: part for part in reversed(found.parts)}
    if (own := info.config.get("vae")) is not None:
        vae = recognise(Path(own))
        if vae.role != "vae" or found.family not in vae.families:
            raise CheckpointError(f"{own} is {vae.title}, no VAE for {about.title}: choose another.")
        parts["vae"] = replace(vae.parts[0], role=vae.parts[0].role)
    elif "vae" not in parts and "tiny-vae" in parts:
        parts["vae"] = parts["tiny-vae"]
    if why := why_incomplete(str(found.path), lacks(found), own is not None):
        raise CheckpointError(why)
    return {role: parts[role] for role in ("unet", "vae", *(one["part"] for one in about.text))}


def _bytes_of(part: PartFile) -> int:
    return sum(entry.bytes for name, entry in part.header.tensors.items() if name.startswith(part.prefix))


def load_unet(
    part: PartFile,
    about: Family,
    by_hand: Mapping[str, Any],
    device: torch.device,
    dtype: torch.dtype | None,
    progress: Progress | None = None,
) -> nn.Module:
    """Load a UNet by its own config, or else by that of its family with what the user set.

    dtype -- None: as it is stored
    """
    config = unet_config(part, about, by_hand)
    rename: Rename = lambda name: name  # noqa: E731
    if part.naming == LDM:
        rename = partial(unet_name, layers=int(config["layers_per_block"]))
    tensors = read_tensors(part, rename)
    return fill(lambda: build_unet(config), tensors, part.header.path, about.title, device, dtype, progress)


def load_codec(
    part: PartFile,
    about: Family,
    device: torch.device,
    progress: Progress | None = None,
    by_hand: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = torch.float32,
) -> KLCodec:
    """Load a VAE or a TAESD as the codec of a family, in `dtype`, in its own for None. It computes in float32, since
    half precision overflows.
    """
    own, linear = about.codec, _linear(about)
    if part.role in _TINY_ROLES:
        return load_tiny_codec(part, about, device, progress, dtype)
    config = dict(part.config or about.vae) | dict((by_hand or {}).get("vae", {}))
    rename = partial(vae_name, blocks=len(config["block_out_channels"]))
    tensors = read_tensors(part, rename)
    net = fill(lambda: build_vae(config), tensors, part.header.path, "VAE", device, dtype, progress)
    scale, shift = config.get("scaling_factor") or own["scale"], config.get("shift_factor") or 0.0
    factor = 2 ** (len(config["block_out_channels"]) - 1)
    channels = int(config["latent_channels"])
    if (channels, factor) != (own["channels"], own["factor"]):
        linear = None  # type: ignore[assignment]
    return KLCodec(net, float(scale), float(shift), channels, factor, linear)


def _linear(about: Family) -> Linear:
    return Linear(tuple(map(tuple, about.codec["linear"])), tuple(about.codec["bias"]))


def load_tiny_codec(
    part: PartFile,
    about: Family,
    device: torch.device,
    progress: Progress | None = None,
    dtype: torch.dtype | None = torch.float32,
) -> KLCodec:
    """Load a TAESD, or its decoder and its encoder from two files beside each other."""
    config = dict(part.config) or _TINY
    tensors = read_tensors(part, _NAMES.get(part.role, lambda name: name))
    if part.role != "tiny-vae":  # its other half is a file beside it
        halves = {"tiny-vae-decoder": ("decoder", "encoder"), "tiny-vae-encoder": ("encoder", "decoder")}[part.role]
        beside = part.header.path.with_name(part.header.path.name.replace(*halves))
        if beside == part.header.path or not beside.is_file():
            raise CheckpointError(f"{part.header.path} is one half of TAESD: put the {halves[1]} beside it.")
        other = recognise(beside).parts[0]
        if other.role not in _NAMES or other.role == part.role:
            raise CheckpointError(f"{beside} is not the {halves[1]} of TAESD: get it again.")
        tensors |= read_tensors(other, _NAMES[other.role])
    net = fill(lambda: build_tiny_vae(config), tensors, part.header.path, "TAESD", device, dtype, progress)
    return KLCodec(net, 1.0, channels=4, factor=about.codec["factor"], linear=_linear(about), tiny=True)


def load_preview_codec(path: Path, name: str, device: torch.device) -> KLCodec:
    """Load the TAESD at `path` for previews of the family of that name, in bfloat16 where the device has it.

    Raises CheckpointError for a file that is none for the family.
    """
    found, about = recognise(path), family(name)
    if found.parts[0].role not in _TINY_ROLES or name not in found.families:
        raise CheckpointError(f"{path} is {found.title}, no TAESD for {about.title}: choose another.")
    dtype = torch.bfloat16 if computes_bfloat16(device) else torch.float32
    codec = load_tiny_codec(found.parts[0], about, device, dtype=dtype)
    codec.net.to(memory_format=torch.channels_last)  # a quarter faster on a CPU
    return codec


def load_words(
    parts: Mapping[str, PartFile],
    about: Family,
    device: torch.device,
    progress: Progress | None = None,
    force_zeros: bool | None = None,
    dtype: torch.dtype | None = torch.float32,
) -> ClipWords:
    """Load the text encoders of a family.

    force_zeros -- whether an empty negative prompt is zeros; None: as the family has it
    dtype       -- None: as they are stored
    """
    encoders = []
    for one in about.text:
        part = parts[one["part"]]
        config, net = part.config, one["net"]
        tensors = {}
        for name, value in read_tensors(part).items():
            if progress is not None:
                progress.add(value.nbytes)
            tensors[name] = value.to(device, dtype if value.is_floating_point() else None)
        heads = int(config.get("num_attention_heads", 0))
        layers = int(config.get("num_hidden_layers") or net["layers"])
        quick = (config.get("hidden_act") or net["act"]) == "quick_gelu"
        encoder = read_clip_text(tensors, quick, str(part.header.path), heads, layers)
        encoders.append(Encoder.of(encoder, one))
    return ClipWords(tuple(encoders), about.numbers, about.force_zeros if force_zeros is None else force_zeros)
