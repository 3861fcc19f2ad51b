"""Whether a checkpoint can use an adapter: the window, the commands and the loader all ask here. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.checkpoints.adapters.fit import Fit
from engine.checkpoints.adapters.names import Names, names_of
from engine.checkpoints.adapters.recognise import find_adapter, fit_to
from engine.checkpoints.families import Family, family
from engine.checkpoints.header import Header, read_header
from engine.checkpoints.kinds import LDM
from engine.checkpoints.recognise import Found, PartFile

_EMBEDDING = "token_embedding.weight"
_FIRST = ("layers.0.mlp.fc1.weight", "resblocks.0.mlp.c_fc.weight")  # whose first side is the width of the MLP
_EACH = (".mlp.fc1.weight", ".mlp.c_fc.weight")  # one a layer


def why_not(path: Path, names: Names, title: str, subject: str = "It") -> str:
    """Say in one sentence why a model cannot use the adapter at `path`; "" where it can.

    names, title -- the model's modules, and the title of its family
    subject      -- the sentence's first words

    Raises CheckpointError for a file that cannot be read.
    """
    header = read_header(path)
    return why_unfit(header, fit_to(header, names), title, subject)


def why_unfit(header: Header, fit: Fit, title: str, subject: str = "It") -> str:
    """Say why an adapter that fits a model so is not applied: it is of another family, or some of its tensors do not
    fit. "" where all do.
    """
    if fit.whole:
        return ""
    own = find_adapter(header)
    if own is None:
        return f"{subject} is no adapter: choose a LoRA, LoHa, LoKr or DoRA."
    if own.mapped > fit.mapped and title not in own.titles:
        return f"{subject} is a {own.title}, and this model is {title}: choose an adapter for {title}."
    return f"{subject} does not fit this model ({title}): {fit.why_not()}. Choose another, or get the whole file again."


def names_of_checkpoint(found: Found) -> Names:
    """Return the modules of a checkpoint by its own sizes, which may not be those of its family.

    Raises CheckpointError for a family that cannot be loaded.
    """
    about = family(found.family)
    unet = next((part for part in found.parts if part.role == "unet"), None)
    texts = {}
    for one in about.text:
        part = found.part(one["part"])
        net = one["net"] if part is None else _text_sizes(part, one["net"])
        texts[one["part"]] = {**net, "dropped": one.get("dropped", 0)}
    return names_of(about.unet if unet is None else unet_config(unet, about, found.by_hand), texts)


def unet_config(part: PartFile, about: Family, by_hand: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a checkpoint's UNet: its own config, or that of its family, with what the user set."""
    config = dict(part.config or about.unet) | dict(by_hand.get("unet", {}))
    first = part.header.shape(part.prefix + ("input_blocks.0.0.weight" if part.naming == LDM else "conv_in.weight"))
    if first is not None and len(first) == 4:
        config["in_channels"] = first[1]
    return config


def _text_sizes(part: PartFile, published: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes of a text encoder by the shapes of its tensors (as engine.models.clip_text reads them)."""
    shapes = {
        name[len(part.prefix) :]: entry.shape
        for name, entry in part.header.tensors.items()
        if name.startswith(part.prefix)
    }

    def side(endings: tuple[str, ...], axis: int, otherwise: int) -> int:
        found = next((shape for name, shape in shapes.items() if name.endswith(endings) and len(shape) == 2), None)
        return otherwise if found is None else found[axis]

    layers = sum(name.endswith(_EACH) for name in shapes)
    most = int(part.config.get("num_hidden_layers") or published["layers"])
    projection = shapes.get("text_projection.weight") or shapes.get("text_projection", ())[::-1]  # as open_clip has it
    return {
        "width": side((_EMBEDDING,), 1, int(published["width"])),
        "mlp": side(_FIRST, 0, int(published["mlp"])),
        "layers": min(layers, most) or int(published["layers"]),
        "projection": projection[0] if projection else 0,
    }
