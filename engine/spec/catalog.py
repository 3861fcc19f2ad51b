"""The models available here, from their config.json alone: no torch, so that the window can list them at once.

A model folder holds config.json (kind, net, schedule, codec, conditioning, sha256 of each file), *.safetensors,
card.md and thumbnail.png.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.spec.model_config import check_model, read_config
from engine.spec.model_hash import model_hash
from engine.spec.model_hash import resource_root as resource_root
from engine.spec.sizes import Size, SizeRule


class CatalogError(EngineError, ValueError):
    """A model folder that cannot be used; the message says what to do."""

    kind = "model"


TAKES = frozenset({"text", "negative", "label", "size", "distilled", "clip_skip", "adapters", "vae"})
DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}  # to compute in, with their bytes


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as a person chooses it, before anything is loaded.

    labels      -- its class or style names in the order of their indices
    sizes       -- the sizes of its pictures
    takes       -- what it can be asked for, a subset of TAKES: the panel and the commands offer nothing else
    defaults    -- "sampler", "spacing", "steps", "guidance", "sigma_min", "sigma_max"
    examples    -- prompts that it does well
    micro_batch -- the most images in one call of its net
    compute_dtype -- the dtype that its net computes in, a key of DTYPES
    bytes       -- of memory that its weights take when it is loaded; 0: so few that nobody asks
    """

    id: str
    title: str
    folder: Path
    sha256: str
    labels: tuple[str, ...]
    label_kind: str
    sizes: SizeRule
    takes: frozenset[str]
    defaults: dict[str, Any]
    examples: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict, repr=False)
    micro_batch: int = 16
    compute_dtype: str = "float32"
    bytes: int = 0

    @property
    def text(self) -> bool:
        """Whether it takes a text."""
        return "text" in self.takes

    @property
    def width(self) -> int:
        """The width of its pictures in pixels, at its first native size."""
        return self.sizes.native[0][0]

    @property
    def height(self) -> int:
        """The height of its pictures in pixels, at its first native size."""
        return self.sizes.native[0][1]

    @property
    def size(self) -> Size:
        """The size of its pictures at its first native size, before a second stage."""
        return self.sizes.native[0]

    @property
    def factor(self) -> int:
        """The side of a state's cell in pixels (engine.types.Codec)."""
        return int(self.config.get("codec", {}).get("factor", 1))

    @property
    def latent(self) -> bool:
        """Whether its states are a codec's latents rather than pixels."""
        return bool(self.config.get("codec", {}).get("type", "pixel") != "pixel")

    @property
    def transparent(self) -> bool:
        """Whether it draws alpha: its states have a fourth channel of pixels."""
        return not self.latent and bool(self.config.get("net", {}).get("channels") == 4)

    @property
    def cascade(self) -> dict[str, Any] | None:
        """The second stage that draws larger pictures ("net", "schedule", "predicts", "defaults"), or None."""
        stage: dict[str, Any] | None = self.config.get("cascade")
        return stage


def read_model(folder: Path) -> ModelInfo:
    """The model in `folder`. Raises CatalogError when its config is missing or damaged."""
    path = folder / "config.json"
    try:
        config = read_config(path)
        check_model(config)
        return ModelInfo(
            id=config["id"],
            title=config["title"],
            folder=folder,
            sha256=model_hash(config),
            labels=tuple(config["conditioning"]["labels"]),
            label_kind=config["conditioning"].get("label_kind", "class"),
            sizes=SizeRule.fixed(config["size"][0], config["size"][1]),
            takes=_takes(config),
            defaults=dict(config["defaults"]),
            examples=tuple(config.get("examples", ())),
            config=config,
        )
    except FileNotFoundError:
        raise CatalogError(f"{folder} is not a model folder: it has no config.json.") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise CatalogError(f"The model in {folder} cannot be used: its config.json is damaged ({why}).") from error


def _takes(config: dict[str, Any]) -> frozenset[str]:
    """What a model of our own kind can be asked for."""
    condition = config["conditioning"]
    text = {"text", "negative"} if condition["text"] is not None else set()
    return frozenset(text | ({"label"} if condition["labels"] else set()))


def embedded_models() -> list[ModelInfo]:
    """The models in the box, by id; a damaged one is left out."""
    found = []
    for path in sorted((resource_root() / "models").glob("*/config.json")):
        try:
            found.append(read_model(path.parent))
        except CatalogError:
            continue
    return found


def find(model: str) -> ModelInfo:
    """The model in the box with that id, else the one in the folder of that name. Raises CatalogError for neither."""
    infos = {info.id: info for info in embedded_models()}
    if model in infos:
        return infos[model]
    folder = Path(model)
    if (folder / "config.json").is_file():
        return read_model(folder)
    raise CatalogError(f"There is no model “{model}”: choose {' or '.join(infos)}, or the folder of one.")
