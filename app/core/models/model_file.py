"""ModelFile: what the model page shows of one file or folder, read from its header alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.checkpoints.adapters.algebras import KNOWN_ONLY
from engine.checkpoints.adapters.facts import read_facts
from engine.checkpoints.complete import lacks, why_incomplete
from engine.checkpoints.families import families
from engine.checkpoints.folder import model_name
from engine.checkpoints.recognise import Found
from engine.checkpoints.scan import Listed, is_model_file
from engine.errors import one_line
from engine.spec.prompt.named import vectors_in

ROLES = {  # the role of a file (engine.checkpoints.recognise.Found): its title, and the title of many
    "model": ("Checkpoint", "Checkpoints"),
    "adapter": ("LoRA", "LoRAs"),
    "vae": ("VAE", "VAEs"),
    "embedding": ("Embedding", "Embeddings"),
    "text": ("Text encoder", "Text encoders"),
    "control": ("Control net", "Control nets"),
    "upscaler": ("Upscaler", "Upscalers"),
    "unknown": ("Unknown", "Unknown"),
}
FAMILIES = {  # the short name of a family, for its badge
    "sd1": "SD 1", "sd2": "SD 2", "sdxl": "SDXL", "sdxl-refiner": "SDXL refiner", "sd3": "SD 3", "flux": "Flux.1",
    "flux2": "Flux.2", "chroma": "Chroma", "z-image": "Z-Image", "lumina2": "Lumina 2", "qwen-image": "Qwen-Image",
    "krea2": "Krea 2", "pixart": "PixArt", "auraflow": "AuraFlow", "wan": "Wan", "ltx": "LTX",
    "hunyuan-video": "Hunyuan", "cascade": "Cascade", "sd2-unclip": "SD 2 unCLIP", "sd2-x4": "SD 2 ×4",
    "anima": "Anima",
}  # fmt: skip
PREDICTS = {"eps": "ε", "v": "v", "flow": "flow"}
PICTURES = (".preview.png", ".png", ".preview.jpg", ".jpg", ".preview.jpeg", ".jpeg", ".preview.webp", ".webp")
USED = ("model", "adapter", "vae", "embedding")  # roles that a run can use
UNKNOWN = "This file fits no kind of model that is known here. If you know what it is, set it by hand."
LONGEST = 300  # characters of a text from the file's metadata
MOST_WORDS = 50


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file or folder.

    path      -- as it was found
    role      -- a key of ROLES
    family    -- "" where it serves several or none; `serves` are those that it serves
    title     -- what it is, such as “Stable Diffusion 1, inpainting”
    predicts  -- of a checkpoint: "eps", "v", "flow", or "" where nothing says it; `said_by` is what says it
    bytes, changed -- its size on disk, and its time of change in nanoseconds
    sha256    -- of a single file; "" until it is computed
    problem   -- why no run can use it, in one sentence; "" where it can
    nearest   -- for a file that is not recognised: the nearest kinds, one sentence each
    name      -- that its author gave it; "" for none
    licence   -- that its author gave it; "" for none
    words     -- of an adapter: the words that call it in a prompt
    preview   -- the picture beside it
    by_hand   -- what the user set
    unknown   -- whether it can be read and is not recognised
    missing   -- whether it is no longer where it was
    lacks     -- of a checkpoint: the parts that it lacks, keys of engine.checkpoints.complete.TITLES
    vectors   -- of an embedding: the tokens that it takes
    """

    path: Path
    role: str = "unknown"
    family: str = ""
    serves: tuple[str, ...] = ()
    title: str = ""
    predicts: str = ""
    said_by: str = ""
    bytes: int = 0
    changed: int = 0
    sha256: str = ""
    problem: str = ""
    nearest: tuple[str, ...] = ()
    name: str = ""
    licence: str = ""
    words: tuple[str, ...] = ()
    preview: Path | None = None
    by_hand: Mapping[str, Any] = field(default_factory=dict)
    unknown: bool = False
    missing: bool = False
    lacks: tuple[str, ...] = ()
    vectors: int = 0

    @property
    def single(self) -> bool:
        """Whether it is a single file, not a folder."""
        return is_model_file(self.path)

    @property
    def stem(self) -> str:
        """Its name."""
        return self.path.stem if self.single else model_name(self.path)

    @property
    def usable(self) -> bool:
        """Whether a run can use it."""
        return not self.problem and not self.missing

    @property
    def badge(self) -> str:
        """Its family in a word or two; "" where it is not known."""
        if self.family:
            return FAMILIES.get(self.family, self.family)
        return " · ".join(FAMILIES.get(name, name) for name in self.serves[:2]) + (" …" if len(self.serves) > 2 else "")

    @property
    def text(self) -> str:
        """All words by which a search finds it, in lower case."""
        kind = ROLES[self.role][0]
        return "\n".join((self.path.name, self.name, self.title, self.badge, kind, *self.words)).lower()


def describe(listed: Listed, by_hand: Mapping[str, Any], sha256: str = "") -> ModelFile:
    """Return what the page shows of a file. Raises OSError where it is gone."""
    path, found = listed.path, listed.found
    changed, size = stamp(path)
    made = ModelFile(path, changed=changed, sha256=sha256, by_hand=dict(by_hand), preview=preview_of(path))
    if found is None:
        problem = UNKNOWN if listed.unknown else one_line(listed.problem, 1000)
        return replace(made, bytes=size, problem=problem, nearest=listed.nearest, unknown=listed.unknown)
    metadata = found.metadata
    facts = read_facts(metadata)
    return replace(
        made,
        role=found.role,
        family=found.family,
        serves=found.families,
        title=found.title,
        predicts=found.predicts,
        said_by=found.said_by,
        bytes=size or found.bytes,
        problem=_problem(found),
        name=one_line(facts.title, LONGEST),
        licence=one_line(metadata.get("modelspec.license", "").strip(), LONGEST),
        words=_words(found, facts.triggers),
        lacks=lacks(found),
        vectors=vectors_in(found.parts[0].header) if found.role == "embedding" else 0,
    )


def stamp(path: Path) -> tuple[int, int]:
    """Return the time of change in nanoseconds and the size; of a folder the latest time of its own folders and 0.

    Raises OSError where it is gone.
    """
    about = path.stat()
    if not path.is_dir():
        return about.st_mtime_ns, about.st_size
    inside = [one.stat().st_mtime_ns for one in os.scandir(path) if one.is_dir()]
    return max([about.st_mtime_ns, *inside]), 0


def _problem(found: Found) -> str:
    if found.role == "model":
        if not found.loadable:
            return f"{found.title} cannot be sampled here yet: use a checkpoint of {_names()}."
        if not found.predicts:
            return "Nothing in the file says whether it predicts ε or v: set it by hand."
        missing = lacks(found)
        return why_incomplete("This checkpoint", missing, other_vae=missing == ("vae",))  # which can be chosen
    if found.role not in USED:
        return f"{found.title} cannot be used here yet."
    if found.adapter is not None and found.adapter.families and not found.adapter.loadable:
        return f"{found.title}: the studio cannot use it, because it loads no model of that family."
    if found.adapter is not None and found.adapter.sort in KNOWN_ONLY:
        return f"{found.adapter.sort} is not applied here."
    return ""  # one of a family that is not known may fit a checkpoint with sizes of its own


def _words(found: Found, triggers: tuple[str, ...]) -> tuple[str, ...]:
    return triggers[:MOST_WORDS] if found.role == "adapter" else ()


def _names() -> str:
    titles = [family.title for family in families().values()]
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


def preview_of(path: Path) -> Path | None:
    """Return the picture beside a model: of the same name, or “preview.png” in a folder; None for none."""
    if path.is_dir():
        beside = [path / f"preview{ending}" for ending in (".png", ".jpg", ".webp")]
    else:
        beside = [path.with_name(path.stem + ending) for ending in PICTURES]
    return next((one for one in beside if os.path.isfile(one)), None)


def to_json(file: ModelFile) -> dict[str, Any]:
    """A table for JSON; what has its default is left out."""
    table: dict[str, Any] = {}
    for name in ModelFile.__dataclass_fields__:
        value = getattr(file, name)
        if isinstance(value, Path):
            value = os.fspath(value)
        if isinstance(value, tuple):
            value = list(value)
        if value or name == "path":
            table[name] = value
    return table


def from_json(table: Mapping[str, Any]) -> ModelFile:
    """The inverse of to_json(). Raises KeyError, TypeError and ValueError for a damaged table."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "serves": list, "nearest": list, "words": list, "lacks": list, "bytes": int, "changed": int, "missing": bool,
        "by_hand": dict, "unknown": bool, "vectors": int,
    }  # fmt: skip
    values: dict[str, Any] = {}
    for name in ModelFile.__dataclass_fields__:
        if name not in table:
            continue
        value = table[name]
        if not isinstance(value, kinds.get(name, str)):
            raise TypeError(f"“{name}” of a model is damaged")
        values[name] = tuple(map(str, value)) if isinstance(value, list) else value
    if values.get("role", "unknown") not in ROLES:
        raise ValueError("the role of a model is damaged")
    preview = values.pop("preview", None)
    return ModelFile(**values | {"path": Path(values["path"]), "preview": None if preview is None else Path(preview)})
