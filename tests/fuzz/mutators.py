"""Damage to files: bytes of any kind, JSON, and the values that readers stumble over."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

Mutator: TypeAlias = Callable[[bytes, Random], bytes]

DEEP = 100_000  # levels of nesting: more than any parser's stack
LARGE = 10**30
NUMBERS: tuple[Any, ...] = (
    0, 1, -1, 2, 0.0, -0.0, 0.5, 1e-320, 1e300, 1e308, -1e308, 127, 128, 255, 256, 65535, 65536, 10**6,
    2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, LARGE, -LARGE,
    float("nan"), float("inf"), float("-inf"), True, False,
)  # fmt: skip
TEXTS: tuple[str, ...] = (
    "", " ", "0", "1", "nan", "NaN", "None", "\0", "a\0b", "\ud800", "x\udc80y", "\n\n", "two\nlines. And a sentence.",
    "x" * 5000, "½²٣", "../../../../etc/passwd", "/dev/zero", "/etc", ".", "..", "\u202e", "é" * 300, "%s%n", "{0}",
)  # fmt: skip


def deep(rng: Random) -> str:
    """The text of very deeply nested JSON, closed or not."""
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    inner = "1" if closing == "}" else ""
    return opening * DEEP + (inner + closing * DEEP if rng.random() < 0.7 else "")


def value(rng: Random) -> Any:
    """A value that is probably of the wrong type, or extreme."""
    kind = rng.randrange(10)
    if kind < 4:
        return rng.choice(NUMBERS)
    if kind < 7:
        return rng.choice(TEXTS)
    things: tuple[Any, ...] = (None, [], {}, [None], [[]], {"": None}, [0, 0], [1, [2, [3]]], ["a", "b"], {"a": {}})
    return rng.choice((*things, [0] * 10_000, ["x"] * 2000)) if kind < 9 else rng.choice(things)


# bytes


def truncate(data: bytes, rng: Random) -> bytes:
    return data[: rng.choice((rng.randrange(len(data) + 1), rng.randrange(min(len(data), 64) + 1), len(data) - 1))]


def flip_bits(data: bytes, rng: Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flip_bits_of_the_head(data: bytes, rng: Random) -> bytes:
    n = min(len(data), 128)
    return flip_bits(data[:n], rng) + data[n:]


def set_number(data: bytes, rng: Random) -> bytes:
    """Put an extreme whole number of 1 to 8 bytes somewhere, most often near the beginning."""
    size = rng.choice((1, 2, 4, 4, 8))
    number = rng.choice((0, 1, (1 << 8 * size) - 1, 1 << (8 * size - 1), (1 << (8 * size - 1)) - 1, 16384, 65535))
    at = rng.randrange(max(1, min(len(data) - size, rng.choice((64, 512, len(data))))))
    number %= 1 << 8 * size
    return data[:at] + number.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def remove(data: bytes, rng: Random) -> bytes:
    a, b = _two(data, rng)
    return data[:a] + data[b:]


def repeat(data: bytes, rng: Random) -> bytes:
    a, b = _two(data, rng)
    return data[:b] + data[a:b] * rng.choice((1, 1, 20)) + data[b:]


def swap(data: bytes, rng: Random) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def insert(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice((1, 4, 100))) + data[at:]


def blank(data: bytes, rng: Random) -> bytes:
    a, b = _two(data, rng)
    return data[:a] + bytes([rng.choice((0, 255))]) * (b - a) + data[b:]


def replace_all(data: bytes, rng: Random) -> bytes:
    return rng.choice((b"", b"\0" * 1000, rng.randbytes(1000), b"%PDF-1.4\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"PK\3\4"))


BYTES: tuple[Mutator, ...] = (
    truncate, truncate, flip_bits, flip_bits, flip_bits_of_the_head, flip_bits_of_the_head, set_number, set_number,
    set_number, remove, repeat, swap, insert, blank, replace_all,
)  # fmt: skip


def any_bytes(data: bytes, rng: Random) -> bytes:
    out = data
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        out = rng.choice(BYTES)(out, rng) if out else out
    return out


def _two(data: bytes, rng: Random) -> tuple[int, int]:
    a = rng.randrange(len(data) + 1)
    return a, min(len(data), a + rng.choice((1, 4, 64, len(data) // 3)))


# JSON


def change_tree(tree: Any, rng: Random) -> Any:
    """A copy of a JSON value in which one place is something else, is missing, or is new."""
    tree = json.loads(json.dumps(tree))
    places = [(parent, key) for parent, key in _places(tree)]
    if not places or rng.random() < 0.02:
        return value(rng)
    parent, key = rng.choice(places)
    other, its = rng.choice(places)
    match rng.randrange(10):
        case 0 if isinstance(parent, dict):
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[rng.choice(("unknown", "", "__class__", "\ud800", "format", "x" * 1000))] = value(rng)
        case 2 if isinstance(parent[key], int | float) and not isinstance(parent[key], bool):
            parent[key] = parent[key] * rng.choice((-1, 0, 2, 1000, 1e9)) + rng.choice((0, 1, -1, 0.5))
        case 3:
            parent[key] = [parent[key]]
        case 4:
            parent[key], other[its] = other[its], parent[key]
            tree = tree if _is_finite(tree) else value(rng)
        case 5 if isinstance(parent[key], list):
            parent[key] = parent[key] * rng.choice((0, 2, 300)) + [value(rng)]
        case 6:
            parent[key] = str(parent[key])
        case _:
            parent[key] = value(rng)
    return tree


def change_text(text: str, rng: Random) -> bytes:
    """JSON's text as bytes, damaged as a text: keys twice, nesting, encodings, ends."""
    match rng.randrange(9):
        case 0:  # a key that stands twice
            at = text.find("{") + 1
            return (text[:at] + '"format":[],"id":{},"version":"x",' + text[at:]).encode()
        case 1:
            return deep(rng).encode()
        case 2:  # nested somewhere inside
            places = [k for k, c in enumerate(text) if c == ":"]
            at = rng.choice(places) + 1 if places else 0
            return (text[:at] + "[" * DEEP + "]" * DEEP + "," * (at > 0) + text[at:]).encode()
        case 3:
            return text.encode(rng.choice(("utf-16", "utf-8-sig", "utf-32", "utf-16-le")))
        case 4:
            return text.replace('"', '"\xe9', 1).encode("latin-1", "replace")
        case 5:  # a whole number with more digits than Python converts
            places = [k for k, c in enumerate(text) if c.isdigit()]
            at = rng.choice(places) if places else 0
            return (text[:at] + "9" * 6000 + text[at:]).encode()
        case 6:
            return text.replace("0", rng.choice(("NaN", "Infinity", "-Infinity", "1e999", "0x10")), 1).encode()
        case 7:
            return (text + text).encode()
        case _:
            return any_bytes(text.encode(), rng)


def dumps(tree: Any, rng: Random) -> bytes:
    return json.dumps(tree, ensure_ascii=rng.random() < 0.7).encode("utf-8", "surrogatepass")


def any_json(data: bytes, rng: Random) -> bytes:
    """Damage to a JSON file: to its values most often, else to its text."""
    text = data.decode()
    if rng.random() < 0.3:
        return change_text(text, rng)
    tree = json.loads(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        tree = change_tree(tree, rng)
    return dumps(tree, rng)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Each (container, key) of a JSON value."""
    found: list[tuple[Any, Any]] = []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in list(items):
        found.append((tree, key))
        found += _places(inner) if not isinstance(inner, list) or len(inner) < 100 else []
    return found


def _is_finite(tree: Any) -> bool:
    """Whether no container lies inside itself, as two places that were swapped may make it."""
    try:
        json.dumps(tree)
    except (ValueError, RecursionError):
        return False
    return True
