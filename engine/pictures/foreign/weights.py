"""Weights of words in the notations of other studios → this studio's, `(word:1.3)` (engine.spec.prompt.emphasis)."""

from __future__ import annotations

import re

NOVELAI_STEP = 1.05  # the factor of a pair of braces
COMPEL_STEP = {"+": 1.1, "-": 0.9}  # the factor of one sign
_NUMBER = re.compile(r"(-?\d{1,3}(?:\.\d{1,6})?)::")
_SUFFIX = re.compile(r"\+{1,20}|-{1,20}|\d{1,3}(?:\.\d{1,6})?")
_WORD = re.compile(r"([^\s,()\\+-][^\s,()\\+]{0,80}?)(\+{1,20}|-{1,20})(?=[\s,]|$)")
_BLEND = re.compile(r"\)\s*\.\s*(?:and|blend|swap)\(")
_EMBEDDING = re.compile(r"\bembedding:([^\s,():<>|]+?)(?:\.(?:pt|safetensors|bin))?(?=[\s,():<>|]|$)")


def from_novelai(text: str) -> str:
    """`{word}` is 1.05 times as strong, `[word]` a 1.05th, `1.3::word::` 1.3 times; round brackets are plain."""
    runs: list[tuple[str, float]] = []
    braces, factor, place = 0, 1.0, 0
    while place < len(text):
        letter, number = text[place], None
        if letter.isdecimal() or letter == "-":
            number = _NUMBER.match(text, place)
        if number is not None:
            factor, place = float(number[1]), number.end()
            continue
        if text.startswith("::", place) and factor != 1:
            factor, place = 1.0, place + 2
            continue
        if letter in "{}[]":
            braces += 1 if letter in "{]" else -1
        else:
            weight = factor * NOVELAI_STEP ** min(max(braces, -50), 50)
            if runs and runs[-1][1] == weight:
                runs[-1] = runs[-1][0] + letter, weight
            else:
                runs.append((letter, weight))
        place += 1
    return "".join(weighted(escape(run), weight) for run, weight in runs)


def from_comfyui(text: str) -> str:
    """Round brackets are as here; square ones are plain; `embedding:name` is a learned word by its name."""
    return _EMBEDDING.sub(r"\1", re.sub(r"(?<!\\)([\[\]])", r"\\\1", text))


def from_compel(text: str) -> str:
    """InvokeAI's: `(words)1.3`, `(words)++` and `word-`; one plus is 1.1, one minus .9; `(words)` alone is plain.

    Blends and conjunctions, which this studio does not have, stay as they are.
    """
    if blends(text):
        return text
    stack = [""]
    place = 0
    while place < len(text):
        letter = text[place]
        if letter == "\\" and text[place + 1 : place + 2] in ("(", ")"):
            stack[-1] += text[place : place + 2]
            place += 2
            continue
        place += 1
        word = _WORD.match(text, place - 1) if place == 1 or text[place - 2] in " \n\t,(" else None
        if word is not None:
            stack[-1] += weighted(escape(word[1]), _signs(word[2]))
            place = word.end()
        elif letter == "(":
            stack.append("")
        elif letter == ")" and len(stack) > 1:
            suffix = _SUFFIX.match(text, place)
            inner = stack.pop()
            stack[-1] += inner if suffix is None else weighted(inner, _signs(suffix[0]))
            place = place if suffix is None else suffix.end()
        else:
            stack[-1] += escape(letter)
    return "\\(".join(stack)


def blends(text: str) -> bool:
    """Whether a prompt of InvokeAI blends, joins or swaps prompts."""
    return _BLEND.search(text) is not None


def weighted(text: str, weight: float) -> str:
    """Return a text with its weight in this studio's notation, its brackets already escaped."""
    if abs(weight - 1) < 1e-4 or not text.strip():
        return text
    return f"({text}:{f'{weight:.4f}'.rstrip('0').rstrip('.')})"


def escape(text: str) -> str:
    """Return a text whose brackets are plain."""
    return re.sub(r"([()\[\]])", r"\\\1", text)


def _signs(suffix: str) -> float:
    return COMPEL_STEP[suffix[0]] ** min(len(suffix), 50) if suffix[0] in COMPEL_STEP else float(suffix)
