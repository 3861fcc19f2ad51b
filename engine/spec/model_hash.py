"""One hash over everything of a model that changes a pixel: the files, and what its config.json says of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

ENCODER_FILES = "sha256.json"  # beside a text encoder's files: the SHA-256 of each, by name

# Keys of a config.json that only people and menus read. What a run needs of the defaults is in its Request. Every other
# key is in the hash, one that a later version adds too.
_FOR_PEOPLE = frozenset({"id", "title", "model", "examples", "vocabulary", "defaults", "training", "accuracy"})
_FOR_PEOPLE_OF_PART = {"conditioning": frozenset({"label_kind"}), "cascade": frozenset({"defaults"})}

# The hash was once of the files alone: what Requests of those versions hold, and what it is now.
_FORMER: Mapping[str, str] = {
    "e644cc9ff538def27d60d3d723f9fea0340fe7602c6ed8188b47aecb29499261":  # emoji-style
    "e5d295b69e682faf2b51ddfce00be929528c4a6cc11ed0e635cea103bff7b19e",
    "321d64acd6666d0c411213d4dd042512fa0a19ff6a7489945c4ae4b1074d61e7":  # fashion-class
    "bdc1340127ca809374d153bd394b16278bf6da4adf3fa89ceec67a7cf7adbcde",
    "732c9256254ad18b0972d8a7d0a16ef95925d8b347e583f60bb171e7bd1da672":  # emoji-clip
    "ff73e92cf14769c274f215eb29aae3d4d4c58ba50742546bbcd4d95685b5a780",
    "727b69d2f4f473a3a610fd66b798eba80d66fdae29d851c7e850a02a056a2e40":  # emoji-clip-noised
    "ba3babbcd9d46adc1e22ff5b8de69990b3775779fbbdd80abb028b51094e3b48",
    "5b2be258e5362512f8d932aeb76a08d17dc3b48505d010861933e36d906a55fc":  # emoji
    "544b2198a1c7f4e72ba6ec4c874f72ab8fb28d42e58bc6aa091749ca393af590",
    "6591e1839d17ef47a54c651b34fd9cfa9f0ed309d521c6963923ed5ddc7c39b1":  # fashion
    "00e15a91d431edf49420865fce5baa9870ccaafe9b60c4324c0364d508c69a04",
}


def resource_root() -> Path:
    """The folder of the resources, in a checkout and in an installed wheel alike."""
    return Path(str(resources.files("resources")))


def model_hash(config: Mapping[str, Any]) -> str:
    """The SHA-256 by which a Request names a model, a CLIP or a classifier.

    It covers the SHA-256 of each file, net, schedule, prediction, codec, labels in their order, the second stage and
    the files of the text encoder. Raises KeyError, TypeError or AttributeError for a config that is none.
    """
    config["sha256"].items()  # a folder without a listing of its files is no model
    kept = {key: value for key, value in config.items() if key not in _FOR_PEOPLE}
    for name, for_people in _FOR_PEOPLE_OF_PART.items():
        if isinstance(kept.get(name), dict):
            kept[name] = {key: value for key, value in kept[name].items() if key not in for_people}
    if encoder := _encoder(config):
        kept["encoder files"] = encoder_files(resource_root() / "text" / Path(encoder).name)
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def current_hash(sha256: str) -> str:
    """The hash that a model of the box has today, for one that a Request of an older version holds; else itself."""
    return _FORMER.get(sha256, sha256)


def encoder_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of the text encoder in `folder`, by name; {} where it lists none."""
    try:
        listed = json.loads((folder / ENCODER_FILES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(listed) if isinstance(listed, dict) else {}


def _encoder(config: Mapping[str, Any]) -> str:
    """The name of the text encoder of a model or of a CLIP of ours; "" where it has none."""
    text = config.get("conditioning", {}).get("text") or {}
    name = text.get("encoder") or config.get("model_cfg", {}).get("text_cfg", {}).get("hf_model_name", "")
    return name if isinstance(name, str) else ""
