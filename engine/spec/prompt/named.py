"""Find what a prompt names among the user's files: textual inversions by their words, LoRAs by their tags. No torch."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from engine.checkpoints.adapters.facts import read_facts
from engine.checkpoints.adapters.recognise import find_adapter
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.header import Header, read_header
from engine.checkpoints.scan import ENDINGS, places
from engine.checkpoints.settings import load as load_settings
from engine.errors import one_line
from engine.spec.adapter import AdapterUse
from engine.spec.embedding import EmbeddingUse
from engine.spec.prompt.tags import Tag, tags_in, without_tags
from engine.spec.validation import RequestError

F = TypeVar("F")

MAX_VECTORS = 75  # of an embedding
NEAREST = 3  # names in a sentence


class Finder(Protocol):
    """Finds the files that a prompt names. A Request names them by their hashes."""

    def embeddings_in(self, texts: Iterable[str]) -> tuple[EmbeddingUse, ...]:
        """Return the embeddings that texts name, sorted by name. A name is that of a file, in any case, as a whole
        word; of two files with one name the first one counts.
        """

    def lora_of(self, tag: Tag) -> AdapterUse:
        """Return the adapter that a tag names: by the name of its file, else by the name in the file's metadata.

        Raises RequestError for a name that is not here, with the nearest ones.
        """


class Named(NamedTuple):
    """The prompt without tags, the adapters with those of the tags, and the embeddings that both texts name."""

    prompt: str
    adapters: tuple[AdapterUse, ...]
    embeddings: tuple[EmbeddingUse, ...]


def find_named(prompt: str, negative: str, worn: tuple[AdapterUse, ...], finder: Finder) -> Named:
    """Find what a prompt and a negative prompt name, beside the adapters `worn`.

    The text decides the strengths of an adapter that is there already; of two tags with one name the last one counts.
    Raises RequestError for a tag in the negative prompt, for a hypernetwork, and for what `finder` does not find.
    """
    if tags := tags_in(negative):
        raise RequestError(f"<lora:{tags[0].name}> has no effect in the negative prompt: write it in the prompt.")
    uses = {use.sha256: use for use in worn}
    for tag in (tags := tags_in(prompt)):
        if tag.kind == "hypernet":
            raise RequestError(f"“{tag.name}” is a hypernetwork, which this studio does not have: remove its tag.")
        use = finder.lora_of(tag)
        own = uses.get(use.sha256)
        uses[use.sha256] = use if own is None else replace(use, name=own.name, blocks=own.blocks)
    prompt = without_tags(prompt) if tags else prompt
    return Named(prompt, tuple(uses.values()), finder.embeddings_in((prompt, negative)))


@dataclass(frozen=True)
class FolderFinder:
    """Looks into the folders of models that the studio's settings in `folder` name, at each call: for the commands.

    Raises CheckpointError for a file that cannot be read.
    """

    folder: Path

    def embeddings_in(self, texts: Iterable[str]) -> tuple[EmbeddingUse, ...]:
        said, found = "\n".join(texts), dict[str, Path]()
        for path in _files(self.folder):
            name = path.stem.lower()
            if name not in found and names(said, path.stem) and _is_embedding(path):
                found[name] = path
        hashes = Hashes(self.folder) if found else None
        return tuple(
            EmbeddingUse(name=path.stem, sha256=hashes.of(path)) for _, path in sorted(found.items()) if hashes
        )

    def lora_of(self, tag: Tag) -> AdapterUse:
        path = _lora_file(tag.name, self.folder)
        digest = Hashes(self.folder).of(path)
        return AdapterUse(name=path.stem, sha256=digest, strength=tag.strength, text_strength=tag.text_strength)


def names(text: str, word: str) -> bool:
    """Whether a text holds the word as a whole, in any case."""
    return word.lower() in text.lower() and bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


def _lora_file(name: str, folder: Path) -> Path:
    paths = list(_files(folder))
    wanted = name.removesuffix(ENDINGS[0]).lower()
    named = sorted((p for p in paths if p.stem.lower() == wanted), key=lambda p: p.stem != name)  # same case first
    for path in named:
        if (header := _header(path)) is not None and find_adapter(header) is not None:
            return path
    loras = {path: header for path in paths if (header := _header(path)) is not None and find_adapter(header)}

    def titles(path: Path) -> tuple[str, ...]:
        metadata = loras[path].metadata
        return read_facts(metadata).title, str(metadata.get("ss_output_name", ""))

    found = find_lora(name, loras, lambda path: path.stem, titles)
    if found is None:
        raise RequestError(no_lora(name, [path.stem for path in loras]))
    return found


def find_lora(
    name: str, among: Iterable[F], stem: Callable[[F], str], titles: Callable[[F], Iterable[str]]
) -> F | None:
    """Return the file that a tag names: by its own name, same case first, else by a title in its metadata."""
    wanted, files = name.removesuffix(ENDINGS[0]).lower(), list(among)
    named = sorted((file for file in files if stem(file).lower() == wanted), key=lambda file: stem(file) != name)
    titled = (file for file in files if wanted in (title.strip().lower() for title in titles(file)))
    return named[0] if named else next(titled, None)


def no_lora(name: str, stems: Iterable[str]) -> str:
    """Say that no file is called `name`, with the nearest names of those that are here."""
    known = {stem.lower(): stem for stem in stems}
    near = [known[stem] for stem in difflib.get_close_matches(name.lower(), known, NEAREST, 0.4)]
    remedy = f"the nearest names are {', '.join(near)}." if near else "put its file into one of your model folders."
    return f"There is no LoRA “{one_line(name, 100)}” in your folders: {remedy}"


def vectors_in(header: Header) -> int:
    """Return how many vectors an embedding has: the tokens that it takes."""
    return max((entry.shape[0] if len(entry.shape) > 1 else 1 for entry in header.tensors.values()), default=0)


def _files(folder: Path) -> Iterator[Path]:
    settings = load_settings(folder)
    for path in places(settings.folders, settings.files):
        if path.suffix in ENDINGS and path.is_file():
            yield path


def _header(path: Path) -> Header | None:
    try:
        return read_header(path)
    except CheckpointError:
        return None


def _is_embedding(path: Path) -> bool:
    """Whether a file holds learned words alone: of A1111, of SDXL, or one `<token>` of diffusers."""
    header = _header(path)
    if header is None:
        return False
    shapes = {name: entry.shape for name, entry in header.tensors.items()}
    known = set(shapes) in ({"emb_params"}, {"clip_l", "clip_g"}) or (len(shapes) == 1 and next(iter(shapes))[0] == "<")
    return known and all(
        len(shape) in (1, 2) and (len(shape) == 1 or shape[0] <= MAX_VECTORS) for shape in shapes.values()
    )
