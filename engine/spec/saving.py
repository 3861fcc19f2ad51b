"""The ways in which a checkpoint takes less memory, and the change of settings that makes a run fit. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.checkpoints.settings import SAVINGS as SAVINGS
from engine.spec.sizes import Size

HALF = "bfloat16"  # the half precision that every device has


class Way(NamedTuple):
    """A way to take less memory.

    verb  -- what the user does, for a sentence
    title -- in one or two words, for a button
    flag  -- of the command line
    about -- what it costs, for a tooltip
    """

    verb: str
    title: str
    flag: str
    about: str


WAYS = {  # from the one that the user notices least; the precision, and SAVINGS
    "half": Way(
        "use half precision", "half precision", f"--precision {HALF}",
        "The net computes in 16 bits: half the memory, and pictures that differ a little",
    ),
    "tiles": Way(
        "decode in tiles", "tiles", "--tiles",
        "The picture is decoded in tiles that overlap: it differs a little from one that is decoded whole",
    ),
    "offload": Way(
        "load one part at a time", "one part at a time", "--offload",
        "Of text encoders, net and decoder only one is in memory: the same pixels, and more time for loading",
    ),
    "single": Way(
        "compute one image at a time", "one image at a time", "--single",
        "Each call of the net has one image: pictures can differ by rounding, and runs take a little longer",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """The change of settings that makes a run fit.

    ways -- keys of WAYS, in their order
    size -- another size of the picture; None: as it is
    """

    ways: tuple[str, ...] = ()
    size: Size | None = None

    @property
    def words(self) -> str:
        """What to do, such as “use half precision and decode in tiles”."""
        size = [f"make it {_named(self.size)}"] if self.size else []
        return _joined([WAYS[name].verb for name in self.ways] + size)

    @property
    def title(self) -> str:
        """The change in few words, such as “half precision, tiles”."""
        return ", ".join([WAYS[name].title for name in self.ways] + ([_named(self.size)] if self.size else []))

    @property
    def flags(self) -> str:
        """The flags of the command line, such as “--precision bfloat16 --size 768x512”."""
        size = [f"--size {self.size[0]}x{self.size[1]}"] if self.size else []
        return " ".join([WAYS[name].flag for name in self.ways] + size)

    @property
    def about(self) -> str:
        """What the change costs."""
        lines = [WAYS[name].about for name in self.ways]
        return ".\n".join(lines + ([f"The picture becomes {_named(self.size)}"] if self.size else []))


def _named(size: Size) -> str:
    return f"{size[0]} × {size[1]}"


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
