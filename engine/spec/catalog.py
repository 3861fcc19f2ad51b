"""The models available here, from their config.json alone: no torch, so that the window can list them at once.

A model folder holds config.json (kind, net, schedule, codec, conditioning, sha256 of each file), *.safetensors,
card.md and thumbnail.png.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.checkpoints.complete import lacks
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import family
from engine.checkpoints.folder import is_folder, model_name
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.recognise import recognise
from engine.checkpoints.sampling import identity, known_identity, memory, native_sizes, schedule_of
from engine.checkpoints.scan import places
from engine.checkpoints.settings import ModelSettings
from engine.checkpoints.settings import load as load_settings
from engine.errors import EngineError, one_line
from engine.rules import RULES
from engine.schedules import SPACINGS, from_config
from engine.settings_folder import settings_folder
from engine.spec.few_step import LCM_KEYS
from engine.spec.limits import DTYPES as DTYPES
from engine.spec.limits import MAX_NAME
from engine.spec.model_config import check_model, read_config
from engine.spec.model_hash import model_hash
from engine.spec.model_hash import resource_root as resource_root
from engine.spec.sizes import Size, SizeRule
from engine.spec.vae import VaeUse


class CatalogError(EngineError, ValueError):
    """A model folder that cannot be used; the message says what to do."""

    kind = "model"


TAKES = frozenset({"text", "negative", "label", "size", "distilled", "clip_skip", "adapters", "vae", "precision"})


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
    saving      -- how it takes less memory: names of engine.spec.saving.SAVINGS
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
    saving: frozenset[str] = frozenset()

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
    def vae(self) -> VaeUse | None:
        """The VAE of another file that it is described with; None: its own."""
        path, digest = self.config.get("vae"), self.config.get("vae_sha256")
        return VaeUse(name=Path(path).stem[:MAX_NAME], sha256=digest) if path and digest else None

    def in_precision(self, precision: str | None) -> ModelInfo:
        """The same checkpoint in another precision, a key of DTYPES; None: float32. Other models have one precision."""
        precision = precision or "float32"
        if precision == self.compute_dtype or "weights" not in self.config:
            return self
        weights = self.config["weights"]
        needs = weights["net"] * DTYPES[precision] + weights["text"] + weights["vae"]
        return replace(self, compute_dtype=precision, bytes=needs)

    def with_saving(self, saving: frozenset[str]) -> ModelInfo:
        """The same checkpoint with other ways to take less memory."""
        most = family(self.config["family"]).micro_batch
        return replace(self, saving=saving, micro_batch=1 if "single" in saving else most)

    def with_vae(self, path: Path | None, sha256: str = "") -> ModelInfo:
        """The same checkpoint with the VAE in that file, whose hash is `sha256`; None: with its own."""
        config = self.config | {"vae": path and str(path), "vae_sha256": sha256}
        if "weights" not in config:
            return replace(self, config=config)
        held, before = _vae_bytes(path, self.config["own_vae"]), config["weights"]["vae"]
        weights = config["weights"] | {"vae": held}
        return replace(self, bytes=self.bytes - before + held, config=config | {"weights": weights})

    @property
    def lacks(self) -> tuple[str, ...]:
        """The parts that its file lacks, keys of engine.checkpoints.complete.TITLES; () for a complete one."""
        return tuple(self.config.get("lacks", ()))

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
        told = one_line(why, 200)
        raise CatalogError(f"The model in {folder} cannot be used: its config.json is damaged ({told}).") from error


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


def checkpoint(
    path: Path,
    settings: ModelSettings | None = None,
    vae: Path | None = None,
    compute_dtype: str = "float32",
    hashes: Hashes | None = None,
) -> ModelInfo:
    """Describe the checkpoint at `path`, a single file or a diffusers folder, from its header.

    vae    -- another VAE for it
    hashes -- where its hash and the VAE's are remembered; sha256 is "" where one is not known yet: see with_hash()

    Raises CheckpointError for a file that is none, or that cannot be sampled.
    """
    found = recognise(path, None if settings is None else settings.of(path))
    if not found.loadable:
        raise CheckpointError(f"{path} is {found.title}, which cannot be sampled here: choose another model.")
    about = family(found.family)
    schedule, rule = schedule_of(found, about), about.sizes
    try:
        levels = from_config(schedule)
    except ValueError as error:
        raise CheckpointError(f"{path} has an impossible noise schedule: {error}") from error
    native = native_sizes(found, about)
    defaults = dict(about.defaults) | {"sigma_min": levels.sigma_min, "sigma_max": levels.sigma_max}
    if found.zero_snr:
        defaults["spacing"] = "trailing"  # grids by σ would spend half of their steps near pure noise
    own = {} if settings is None else dict(settings.defaults_of(path))
    choices: dict[str, Mapping[str, Any]] = {"sampler": RULES, "spacing": SPACINGS}  # an older studio's may be gone
    size = tuple(own.pop("size", native[0]))
    if all(side % rule["multiple"] == 0 and rule["least"] <= side <= rule["most"] for side in size):
        native = (size, *(one for one in native if one != size))
    for key in ("precision", "vae"):  # see own_checkpoint()
        own.pop(key, None)
    saving = frozenset(own.pop("saving", ()))
    defaults |= {key: value for key, value in own.items() if key not in choices or value in choices[key]}
    vae_sha256 = "" if hashes is None or vae is None else hashes.known(vae) or ""
    weights = memory(found)
    info = ModelInfo(
        id=model_name(path)[:MAX_NAME],
        title=model_name(path),
        folder=path,
        sha256="" if hashes is None or (vae is not None and not vae_sha256) else known_identity(found, hashes),
        labels=(),
        label_kind="class",
        sizes=SizeRule(
            native,
            rule["multiple"],
            min(rule["least"], *(min(size) for size in native)),
            max(rule["most"], *(max(size) for size in native)),
            free=True,
        ),
        takes=frozenset({"text", "negative", "size", "clip_skip", "adapters", "vae", "precision"}),
        defaults=defaults,
        config={
            "kind": "checkpoint",
            "family": found.family,
            "variant": found.variant,
            "predicts": found.predicts,
            "schedule": schedule,
            "codec": {"type": "kl", "factor": about.codec["factor"]},
            "by_hand": dict(found.by_hand),
            "lacks": lacks(found),
            "vae": None,
            "vae_sha256": "",
            "few_step_keys": [key for part in found.parts for key in part.header.tensors if key.endswith(LCM_KEYS)],
            "weights": weights,
            "own_vae": weights["vae"],
        },
        micro_batch=about.micro_batch,
        compute_dtype="",
    )
    info = info.in_precision(compute_dtype).with_saving(saving)
    return info if vae is None else info.with_vae(vae, vae_sha256)


def _vae_bytes(path: Path | None, own: int) -> int:
    """Return what the VAE in a file takes; `own` for None, and for a file that loading will refuse."""
    if path is None:
        return own
    try:
        return memory(recognise(path))["vae"]
    except (CheckpointError, OSError):
        return own


def with_hash(
    info: ModelInfo,
    hashes: Hashes,
    report: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ModelInfo:
    """Return the description of a checkpoint with its hash, which takes a second for each GB that is not known yet.

    Raises Cancelled, and CheckpointError for a file that cannot be read.
    """
    if info.sha256:
        return info
    found = recognise(info.folder, info.config["by_hand"])
    info = replace(info, sha256=identity(found, hashes, report, cancelled))
    vae = info.config.get("vae")
    return info if vae is None else info.with_vae(Path(vae), hashes.of(Path(vae), cancelled=cancelled))


def checkpoints(settings: ModelSettings, hashes: Hashes) -> list[ModelInfo]:
    """Describe every checkpoint in the user's folders that can be sampled; others are left out (engine.checkpoints.scan
    says why). Two of one name get the names of their folders too.
    """
    found: dict[str, ModelInfo] = {}
    for path in places(settings.folders, settings.files):
        try:
            info = checkpoint(path, settings, hashes=hashes)
        except CheckpointError:
            continue
        name, count = info.id, 1
        while name in found:
            name = f"{path.parent.name}/{info.id}" if count == 1 else f"{info.id} ({count})"
            count += 1
        found[name] = replace(info, id=name[:MAX_NAME])
    return list(found.values())


def own_checkpoint(path: Path, settings: ModelSettings, hashes: Hashes) -> ModelInfo:
    """Return checkpoint() with the VAE and in the precision that the user chose for it. Raises as checkpoint() does."""
    own = settings.defaults_of(path)
    dtype, vae = own.get("precision") or settings.precision or "float32", own.get("vae")
    return checkpoint(
        path, settings, None if vae is None else Path(vae), dtype if dtype in DTYPES else "float32", hashes
    )


def named_checkpoint(model: str, where: Path) -> ModelInfo | None:
    """Return the checkpoint in the user's folders whose file has that name, None for none. Only its header is read.

    model -- a file's name without its ending, alone or after the name of its folder and “/”
    where -- the folder of the studio's settings
    """
    settings, hashes = load_settings(where), Hashes(where)
    for path in places(settings.folders, settings.files):
        name = model_name(path)
        if model in (name[:MAX_NAME], f"{path.parent.name}/{name}"[:MAX_NAME]):
            try:
                info = own_checkpoint(path, settings, hashes)
            except CheckpointError:
                continue
            return replace(info, id=model)
    return None


def find(
    model: str,
    vae: Path | None = None,
    compute_dtype: str = "float32",
    report: Callable[[float], None] = lambda share: None,
) -> ModelInfo:
    """The model in the box with that id, else the one in the folder of that name, else the checkpoint at that path or
    with that name in the user's folders, with its hash. Raises CatalogError for none, CheckpointError for a bad one.
    """
    infos = {info.id: info for info in embedded_models()}
    if model in infos:
        return infos[model]
    path = Path(model)
    if not is_folder(path) and (path / "config.json").is_file():
        return read_model(path)
    where = settings_folder()
    settings, hashes = load_settings(where), Hashes(where)
    if not path.exists():
        named = [info.folder for info in checkpoints(settings, hashes) if model in (info.id, info.title)]
        if not named:
            raise CatalogError(
                f"There is no model “{model}”: choose {' or '.join(infos)}, or the file or folder of one."
            )
        path = named[0]
    return with_hash(checkpoint(path, settings, vae, compute_dtype, hashes), hashes, report)
