"""Damage that knows a format: PNG chunks, records of run files, headers of safetensors and .npy, checksums mended."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zlib
from random import Random
from typing import Any

from tests.fuzz.mutators import Mutator, any_bytes, any_json, change_text, change_tree, deep, dumps, value

EXTREMES = (0, 1, 2, 255, 256, 16384, 16385, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
BOMB = 1 << 26  # bytes that a compressed text unfolds to

Chunk = tuple[bytes, bytes]  # type and data


# PNG


def chunks_of(data: bytes) -> list[Chunk]:
    at, found = 8, []
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def png_of(chunks: list[Chunk]) -> bytes:
    """The file of these chunks, each with its right checksum."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks:
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


def any_png(data: bytes, rng: Random) -> bytes:
    chunks = chunks_of(data)
    if not chunks or rng.random() < 0.3:
        return any_bytes(data, rng)
    at = rng.randrange(len(chunks))
    kind, body = chunks[at]
    texts = [k for k, (name, _) in enumerate(chunks) if name == b"iTXt"]
    match rng.choice(
        ("drop", "twice", "swap", "bytes", "kind", "head", "head", "new", "long", "wrong", "text", "text")
    ):
        case "drop":
            del chunks[at]
        case "twice":
            chunks.insert(rng.randrange(len(chunks) + 1), chunks[at])
        case "swap":
            other = rng.randrange(len(chunks))
            chunks[at], chunks[other] = chunks[other], chunks[at]
        case "bytes":
            chunks[at] = kind, any_bytes(body, rng) if body else rng.randbytes(20)
        case "kind":
            chunks[at] = rng.choice((b"iCCP", b"PLTE", b"tRNS", b"eXIf", b"acTL", b"IDAT", b"\0\0\0\0", b"cICP")), body
        case "head":
            chunks[0] = chunks[0][0], _ihdr(chunks[0][1], rng)
        case "new":
            chunks.insert(rng.randrange(1, len(chunks) + 1), _new_chunk(rng))
        case "long":  # a length that the file does not have
            whole = png_of(chunks[: at + 1])
            place = len(whole) - len(body) - 12
            return (
                whole[:place]
                + struct.pack(">I", rng.choice(EXTREMES))
                + whole[place + 4 :]
                + png_of(chunks[at + 1 :])[8:]
            )
        case "wrong":  # a checksum
            whole = png_of(chunks[: at + 1])
            return whole[:-1] + bytes([whole[-1] ^ 1]) + png_of(chunks[at + 1 :])[8:]
        case "text" if texts:
            at = rng.choice(texts)
            key, _, rest = chunks[at][1].partition(b"\0")
            chunks[at] = b"iTXt", key + b"\0" + rest[:4] + any_json(rest[4:], rng)
    return png_of(chunks)


def _ihdr(body: bytes, rng: Random) -> bytes:
    width, height, *rest = struct.unpack(">II5B", body)
    match rng.randrange(4):
        case 0:
            width = rng.choice(EXTREMES)
        case 1:
            height = rng.choice(EXTREMES)
        case 2:
            width = height = rng.choice(EXTREMES)
        case _:
            rest[rng.randrange(5)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return struct.pack(">II5B", width, height, *rest)


def _new_chunk(rng: Random) -> Chunk:
    bomb = zlib.compress(bytes(BOMB), 9)
    return rng.choice(
        (
            (b"zTXt", b"bomb\0\0" + bomb),
            (b"iTXt", b"tweedie\0\1\0\0\0" + bomb),
            (b"iTXt", b"tweedie\0\1\0\0\0" + zlib.compress(deep(rng).encode())),
            (b"iTXt", b"tweedie\0\0\0\0\0" + rng.randbytes(40)),
            (b"iCCP", b"bomb\0\0" + bomb),
            (b"tEXt", b"tweedie\0[]"),
            (b"eXIf", rng.randbytes(60)),
            (b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\xff\xff\xff\xff\0\1\0\0\0\0\0\0"),
            (b"acTL", struct.pack(">II", rng.choice(EXTREMES), 0)),
            (b"gAMA", struct.pack(">I", rng.choice(EXTREMES))),
            (b"cHRM", struct.pack(">8I", *(rng.choice(EXTREMES) for _ in range(8)))),
            (b"tRNS", rng.randbytes(rng.choice((0, 1, 2, 6, 256, 1000)))),
            (b"PLTE", rng.randbytes(rng.choice((0, 1, 3, 768, 800)))),
        )
    )


# run files: magic, then records of (size, CRC of the head, size of the head), head, arrays


def any_run(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.25:
        return any_bytes(data, rng)
    records = _records(data)
    at = rng.randrange(len(records))
    head, arrays = records[at]
    match rng.randrange(10):
        case 0:
            del records[at]
        case 1:
            records.insert(rng.randrange(len(records) + 1), records[at])
        case 2:
            other = rng.randrange(len(records))
            records[at], records[other] = records[other], records[at]
        case 3:
            records[at] = head, any_bytes(arrays, rng) if arrays else b"x"
        case 4:
            whole = bytearray(_run_of(records))
            struct.pack_into(
                "<QII", whole, 8, rng.choice((*EXTREMES, 2**63, 2**64 - 1)), rng.choice(EXTREMES), rng.choice(EXTREMES)
            )
            return bytes(whole)
        case 5:  # an array that says another type, shape or checksum
            tree = json.loads(head)
            for name, (dtype, shape, crc) in tree["arrays"].items():
                shapes = ([rng.choice((*EXTREMES, -1, 2**62, 1e3, "8"))], shape[:-1], [0], [2**20] * 3, shape * 20)
                types = (dtype, "float64", "O", "S100000000", "V8", "<i1,<f4", "datetime64", "U9", "x", 3, None)
                tree["arrays"][name] = [rng.choice(types), rng.choice((shape, *shapes)), rng.choice((crc, crc, 0, "x"))]
            records[at] = dumps(tree, rng), arrays
        case 6:
            records[at] = change_text(head.decode(), rng), arrays
        case _:
            records[at] = dumps(change_tree(json.loads(head), rng), rng), arrays
    return _run_of(records)


def _records(data: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(data):
        size, _, head = struct.unpack_from("<QII", data, at)
        at += 16
        found.append((data[at : at + head], data[at + head : at + size]))
        at += size
    return found


def _run_of(records: list[tuple[bytes, bytes]]) -> bytes:
    frames = [struct.pack("<QII", len(h) + len(a), zlib.crc32(h), len(h)) + h + a for h, a in records]
    return b"TWEEDIE1" + b"".join(frames)


# safetensors and .npy


def any_safetensors(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.4:
        return any_bytes(data, rng)
    (size,) = struct.unpack_from("<Q", data)
    head, arrays = data[8 : 8 + size], data[8 + size :]
    match rng.randrange(5):
        case 0:
            return struct.pack("<Q", rng.choice((*EXTREMES, 2**40, 2**63, 2**64 - 1))) + head + arrays
        case 1:
            head = change_text(head.decode(), rng)
        case 2:
            arrays = rng.choice((b"\xff", b"\0", b"\x7f")) * len(arrays)  # all weights NaN, 0, or as large as they go
        case _:
            tree = json.loads(head)
            name = rng.choice([key for key in tree if key != "__metadata__"])
            tree[name] = rng.choice((change_tree(tree[name], rng), value(rng)))
            head = dumps(tree, rng)
    return struct.pack("<Q", len(head)) + head + arrays


def any_npy(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.5:
        return any_bytes(data, rng)
    (size,) = struct.unpack_from("<H", data, 8)
    head, rest = data[10 : 10 + size].decode("latin-1"), data[10 + size :]
    start = head.index("'shape': ") + 9
    shapes = ("(99999999999,)", "(1073741824, 32, 32, 3)", "(-1,)", "()", "(2,)", "3", "(0, 8, 8, 3)", "((1,),)")
    types = ("'|O'", "'<f8'", "'|S1000000'", "'<c16'", "[('a', '<f4')]", "None", "'|b1'", "'|V3'")
    if rng.random() < 0.5:
        head = head[:start] + rng.choice(shapes) + head[head.index(")", start) + 1 :]
    else:
        head = head.replace("'|u1'", rng.choice(types))
    return data[:8] + struct.pack("<H", len(head)) + head.encode("latin-1") + rest


def any_pickle(data: bytes, rng: Random) -> bytes:
    """A checkpoint of torch: a zip, whose inside is reached by reading it and writing it again."""
    if rng.random() < 0.4:
        return any_bytes(data, rng)
    import torch

    held, file = torch.load(io.BytesIO(data), weights_only=True), io.BytesIO()
    parent, key = rng.choice(_places_of(held))
    parent[key] = rng.choice((_other_tensor(parent[key], rng), value(rng), value(rng)))
    try:
        torch.save(held, file)
    except (RuntimeError, ValueError, OverflowError):  # half a letter, a number that no pickle holds
        return any_bytes(data, rng)
    return file.getvalue()


def _places_of(tree: Any) -> list[tuple[Any, Any]]:
    """Each (container, key) of tables and lists with tensors in them."""
    found: list[tuple[Any, Any]] = []
    for key, inner in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        found.append((tree, key))
        if isinstance(inner, dict | list):
            found += _places_of(inner)
    return found


def _other_tensor(old: Any, rng: Random) -> Any:
    """A tensor of another shape, type or content; of any other value a list."""
    import torch

    if not isinstance(old, torch.Tensor):
        return [old] * rng.choice((0, 1, 5000))
    match rng.randrange(10):
        case 0:
            return old.flatten()[:-1].clone()
        case 1:
            return old[None]
        case 2:
            return old.double() * float(rng.choice(("nan", "inf", "1e300")))
        case 3:
            return old.float() * float(rng.choice(("nan", "inf", "1e38")))
        case 4:
            return old.to(rng.choice((torch.complex64, torch.int64, torch.bool, torch.float16)))
        case 5:
            return old.to_sparse()
        case 6:
            return torch.zeros(1).expand(1 << 20, 1 << 10)
        case 7:
            return old.new_empty(0)
        case 8:
            return torch.tensor(3.0)
        case _:
            return torch.zeros_like(old)


BY_SUFFIX: dict[str, Mutator] = {
    ".png": any_png,
    ".json": any_json,
    ".twrun": any_run,
    ".safetensors": any_safetensors,
    ".npy": any_npy,
    ".pt": any_pickle,
}


def mutate(name: str, data: bytes, rng: Random) -> bytes:
    """Damage a file by the mutators of its kind; what they cannot take apart any more, as bytes."""
    if not data:
        return rng.randbytes(8)
    suffix = name[name.rfind(".") :]
    try:
        return BY_SUFFIX.get(suffix, any_bytes)(data, rng)
    except (
        ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError, OSError, EOFError,
        pickle.UnpicklingError, struct.error,
    ):  # fmt: skip
        return any_bytes(data, rng)


def mend_checksums(files: dict[str, bytes]) -> None:
    """Make the "sha256" of a config.json those of the files beside it, where it still is a table."""
    try:
        config: Any = json.loads(files["config.json"])
        listed = config["sha256"]
        for name in listed:
            if name in files:
                listed[name] = hashlib.sha256(files[name]).hexdigest()
        files["config.json"] = json.dumps(config).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return
