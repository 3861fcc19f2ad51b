"""How many tokens a prompt takes, before a run: of 75 in each chunk for CLIP, of a fixed number for our own models.

It needs neither torch nor the model, only the tokenizer, so the window shows it while a person types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.models.clip_bpe import COMMA, read_tokenizer
from engine.models.errors import REMEDY, ModelError
from engine.spec.catalog import ModelInfo, resource_root
from engine.spec.prompt.chunks import ROOM, Unit, Used, chunks, used
from engine.spec.prompt.emphasis import parse

Counter = Callable[[str, Mapping[str, int]], Used]  # a prompt, and how many tokens its learned words take, by name


def token_counter(info: ModelInfo) -> Counter | None:
    """Return the counter for the prompts of a model; None for one without such a limit. Takes some 0.2 s at first.

    Raises ModelError when its tokenizer is missing.
    """
    text = info.config.get("conditioning", {}).get("text")
    if text is not None:
        return _fixed(resource_root() / "text" / Path(text["encoder"]).name, int(text["length"]))
    if "clip_skip" in info.takes:  # the models whose text encoders are CLIP's
        return clip_counter()
    return None


def clip_counter() -> Counter:
    """Return the counter of prompts in chunks of 75 tokens."""
    encode = read_tokenizer()

    def count(prompt: str, learned: Mapping[str, int]) -> Used:
        names = sorted(learned, key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names)

        def units(text: str) -> list[Unit]:
            found: list[Unit] = []
            for piece in re.split(f"({pattern})", text, flags=re.IGNORECASE) if names else [text]:
                tokens = learned.get(piece.lower())
                found += [(token,) for token in encode(piece)] if tokens is None else [(0,) * min(tokens, ROOM)]
            return found

        return used(chunks(parse(prompt), units, COMMA))

    return count


@lru_cache(maxsize=4)
def _fixed(folder: Path, length: int) -> Counter:
    """Return the counter of an encoder that cuts a text after `length` tokens, start and end among them."""
    from tokenizers import Tokenizer

    try:
        tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except MemoryError:
        raise
    except Exception as error:  # the library raises bare Exceptions
        raise ModelError(f"The text encoder in {folder} is missing or damaged: {REMEDY}.") from error

    def count(prompt: str, learned: Mapping[str, int]) -> Used:
        text = "".join(span.text for span in parse(prompt, breaks=False))
        return Used(len(tokenizer.encode(text, add_special_tokens=False).ids), length - 2)

    tokenizer.no_truncation()
    tokenizer.no_padding()
    return count
