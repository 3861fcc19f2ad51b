"""The emoji data sets: six drawn styles of the same concepts, rendered from packages of the public registries.

A concept is one code point sequence of emojibase; its name is emojibase's label, the same in every style. A Collection
chooses the concepts, the pairs of name and style that are never trained on, and the texts that models are judged by.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from engine.pictures.image_file import load_rgba
from engine.train.collection import EMOJI, Collection, words
from engine.train.packages import Package
from engine.train.pictures import SIDE, on_white, render_svg, with_alpha, write

PACKAGES = (
    Package(
        "emojibase-data",
        "17.0.0",
        "Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
    ),
    Package(
        "@lobehub/fluent-emoji-3d",
        "1.1.0",
        "Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
        "3d",
    ),
    Package(
        "@iconify-json/emojione",
        "1.2.3",
        "T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg==",
        "emojione",
    ),
    Package(
        "@iconify-json/fluent-emoji",
        "1.2.7",
        "D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA==",
        "fluent",
    ),
    Package(
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
        "fluent flat",
    ),
    Package(
        "@iconify-json/noto",
        "1.2.9",
        "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
        "noto",
    ),
    Package(
        "@iconify-json/twemoji",
        "1.2.5",
        "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
        "twemoji",
    ),
)
SVG = "http://www.w3.org/2000/svg"
STYLES = tuple(p.style for p in PACKAGES if p.style)
# "3d", "fluent" and "fluent flat" draw one design three times over: the designs that stand alone are drawn more often.
WEIGHTS = {"emojione": 1.7, "noto": 1.7, "twemoji": 1.7}
RUDE = {"shit"}  # short codes that no studio should suggest
EXAMPLES = (
    "red apple",
    "cat face",
    "rocket",
    "birthday cake",
    "blue heart",
    "pizza",
    "watermelon",
    "sunflower",
    "house",
    "automobile",
    "frog",
    "doughnut",
)


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept: its code points (without variation selectors), its name, its other names."""

    code: str
    name: str
    tags: tuple[str, ...]
    subgroup: str = ""
    described: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


def _plain(code: str) -> str:
    return code.lower().replace("-fe0f", "")


def concepts(package: Path, collection: Collection) -> dict[str, Concept]:
    """Return the chosen concepts, by code, from emojibase's package folder."""
    wanted, described = collection.concepts(), collection.descriptions()
    data = json.loads((package / "package/en/data.json").read_text(encoding="utf-8"))
    messages = json.loads((package / "package/en/messages.json").read_text(encoding="utf-8"))
    subgroups = {entry["order"]: entry["key"] for entry in messages["subgroups"]}
    names = {_plain(e["hexcode"]): words(e["label"]) for e in data if words(e["label"]) in wanted}
    more = synonyms(package, names) if collection.synonyms else {}
    found = (
        Concept(
            code=_plain(e["hexcode"]),
            name=words(e["label"]),
            tags=collection.usable_captions(map(words, e.get("tags", ()))),
            subgroup=subgroups.get(e.get("subgroup"), ""),
            described=described.get(words(e["label"]), ()),
            synonyms=collection.usable_captions(more.get(_plain(e["hexcode"]), ())),
        )
        for e in data
    )
    return {concept.code: concept for concept in found if concept.name in wanted}


def synonyms(package: Path, names: dict[str, str]) -> dict[str, list[str]]:
    """Return other names of the concepts `names` (code → name), by code, from emojibase's package folder.

    These are keywords of American and British English and the short codes of other programs. Only texts that mean a
    single one of the concepts are kept: "farm" is a keyword of many, and no name of any.
    """
    called: dict[str, set[str]] = defaultdict(set)  # text → codes
    for locale in ("en", "en-gb"):
        for entry in json.loads((package / f"package/{locale}/data.json").read_text(encoding="utf-8")):
            for text in (entry["label"], *entry.get("tags", ())):
                called[words(text)].add(_plain(entry["hexcode"]))
    for path in sorted((package / "package/en/shortcodes").glob("*.json")):
        for code, some in json.loads(path.read_text(encoding="utf-8")).items():
            for text in [some] if isinstance(some, str) else some:
                called[words(text)].add(_plain(code))
    found: dict[str, list[str]] = defaultdict(list)
    taken = set(names.values())
    for text, codes in sorted(called.items()):
        meant = codes & names.keys()
        if len(meant) == 1 and text not in taken and re.fullmatch(r"[a-z ]{3,}", text) and text not in RUDE:
            found[meant.pop()].append(text)
    return found


def icons(package: Path, names: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield (code, icon's own name, SVG text) of an iconify package; `names` finds the code where the package has
    none.
    """
    data = json.loads((package / "package/icons.json").read_text(encoding="utf-8"))
    chars = json.loads((package / "package/chars.json").read_text(encoding="utf-8"))
    codes = {name: _plain(code) for code, name in chars.items()}
    width, height = data.get("width", 16), data.get("height", 16)
    for name, icon in data["icons"].items():
        code = codes.get(name) or names.get(words(name))
        if code is None or icon.get("hidden"):
            continue
        box = f"{icon.get('left', 0)} {icon.get('top', 0)} {icon.get('width', width)} {icon.get('height', height)}"
        head = f'xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink" width="{SIDE}" height="{SIDE}"'
        yield code, words(name), f'<svg {head} viewBox="{box}">{icon["body"]}</svg>'


def captions(concept: Concept, style: str, aliases: list[str], random: Random) -> list[str]:
    """Return captions of one picture: half with its style, half without; the plain name first and most often."""
    name, tags = concept.name, [t for t in concept.tags if re.fullmatch(r"[a-z ]{3,}", t) and t not in concept.name]
    article = "" if re.search(r"(?<!s)s$|^\d|milk$|popcorn$|corn$|garlic$|fries$", name) else "a"
    article = "an" if article and name[0] in "aeiou" else article
    named = f"{article} {name}".strip()
    plain = [name, named, name, named, *aliases[:2]]
    plain += [", ".join([name, *random.sample(tags, min(2, len(tags)))]) for _ in range(2)]
    if tags:
        plain.append(f"{random.choice(tags)} {name}")
    if len(tags) > 2:
        plain.append(", ".join(random.sample(tags, 3)))
    phrases = (f"{{}}, {style} style", f"{{}} in {style} style", f"{{}}, {style} style", f"{style} {{}}")
    styled = [phrases[k % len(phrases)].format(text) for k, text in enumerate([name, named, *plain[-4:]])]
    described = random.sample(concept.described, min(2, len(concept.described)))
    styled += [phrases[k].format(text) for k, text in enumerate(described)]
    plain += styled + styled[:2] * ((len(plain) - len(styled)) // 2) + list(concept.described)
    others = random.sample(concept.synonyms, min(6, len(concept.synonyms)))
    return plain + others + [f"{text}, {style} style" for text in others[:3]]


def drawings(packages: Path, known: dict[str, Concept]) -> tuple[dict[str, dict[str, Any]], dict[str, set[str]]]:
    """Return, by code, the drawing of each style (SVG text, or the path of a picture), and the packages' names of
    it.
    """
    names = {c.name: c.code for c in known.values()}
    for package in PACKAGES:
        chars = packages / package.stem / "package/chars.json"
        if chars.exists():
            for code, name in json.loads(chars.read_text(encoding="utf-8")).items():
                names.setdefault(words(name), _plain(code))
    sources: dict[str, dict[str, Any]] = defaultdict(dict)
    called: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        folder = packages / package.stem
        if package.style == "3d":
            for path in sorted((folder / "package/assets").glob("*.webp")):
                sources[_plain(path.stem)]["3d"] = path
        elif package.style:
            for code, name, svg in icons(folder, names):
                if package.style not in sources[code]:
                    sources[code][package.style] = svg
                    called[code].add(name)
    return sources, called


def build(packages: Path, out: Path, side: int = SIDE, collection: Collection = EMOJI) -> int:
    """Write the data set (see engine.train.data) of the unpacked packages to `out`; return the number of pictures."""
    known = concepts(packages / PACKAGES[0].stem, collection)
    sources, called = drawings(packages, known)
    apart = collection.held_out()
    pictures, rows = [], []
    for code, concept in sorted(known.items(), key=lambda item: item[1].name):
        aliases = sorted(collection.usable_captions(called[code] - {concept.name}))
        for style in STYLES:
            source = sources[code].get(style)
            if source is not None:
                picture = render_svg(source) if isinstance(source, str) else Image.fromarray(load_rgba(source))
                pictures.append((with_alpha if collection.alpha else on_white)(picture, side))
                texts = captions(concept, style, aliases, Random(code))
                row: dict[str, Any] = {
                    "name": concept.name,
                    "label": style,
                    "subgroup": concept.subgroup,
                    "captions": texts,
                }
                if style in WEIGHTS:
                    row["weight"] = WEIGHTS[style]
                if (concept.name, style) in apart:
                    row["held_out"] = True
                rows.append(row)
    table = {
        "id": collection.id,
        "title": collection.title,
        "labels": STYLES,
        "label_kind": "style",
        "examples": EXAMPLES,
        "evaluation": collection.evaluation(),
        "paraphrases": collection.paraphrases(),
        "origin": [f"npm {p.name}@{p.version} sha512-{p.integrity}" for p in PACKAGES],
        "rows": rows,
    }
    write(out, np.stack(pictures), table)
    return len(rows)
