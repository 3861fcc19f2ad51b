"""Say what a checkpoint is, from its header alone: role, family, variant, prediction, parts. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.checkpoints.adapters.recognise import Adapter, find_adapter
from engine.checkpoints.errors import CheckpointError, UnknownCheckpoint
from engine.checkpoints.families import families
from engine.checkpoints.folder import INDEX, Component, read_component, read_pipeline
from engine.checkpoints.header import Header, read_header
from engine.checkpoints.kinds import DIFFUSERS, KINDS, TRANSFORMERS, Kind, Part, nearest, parts_of
from engine.errors import one_line, why

VARIANTS = {4: "", 9: "inpainting", 8: "pix2pix", 5: "depth"}  # by the channels of a UNet's input
LOADED = ("", "inpainting", "pix2pix")  # variants that can be sampled
ROLES = {  # the role of a file, by that of its first part
    "unet": "model", "transformer": "model", "control": "control", "vae": "vae", "tiny-vae": "vae",
    "tiny-vae-decoder": "vae", "tiny-vae-encoder": "vae", "text": "text", "embedding": "embedding",
    "image-prompt": "control", "t2i": "control", "clip-vision": "text", "upscaler": "upscaler",
}  # fmt: skip
_MODEL_ROLES = ("unet", "transformer")
_OTHERS = {  # tensors that say that a file is of another sort, though its nets fit a row
    "edm_mean": "Playground 2.5, whose noise schedule is not known here",
    "edm_vpred.sigma_max": "CosXL, whose noise schedule is not known here",
}
_CLASSES = {  # of diffusers and transformers: their role, the convention of their names
    "UNet2DConditionModel": ("unet", DIFFUSERS), "AutoencoderKL": ("vae", DIFFUSERS),
    "AutoencoderTiny": ("tiny-vae", DIFFUSERS), "ControlNetModel": ("control", DIFFUSERS),
    "CLIPTextModel": ("text", TRANSFORMERS), "CLIPTextModelWithProjection": ("text", TRANSFORMERS),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PartFile:
    """A part of a model and where its tensors are.

    role   -- "unet", "vae", "text" (the first text encoder), "text_2", "tiny-vae" …
    title  -- what it is, for the user
    naming -- the convention of its tensors' names
    prefix -- what its names begin with in the file
    count  -- the number of its tensors
    config -- its config.json in a diffusers folder; {} in a single file
    """

    role: str
    title: str
    naming: str
    header: Header = field(repr=False)
    prefix: str = ""
    count: int = 0
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What a checkpoint is.

    role     -- "model", "vae", "adapter", "control", "text", "embedding", "upscaler"
    family   -- "" where it serves several or none; `families` are those that it can serve
    title    -- for the user, such as “Stable Diffusion 1, inpainting”
    variant  -- of a model: "", "inpainting", "pix2pix", "depth" or the number of its channels
    predicts -- of a model: "eps", "v", "flow", or "" where nothing says it and the user must
    said_by  -- what says it: a tensor, a metadata entry, a config, the user, or the family
    zero_snr -- whether its schedule ends in pure noise (Lin et al. 2024)
    parts    -- its parts, the net first
    schedule -- of a diffusers folder: what its scheduler says; {} for the family's own
    force_zeros -- of a diffusers folder: whether an empty negative prompt is zeros; None for the family's own
    by_hand  -- what the user set
    """

    path: Path
    role: str
    family: str
    families: tuple[str, ...]
    title: str
    variant: str = ""
    predicts: str = ""
    said_by: str = ""
    zero_snr: bool = False
    parts: tuple[PartFile, ...] = ()
    adapter: Adapter | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    schedule: Mapping[str, Any] = field(default_factory=dict, repr=False)
    force_zeros: bool | None = None
    by_hand: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def part(self, role: str) -> PartFile | None:
        """The part of that role, None without one."""
        return next((part for part in self.parts if part.role == role), None)

    @property
    def bytes(self) -> int:
        """The bytes of all tensors of its files."""
        return sum(header.bytes for header in {id(part.header): part.header for part in self.parts}.values())

    @property
    def loadable(self) -> bool:
        """Whether this studio can sample it."""
        return self.role == "model" and self.family in families() and self.variant in LOADED


def recognise(path: Path, by_hand: Mapping[str, Any] | None = None, variant: str | None = None) -> Found:
    """Say what the file or the diffusers folder at `path` is.

    by_hand -- what the user set for it: "family", "predicts", "zero_snr", "unet" and "vae" (arguments that replace
               those of the family), each optional
    variant -- of a folder's weights, such as "fp16"

    Raises PickleError for a pickle, UnknownCheckpoint for a file that fits no row of KINDS, and CheckpointError for one
    that cannot be read.
    """
    by_hand = by_hand or {}
    try:
        whole = path.is_dir()
        found = _folder(path, by_hand, variant) if whole else _file(path, read_header(path), by_hand)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    return _with_prediction(found)


def _file(path: Path, header: Header, by_hand: Mapping[str, Any]) -> Found:
    rows = KINDS
    if "family" in by_hand:
        rows = tuple(_relaxed(kind) for kind in KINDS if by_hand["family"] in kind.families)
    found = parts_of(header, rows)
    if not found:
        if (adapter := find_adapter(header)) is not None:
            return _adapter(path, header, adapter)
        if (embedding := _embedding(path, header)) is not None:
            return embedding
        raise _unknown(path, header)
    found.sort(key=lambda part: part.kind.role not in _MODEL_ROLES)
    first = found[0].kind
    served = first.families
    family = by_hand.get("family", served[0] if len(served) == 1 else "")
    variant = _variant(header, found[0]) if first.role == "unet" else ""
    title = f"{first.title}, {variant}" if variant else first.title
    for name, what in _OTHERS.items():
        if name in header.tensors and first.role == "unet":
            family, title = "", f"{first.title}: {what}"
    if first.role not in _MODEL_ROLES:
        found = [part for part in found if part.kind.role == first.role]
    parts = tuple(_part_file(part, header) for part in found)
    return Found(
        path, ROLES[first.role], family, served, title, variant, parts=parts, metadata=header.metadata, by_hand=by_hand
    )


def _part_file(part: Part, header: Header) -> PartFile:
    """The part of a single file; in Stable Diffusion XL's files the second text encoder has open_clip's names."""
    kind, role = part.kind, part.kind.role
    if role == "text" and ("sdxl" in kind.families or "sdxl-refiner" in kind.families) and "bigG" in kind.title:
        role = "text_2"
    if role == "text" and "T5" in kind.title:
        role = "text_3"
    return PartFile(role, kind.title, kind.naming, header, part.prefix, part.count)


def _relaxed(kind: Kind) -> Kind:
    """The row with its first tensor alone, of any shape: for files whose family the user has set."""
    return replace(kind, has={next(iter(kind.has)): None}, lacks=())


def _variant(header: Header, part: Part) -> str:
    """The variant of a UNet, by the channels of its input."""
    shape = header.shape(part.prefix + next(iter(part.kind.has)))
    channels = shape[1] if shape is not None and len(shape) == 4 else 0
    return VARIANTS.get(channels, f"{channels} channels")


def _adapter(path: Path, header: Header, adapter: Adapter) -> Found:
    part = PartFile("adapter", adapter.sort, "", header, "", adapter.mapped)
    family = adapter.family if len(adapter.families) == 1 else ""
    return Found(
        path,
        "adapter",
        family,
        adapter.families,
        adapter.title,
        parts=(part,),
        adapter=adapter,
        metadata=header.metadata,
    )


def _embedding(path: Path, header: Header) -> Found | None:
    """A textual inversion that names its one tensor by its word, as diffusers writes it."""
    if len(header.tensors) != 1:
        return None
    ((name, entry),) = header.tensors.items()
    family = {768: "sd1", 1024: "sd2"}.get(entry.shape[-1] if entry.shape else 0, "")
    rows = entry.shape[0] if len(entry.shape) == 2 else 1
    if not family or len(entry.shape) > 2 or rows > 75 or not name.startswith("<"):
        return None
    title = f"textual inversion for {families()[family].title}"
    part = PartFile("embedding", title, DIFFUSERS, header, "", 1)
    return Found(path, "embedding", family, (family,), title, parts=(part,), metadata=header.metadata)


def _unknown(path: Path, header: Header) -> UnknownCheckpoint:
    near = nearest(header)
    if near:
        told = f"the nearest is {near[0]}"
    else:
        told = f"its first tensors are {', '.join(one_line(name, 60) for name in list(header.tensors)[:3]) or 'none'}."
    return UnknownCheckpoint(
        f"{path} fits no kind of model that is known here; {told} If you know what it is, set it: "
        "“run.py models FILE --set family=…”.",
        near,
    )


def _folder(path: Path, by_hand: Mapping[str, Any], variant: str | None) -> Found:
    if not (path / INDEX).is_file():
        return _single_component(path, by_hand, variant)
    cls, components, force_zeros = read_pipeline(path, variant)
    parts = []
    for name, component in components.items():
        role, naming = _CLASSES.get(component.cls, ("", ""))
        if role and component.header is not None:
            role = "text_2" if name == "text_encoder_2" else role
            parts.append(_component_part(role, naming, component))
    parts.sort(key=lambda part: part.role not in _MODEL_ROLES)
    unet = components.get("unet")
    if not parts or parts[0].role != "unet" or unet is None:
        raise UnknownCheckpoint(
            f"{path} is a diffusers model of the class “{one_line(cls, 60)}”, which this studio cannot open yet."
        )
    family = by_hand.get("family") or _pipeline_family(cls, components)
    channels = unet.config.get("in_channels", 4)
    kind = VARIANTS.get(channels, f"{channels} channels") if isinstance(channels, int) else "unknown channels"
    name = families()[family].title if family in families() else family
    scheduler = components["scheduler"].config if "scheduler" in components else {}
    title = f"{name}, {kind}" if kind else name
    return Found(
        path,
        "model",
        family,
        (family,),
        title,
        kind,
        parts=tuple(parts),
        schedule=dict(scheduler),
        by_hand=by_hand,
        force_zeros=force_zeros,
    )


def _single_component(path: Path, by_hand: Mapping[str, Any], variant: str | None) -> Found:
    """The folder of one component: a VAE, a UNet, a ControlNet alone."""
    component = read_component(path, path.name, variant=variant)
    if component.header is None:
        raise UnknownCheckpoint(f"{path} holds no model: choose a .safetensors file or a diffusers folder.")
    found = _file(path, component.header, by_hand)
    return replace(found, parts=tuple(replace(part, config=component.config) for part in found.parts))


def _component_part(role: str, naming: str, component: Component) -> PartFile:
    assert component.header is not None
    count = len(component.header.tensors)
    return PartFile(role, component.cls, naming, component.header, "", count, component.config)


def _pipeline_family(cls: str, components: Mapping[str, Component]) -> str:
    """The family of a pipeline: XL and its refiner by their second text encoder, 1 and 2 by the first one's
    activation.
    """
    if "text_encoder_2" in components:
        return "sdxl" if "text_encoder" in components else "sdxl-refiner"
    text, unet = components.get("text_encoder"), components["unet"]
    if not cls.startswith(("StableDiffusion", "LatentConsistency")) or unet.config.get("addition_embed_type"):
        return ""
    act = None if text is None else text.config.get("hidden_act")
    if act is None:
        return "sd2" if unet.config.get("cross_attention_dim") == 1024 else "sd1"
    return "sd2" if act == "gelu" else "sd1"


def _with_prediction(found: Found) -> Found:
    """Add what a model predicts: said by the user, a tensor, the metadata, the scheduler's config, or the family."""
    if found.role != "model":
        return found
    zero = bool(found.by_hand.get("zero_snr", False))
    header = found.parts[0].header
    zero = zero or "ztsnr" in header.tensors or found.schedule.get("rescale_betas_zero_snr") is True
    zero = zero or found.metadata.get("ss_zero_terminal_snr") == "True"
    predicts, said_by = _prediction(found, header)
    return replace(found, predicts=predicts, said_by=said_by, zero_snr=zero)


def _prediction(found: Found, header: Header) -> tuple[str, str]:
    words = {"v": "v", "v_prediction": "v", "epsilon": "eps", "eps": "eps"}
    if (own := found.by_hand.get("predicts")) in ("eps", "v"):
        return own, "the user"
    if found.parts[0].role == "transformer":
        return "flow", "the family"
    if "v_pred" in header.tensors:
        return "v", "its tensor “v_pred”"
    for key in ("modelspec.prediction_type", "modelspec.predict_key"):
        if (said := words.get(found.metadata.get(key, ""))) is not None:
            return said, f"its metadata “{key}”"
    if (flag := found.metadata.get("ss_v_parameterization")) in ("True", "False"):
        return "v" if flag == "True" else "eps", "its metadata “ss_v_parameterization”"
    if found.metadata.get("modelspec.architecture", "").endswith("768-v"):
        return "v", "its metadata “modelspec.architecture”"
    if (said := words.get(str(found.schedule.get("prediction_type")))) is not None:
        return said, "its scheduler's config"
    if found.family in families() and (own := families()[found.family].prediction(found.variant)):
        return own, "the family"
    return "", ""
