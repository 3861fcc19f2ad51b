"""Choices and wildcards in a prompt: `{red|green}` draws one of its texts, `__colour__` a line of the list colour.txt.

They are drawn once, with the seed of the run, when a Draft becomes a Request. The Request holds the drawn prompt and,
in `drawn`, the written one with each draw.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import why
from engine.spec.validation import RequestError, check_text, text

MAX_DRAWS = 200  # of one prompt
MAX_DEPTH = 16  # of lists that name lists
MAX_DRAWN_TEXT = 4000  # characters, as of every prompt
MAX_LIST = 16 * 2**20  # bytes of a file
_LIST = re.compile(r"__([\w./-]*?[\w.-])__")
_ESCAPES = ("\\{", "\\}", "\\|", "\\__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was drawn: the prompts as they were written, and (choice, drawn text) of each draw in its order."""

    prompt: str
    negative: str
    choices: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if len(self.choices) > 2 * MAX_DRAWS:
            raise RequestError(f"A prompt can have {MAX_DRAWS} choices at most: write fewer.")
        for value in (self.prompt, self.negative, *(part for pair in self.choices for part in pair)):
            if len(value) > MAX_DRAWN_TEXT:
                raise RequestError(f"A text of the prompt is longer than {MAX_DRAWN_TEXT} characters: shorten it.")
            check_text(value, "prompt")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Drawn:
        """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
        pairs = tuple((text(choice), text(found)) for choice, found in data["choices"])
        return cls(prompt=text(data["prompt"]), negative=text(data["negative"]), choices=pairs)


@dataclass(frozen=True, slots=True)
class Wildcards:
    """Lists of texts in folders: the list `colour` is the file colour.txt, `animal/cat` lies in a folder animal.

    One line is one text; blank lines and lines that begin with # are skipped. An earlier folder comes first.
    """

    folders: tuple[Path, ...] = ()

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list. Raises RequestError where there is none, and for a file that cannot be read."""
        if ".." in name.split("/") or name.startswith("/"):
            raise RequestError(f"The list “{name}” leads out of its folder: name one inside it.")
        for folder in self.folders:
            path = folder / f"{name}.txt"
            if path.is_file():
                return self._read(path)
        where = " or ".join(map(str, self.folders))
        raise RequestError(f"There is no list for __{name}__: put {name}.txt into {where}, or write \\__{name}__.")

    def _read(self, path: Path) -> tuple[str, ...]:
        try:
            if path.stat().st_size > MAX_LIST:
                raise RequestError(f"{path} is larger than {MAX_LIST // 2**20} MiB: choose a shorter list.")
            lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError as error:
            raise RequestError(f"{path} cannot be read ({why(error)}): check the file.") from error
        kept = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
        if not kept:
            raise RequestError(f"The list {path} is empty: write one text a line.")
        return kept


def draw(prompt: str, negative: str, seed: int, wildcards: Wildcards) -> tuple[str, str, Drawn | None]:
    """Draw the choices of both prompts with the seed; return them, and what was drawn, None for texts without choices.

    Without folders `__name__` is plain text. Raises RequestError for a list that is missing, and for a text that grows
    without end.
    """
    draws = _Draws(seed, wildcards)
    made, made_negative = draws.of(prompt).strip(), draws.of(negative).strip()
    if not draws.choices:
        return made, made_negative, None
    if max(len(made), len(made_negative)) > MAX_DRAWN_TEXT:
        raise RequestError(f"The drawn prompt is longer than {MAX_DRAWN_TEXT} characters: shorten it.")
    return made, made_negative, Drawn(prompt=prompt, negative=negative, choices=tuple(draws.choices))


def plain(text: str) -> str:
    """Return a text that draw() turns into `text`: its braces and lists, which would be choices, are escaped."""
    text = _LIST.sub(lambda match: f"\\{match[0]}", text)
    choices = [k for k, letter in enumerate(text) if letter == "{" and _options(text, k) is not None]
    return "".join(f"\\{letter}" if k in choices else letter for k, letter in enumerate(text))


class _Draws:
    """The draws of one Request. The k-th one takes the SHA-256 of seed and k, the same on every machine and Python."""

    def __init__(self, seed: int, wildcards: Wildcards) -> None:
        self.seed, self.wildcards = seed, wildcards
        self.choices: list[tuple[str, str]] = []

    def of(self, written: str, depth: int = 0) -> str:
        if depth > MAX_DEPTH:
            raise RequestError("The wildcard lists name each other without end: take that line out of one of them.")
        made: list[str] = []
        place = 0
        while place < len(written):
            escape = next((mark for mark in _ESCAPES if written.startswith(mark, place)), None)
            listed = _LIST.match(written, place) if self.wildcards.folders else None
            if escape is not None:
                made.append(escape[1:])
                place += len(escape)
            elif listed is not None:
                made.append(self.of(self._pick(listed[0], self.wildcards.lines(listed[1])), depth + 1))
                place = listed.end()
            elif written[place] == "{" and (options := _options(written, place)) is not None:
                texts, end = options
                made.append(self.of(self._pick(written[place:end], texts), depth))
                place = end
            else:
                made.append(written[place])
                place += 1
        return "".join(made)

    def _pick(self, choice: str, texts: Sequence[str]) -> str:
        if len(self.choices) >= MAX_DRAWS:
            raise RequestError(f"A prompt can have {MAX_DRAWS} choices at most: write fewer.")
        digest = hashlib.sha256(f"{self.seed} {len(self.choices)}".encode()).digest()
        found = texts[int.from_bytes(digest[:16], "big") % len(texts)]
        self.choices.append((choice, found))
        return found


def _options(written: str, start: int) -> tuple[list[str], int] | None:
    """Return the texts of the choice that begins with the brace at `start`, and where it ends; None for a plain brace:
    one without its partner, or with a single text.
    """
    deep, begin, texts = 0, start + 1, []
    for place, letter in _unescaped(written, start):
        if letter == "{":
            deep += 1
        elif letter == "|" and deep == 1:
            texts.append(written[begin:place])
            begin = place + 1
        elif letter == "}":
            deep -= 1
            if deep == 0:
                return ([*texts, written[begin:place]], place + 1) if texts else None
    return None


def _unescaped(written: str, start: int) -> Iterator[tuple[int, str]]:
    place = start
    while place < len(written):
        if written[place] == "\\":
            place += 2
            continue
        yield place, written[place]
        place += 1
