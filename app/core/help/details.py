"""Facts about this studio: versions, licences, and the folder of its guide. Nothing is imported for them."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "tweedie-studio"
PACKAGES = (
    "torch", "torchvision", "PySide6-Essentials", "numpy", "pillow", "safetensors", "transformers", "tokenizers",
    "diffusers", "open-clip-torch", "platformdirs", "av",
)  # fmt: skip
LONGEST = 60  # characters of a licence's name
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Licensed:
    """Something that the studio is made of, and its licence. source -- the file below resources/ that says more"""

    name: str
    licence: str
    source: str = ""


EMBEDDED = (
    Licensed("Emoji model, trained on Noto", "Apache-2.0 (Google)", "models/emoji/card.md"),
    Licensed("… on Twemoji and EmojiOne", "CC-BY-4.0 (Twitter and contributors; EmojiOne)", "models/emoji/card.md"),
    Licensed("… on Fluent Emoji and emojibase", "MIT (Microsoft; Miles Johnson)", "models/emoji/card.md"),
    Licensed("Fashion model, trained on Fashion-MNIST", "MIT (Zalando)", "models/fashion/card.md"),
    Licensed("Text encoder all-MiniLM-L6-v2", "Apache-2.0 (sentence-transformers)", "text/minilm/README.md"),
    Licensed("CLIP of emoji, classifiers, judges", "as the pictures they were trained on", "clips/emoji/card.md"),
)


def studio_version() -> str:
    """The version of the installed studio, or of the source that runs; "" where neither says it."""
    text = ROOT / "pyproject.toml"
    if text.is_file():
        found = re.search(r'^version = "([^"]+)"', text.read_text(encoding="utf-8"), re.MULTILINE)
        return found[1] if found else ""
    return version_of(DISTRIBUTION)


def version_of(package: str) -> str:
    """The version of an installed package, "" for none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def packages() -> list[Licensed]:
    """The packages that the studio runs on and that are installed, with their versions."""
    return [Licensed(f"{name} {version}", licence_of(name)) for name in PACKAGES if (version := version_of(name))]


def licence_of(package: str) -> str:
    """The licence that an installed package states, in one line."""
    about = metadata.metadata(package)
    stated = next((about[key] for key in ("License-Expression", "License") if key in about), "")
    if not stated.strip():
        named = [line for line in about.get_all("Classifier") or [] if line.startswith("License")]
        stated = named[0].rsplit("::", 1)[-1] if named else "see the package"
    line = stated.strip().splitlines()[0]
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def versions() -> dict[str, str]:
    """The versions that a report of a fault needs, by name."""
    found = {
        "Tweedie Studio": studio_version(),
        "Python": platform.python_version(),
        "torch": version_of("torch"),
        "Qt (PySide6)": version_of("PySide6-Essentials"),
        "System": platform.platform(),
    }
    return {name: version for name, version in found.items() if version}


def guide_folder() -> Path | None:
    """The folder with the pages of the guide: beside the source, or among the files of the installed package."""
    for beside in (ROOT / "docs", ROOT / "share" / "doc" / DISTRIBUTION):  # the second: pip install --target
        if (beside / "guide.md").is_file():
            return beside
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == "guide.md":
            path = Path(str(file.locate())).resolve()
            return path.parent if path.is_file() else None
    return None
