"""From another studio's settings to a Draft: the models and LoRAs that are here, the names of ours, what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.checkpoints.adapters.files import AdapterFiles, Match
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.recognise import recognise
from engine.errors import one_line
from engine.pictures.foreign.settings import SHORT, ForeignFile, ForeignLora, ForeignSettings, file_of
from engine.spec.adapter import MAX_ADAPTERS, MAX_STRENGTH, AdapterUse
from engine.spec.catalog import ModelInfo
from engine.spec.draft import LIMITS, Draft, outline
from engine.spec.foreign_samplers import FOREIGN, parse, parse_spacing, plain
from engine.spec.limits import MAX_NAME
from engine.spec.prompt.choices import plain as without_choices
from engine.spec.request import MAX_TEXT
from engine.spec.sizes import named
from engine.spec.vae import VaeUse
from engine.spec.validation import RequestError

MOST_NAMED = 6  # things in one list of a sentence
LONGEST = 690  # characters of a notice
TITLES = {  # of a Draft's fields
    "prompt": "prompt",
    "negative": "negative prompt",
    "adapters": "LoRAs",
    "vae": "VAE",
    "sampler": "sampler",
    "spacing": "schedule",
    "steps": "steps",
    "guidance": "guidance",
    "distilled": "distilled guidance",
    "clip_skip": "clip skip",
    "width": "size",
    "strength": "strength",
    "seed": "seed",
}
SEED = "The same seed draws other noise here."


@dataclass(frozen=True, slots=True)
class FoundLoras:
    """LoRAs of a picture: those that are here, those that are not, and sentences on files that are not the same."""

    uses: tuple[AdapterUse, ...] = ()
    missing: tuple[ForeignLora, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundVae:
    """The VAE of a picture that is here, the families that it serves, and a sentence where it is another file."""

    use: VaeUse
    families: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """Another studio's settings as a Draft.

    program -- its name
    draft   -- for the named model, or for the given one where that is not here
    taken   -- names of the settings that were taken
    differs -- sentences on what is not as in the picture
    missing -- the model, the VAE and LoRAs that are not here
    unused  -- names of settings that have no counterpart here
    instead -- the model that is used in place of a missing one; "" where none is missing
    """

    program: str
    draft: Draft
    taken: tuple[str, ...]
    differs: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    instead: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person should know, the most important first."""
        taken = [title for name, title in TITLES.items() if name in self.taken]
        made = [f"This picture was made with {self.program}."]
        if taken:
            *first, last = taken
            made = [f"Made with {self.program}: its {', '.join(first)}{' and ' if first else ''}{last} can be used."]
        if self.missing:
            instead = f"; {self.instead} is used instead" if self.instead else ""
            made.append(f"Not here: {listed(self.missing)}{instead}.")
        if self.unused:
            made.append(f"Not used: {listed(self.unused)}.")
        return (*made, *self.differs)

    @property
    def notice(self) -> str:
        """The sentences that fit a notice, what is of one kind on one line."""
        lines: list[str] = []
        room = LONGEST
        for sentence in self.sentences:
            if len(sentence) < room:
                room -= len(sentence) + 1
                if sentence in self.differs and lines and self.differs[0] in lines[-1]:
                    lines[-1] += f" {sentence}"
                else:
                    lines.append(sentence)
        return "\n".join(lines)


def find_loras(loras: Sequence[ForeignLora], files: AdapterFiles) -> FoundLoras:
    """Find LoRAs by hash or name among the user's. Reads a file once, for its hash. Raises nothing."""
    uses: dict[str, AdapterUse] = {}
    missing, notes = [], []
    for lora in loras[:MAX_ADAPTERS]:
        try:
            here = files.named(lora.file.name, lora.file.sha256)
        except (CheckpointError, OSError):
            here = None
        if here is None:
            missing.append(lora)
            continue
        name, digest = here.name, here.sha256
        if not here.same:
            notes.append(_another_file("LoRA", here, lora.file))
        net, text = (min(max(value, -MAX_STRENGTH), MAX_STRENGTH) for value in (lora.strength, lora.text_strength))
        uses[digest] = AdapterUse(name=name, sha256=digest, strength=net, text_strength=text)
    return FoundLoras(tuple(uses.values()), tuple(missing), tuple(notes))


def find_vae(file: ForeignFile | None, files: AdapterFiles) -> FoundVae | None:
    """Find a picture's VAE by hash or name among the user's; None where it names none or it is not here.

    Reads a file once, for its hash. Raises nothing.
    """
    if file is None:
        return None
    try:
        here = files.named(file.name, file.sha256)
        found = None if here is None else recognise(here.path)
    except (CheckpointError, OSError):
        return None
    if here is None or found is None or found.role != "vae":
        return None
    note = "" if here.same else _another_file("VAE", here, file)
    return FoundVae(VaeUse(name=here.name[:MAX_NAME], sha256=here.sha256), found.families, note)


def _another_file(what: str, here: Match, wanted: ForeignFile) -> str:
    return f"The {what} “{here.name}” here is another file ({here.sha256[:SHORT]}, not {wanted.sha256})."


def adopt(
    found: ForeignSettings,
    models: Iterable[ModelInfo],
    otherwise: ModelInfo,
    loras: FoundLoras | None = None,
    vae: FoundVae | None = None,
) -> Adopted:
    """Make a Draft of another studio's settings. Settings that it does not name are the model's defaults.

    models    -- those that are here
    otherwise -- the model to use where the picture's one is not among them
    loras     -- of find_loras(); None: nobody looked, so all of them are missing
    vae       -- of find_vae()
    """
    loras = loras or FoundLoras(missing=found.loras)
    info, same = _model(found.model, models)
    missing: list[str] = []
    instead = ""
    differs = [*found.notes, *loras.notes]
    if info is None:
        info = otherwise
        if found.model is not None:
            missing.append(f"the model {found.model.title}")
            instead = info.title
    elif not same and found.model is not None:
        differs.append(f"The model “{info.title}” here has another hash than the picture's, {found.model.sha256}.")
    missing += [f"the LoRA {lora.file.title}" for lora in loras.missing]
    if found.vae is not None and vae is None and "vae" in info.takes:
        missing.append(f"the VAE {found.vae.title}")
    made = _Choices(info, [*found.unused], differs, {})
    made.texts(found)
    made.sampling(found)
    made.numbers(found)
    made.size(found)
    made.loras(loras)
    made.vae(found.vae, vae)
    made.rest(found)
    if found.seed is not None:
        made.differs.append(SEED)
    draft = Draft.for_model(info, **made.chosen)
    try:
        outline(draft, info)
    except RequestError as error:
        made.differs.append(str(error))
    return Adopted(
        found.program,
        draft,
        tuple(
            name for name in made.chosen if name != "width" or found.size == (made.chosen[name], made.chosen["height"])
        ),
        _unique(made.differs),
        tuple(one_line(one, 120) for one in missing),
        _unique(made.unused),
        instead,
    )


def listed(names: Sequence[str]) -> str:
    """Join names for a sentence, the first MOST_NAMED of them."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclass(slots=True)
class _Choices:
    """Collects the choices for a Draft of `info`; what does not fit goes to `unused` and `differs`."""

    info: ModelInfo
    unused: list[str]
    differs: list[str]
    chosen: dict[str, Any]

    def texts(self, found: ForeignSettings) -> None:
        for name, words in (("prompt", "text"), ("negative", "negative prompt")):
            value = getattr(found, name)
            if not value:
                continue
            if ("text" if name == "prompt" else "negative") not in self.info.takes:
                self.differs.append(f"{self.info.title} takes no {words}.")
                continue
            value = without_choices(value)
            if len(value) > MAX_TEXT:
                value = value[:MAX_TEXT]
                self.differs.append(f"Its {name} is cut after {MAX_TEXT} characters.")
            self.chosen[name] = value

    def sampling(self, found: ForeignSettings) -> None:
        """The sampler and the grid; a name of a sampler may hold one."""
        if found.sampler:
            try:
                read = parse(found.sampler, found.names)
            except RequestError:
                self.unused.append(f"the sampler {one_line(found.sampler, 60)}")
            else:
                self.chosen |= {"sampler": read.sampler, "options": read.options}
                if read.spacing is not None:
                    self.chosen["spacing"] = read.spacing
                self.differs += _differences(found.sampler, found.names)
        if found.grid:
            try:
                self.chosen["spacing"] = parse_spacing(found.grid)
            except RequestError:
                self.unused.append(f"the schedule {one_line(found.grid, 60)}")

    def numbers(self, found: ForeignSettings) -> None:
        """Steps, guidance, seed and clip skip, where they are possible."""
        titles = {"steps": "steps", "guidance": "guidance", "seed": "seed", "clip_skip": "clip skip",
                  "distilled": "distilled guidance"}  # fmt: skip
        for name, title in titles.items():
            value, (low, high) = getattr(found, name), LIMITS[name]
            if value is None:
                continue
            if name in ("clip_skip", "distilled") and name not in self.info.takes:
                self.unused.append(title)
            elif not low <= value <= high:
                self.differs.append(f"Its {title}, {value:g}, is not possible here.")
            else:
                self.chosen[name] = value

    def size(self, found: ForeignSettings) -> None:
        if found.size is None:
            return
        sizes = self.info.sizes
        fits = found.size if sizes.fits(found.size) else sizes.nearest(found.size)
        if fits != found.size:
            factor = 1 if self.info.cascade is None else int(self.info.cascade["net"]["factor"])
            made = named([(factor * fits[0], factor * fits[1])])
            self.differs.append(f"{self.info.title} makes {made} pixels, not {named([found.size])}.")
        self.chosen |= {"width": fits[0], "height": fits[1]}

    def loras(self, loras: FoundLoras) -> None:
        if not loras.uses:
            return
        if "adapters" in self.info.takes:
            self.chosen["adapters"] = loras.uses
        else:
            self.differs.append(f"{self.info.title} takes no LoRA.")

    def vae(self, wanted: ForeignFile | None, found: FoundVae | None) -> None:
        """The picture's VAE, as it is named there and as it was found here."""
        if wanted is None:
            return
        if "vae" not in self.info.takes:
            self.unused.append(f"the VAE {wanted.title}")
        elif found is not None and self.info.config.get("family") in found.families:
            self.chosen["vae"] = found.use
            self.differs.append(found.note)
        elif found is not None:
            self.differs.append(f"Its VAE “{found.use.name}” does not fit {self.info.title}.")

    def rest(self, found: ForeignSettings) -> None:
        """A second pass, and the picture that this one was made from."""
        if found.hires is not None:
            how = f" {found.hires.factor:g}×" if found.hires.factor else ""
            if found.hires.size is not None:
                how = f" to {named([found.hires.size])}"
            self.unused.insert(0, f"Hires upscale{how}" if found.program != "ComfyUI" else f"a second pass{how}")
        if found.strength is not None and found.strength > 0:
            self.chosen["strength"] = found.strength
            self.differs.append(
                f"It was made from another picture, with strength {found.strength:.2g}, and that is not in the file."
            )


def _model(file: ForeignFile | None, models: Iterable[ModelInfo]) -> tuple[ModelInfo | None, bool]:
    """Return the model with a file's hash, else the one with its name; and whether nothing speaks against it."""
    if file is None:
        return None, True
    here = list(models)
    if file.sha256:
        for info in here:
            if info.sha256.startswith(file.sha256):
                return info, True
    for info in here:
        if (key := _key(file.name)) and key in _keys(info):
            return info, not (file.sha256 and info.sha256)
    return None, True


def _keys(info: ModelInfo) -> set[str]:
    files = (file_of(name) for name in (info.id, info.title, info.folder.name))
    return {_key(file.name) for file in files if file is not None}


def _key(name: str) -> str:
    """Return a name without case, signs and spaces."""
    return re.sub(r"[\W_]", "", name.casefold())


def _differences(sampler: str, program: str) -> list[str]:
    """Say in what a sampler of another studio is not the one here."""
    for entry in FOREIGN:
        if entry.differs and any(plain(sampler) == plain(name) for name in entry.names.get(program, "").split("|")):
            return [f"{sampler} is not quite the same here: {entry.differs}."]
    return []


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_line(text, 300) for text in texts if text))
