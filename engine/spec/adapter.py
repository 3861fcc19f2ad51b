"""AdapterUse: one adapter (LoRA and its kin) of a Request, with its strengths. Needs no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError
from engine.spec.limits import MAX_NAME
from engine.spec.validation import RequestError, check_text, number, text, within

ROLES = ("lora",)
MAX_ADAPTERS = 32
MAX_STRENGTH = 100.0
BASE = "BASE"  # the text encoders, and what of the UNet is in no block
BLOCKS = (BASE, *(f"IN{k:02}" for k in range(12)), "M00", *(f"OUT{k:02}" for k in range(12)))
_LISTS = {  # weights of blocks as plain lists, as A1111's extension for block weights reads them, by their length
    12: (BASE, "IN04", "IN05", "IN07", "IN08", "M00", *BLOCKS[14:20]),
    17: (BASE, "IN01", "IN02", "IN04", "IN05", "IN07", "IN08", "M00", *BLOCKS[17:26]),
    20: (BASE, *BLOCKS[1:10], "M00", *BLOCKS[14:23]),
    26: BLOCKS,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_FLAG = re.compile(
    rf"(?P<file>.+?)(?::(?P<unet>{_NUMBER})(?::(?P<text>{_NUMBER}))?)?(?::(?P<blocks>[^:]*[=,][^:]*))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUse:
    """One adapter, resolved.

    role          -- one of ROLES
    name          -- of its file, without the ending
    sha256        -- of its file
    strength      -- the factor of its change of the UNet; negative turns it around
    text_strength -- the factor of its change of the text encoders
    blocks        -- (block, factor) for blocks of the UNet with a factor of their own, by the names of BLOCKS
    """

    role: str = "lora"
    name: str
    sha256: str
    strength: float = 1.0
    text_strength: float = 1.0
    blocks: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise RequestError(f"There is no adapter of the kind “{self.role}”: choose one of {', '.join(ROLES)}.")
        check_text(self.name, "name of the adapter")
        if not self.name or len(self.name) > MAX_NAME:
            raise RequestError(f"An adapter's name has 1 to {MAX_NAME} characters: rename its file.")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise RequestError(f"The adapter “{self.name}” has no SHA-256: add its file again.")
        for factor in (self.strength, self.text_strength, *(factor for _, factor in self.blocks)):
            if not within(factor, -MAX_STRENGTH, MAX_STRENGTH):
                raise RequestError(
                    f"The strength of “{self.name}” must lie between −{MAX_STRENGTH:g} and {MAX_STRENGTH:g}."
                )
        names = [block for block, _ in self.blocks]
        if names != sorted(set(names)) or not set(names) <= set(BLOCKS):
            raise RequestError(f"The blocks of “{self.name}” must be of {BASE}, IN00 … OUT11, sorted, each once.")

    def factor(self, part: str, block: str) -> float:
        """Return the factor of the change of a module: of the part "unet", or of a text encoder, and of its block."""
        strength = self.strength if part == "unet" else self.text_strength
        return strength * dict(self.blocks).get(block, 1.0)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AdapterUse:
        """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            role=text(data["role"]),
            name=text(data["name"]),
            sha256=text(data["sha256"]),
            strength=number(data["strength"]),
            text_strength=number(data["text_strength"]),
            blocks=tuple((text(block), number(factor)) for block, factor in data["blocks"]),
        )


def check_adapters(adapters: tuple[AdapterUse, ...]) -> None:
    """Raise RequestError for too many adapters, and for one that is there twice."""
    if len(adapters) > MAX_ADAPTERS:
        raise RequestError(f"{len(adapters)} adapters are too many: keep {MAX_ADAPTERS} at most.")
    if len({use.sha256 for use in adapters}) != len(adapters):
        raise RequestError("An adapter is there twice: keep one, and set its strength.")


def parse_flag(value: str) -> tuple[str, float, float, tuple[tuple[str, float], ...]]:
    """Read FILE[:UNET[:TEXT]][:BLOCKS]: the file, both strengths, and the factors of blocks.

    BLOCKS is BLOCK=FACTOR,… or a list of 12, 17, 20 or 26 numbers. Without TEXT the text encoders have UNET's strength.
    Raises UsageError for blocks that are none.
    """
    match = _FLAG.fullmatch(value)
    if match is None:
        raise UsageError("A LoRA is FILE:STRENGTH, such as style.safetensors:0.8.")
    unet = 1.0 if match["unet"] is None else float(match["unet"])
    return match["file"], unet, unet if match["text"] is None else float(match["text"]), _blocks(match["blocks"] or "")


def _blocks(value: str) -> tuple[tuple[str, float], ...]:
    fields = [field.strip() for field in value.split(",") if field.strip()]
    try:
        if not any("=" in field for field in fields):
            pairs = list(zip(_LISTS[len(fields)], map(float, fields), strict=True)) if fields else []
        else:
            pairs = [(name.strip().upper(), float(factor)) for name, factor in (field.split("=") for field in fields)]
        if not {name for name, _ in pairs} <= set(BLOCKS):
            raise ValueError
    except (KeyError, ValueError):
        counts = ", ".join(map(str, _LISTS))
        raise UsageError(
            f"“{value}” are no block weights: write IN04=0,OUT05=0.5, or a list of {counts} numbers."
        ) from None
    return tuple(sorted({name: factor for name, factor in pairs if factor != 1}.items()))
