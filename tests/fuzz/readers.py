"""READERS: everything that reads a file of a person's. A new reader is one line here, and seeds for it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError
from tests.fuzz import seeds
from tests.fuzz.seeds import Files

LONGEST = 700  # characters of a sentence; the folder's own path among them
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass(frozen=True)
class Reader:
    """One reader.

    name, covers -- what it reads; the public functions that it stands for, module:name
    seeds   -- makes whole files in a folder of its own
    read    -- reads the damaged folder, whose chosen file has that name, and uses the result
    share   -- of 1,000 files
    torch   -- whether it needs torch: those run in a process of their own
    errors  -- what it may raise: each with one sentence
    mends   -- whether config.json often gets the checksums of the damaged files beside it
    """

    name: str
    covers: str
    seeds: Callable[[Path], Iterator[Files]]
    read: Callable[[Path, str], object]
    share: int
    torch: bool = False
    errors: tuple[type[Exception], ...] = (EngineError,)
    mends: bool = False


def picture(folder: Path, name: str) -> object:
    from engine.pictures.image_file import load, load_rgba

    rgb = load(folder / name).rgb
    assert rgb.ndim == 3
    assert rgb.dtype == np.uint8
    return load_rgba(folder / name).shape == (*rgb.shape[:2], 4) and load((folder / name).read_bytes())


def shown_picture(folder: Path, name: str) -> object:
    """Never an error: a null image where it cannot be read."""
    from app.core.files.read_image import read_image, read_transparent

    path = folder / name
    assert read_image(path).size() == read_transparent(path).size()
    return path


def mask(folder: Path, name: str) -> object:
    from engine.pictures.mask_file import load_mask

    return load_mask(folder / name).mask.mean()


def settings_of_picture(folder: Path, name: str) -> object:
    """A picture as the window opens it, then its settings for themselves."""
    from app.core.files.open import read
    from engine.pictures.png import read_parent, read_settings
    from engine.spec.draft import Draft
    from engine.spec.request import Request

    arrival = read([folder / name], name, folder / name)
    if arrival.settings is not None:
        Draft.of(arrival.settings)
        assert Request.from_json(arrival.settings.to_json()) == arrival.settings
        assert arrival.settings.digest
    read_parent(folder / name)
    return read_settings(folder / name)


def foreign_settings(folder: Path, name: str) -> object:
    """A picture of another studio, with its settings as the window offers them."""
    from engine.pictures.foreign.adopt import adopt
    from engine.pictures.foreign.programs import read_foreign
    from engine.spec.catalog import embedded_models

    found = read_foreign(folder / name)
    if found is not None:
        models = embedded_models()
        adopted = adopt(found, models, models[0])
        assert len(adopted.notice) <= LONGEST
        for sentence in adopted.sentences:
            check_sentence(sentence)
        json.dumps(dataclasses.asdict(found), ensure_ascii=False).encode()
    return found


def morph_key(folder: Path, name: str) -> object:
    from engine.morph.keys import from_file
    from engine.spec.catalog import embedded_models

    info = embedded_models()[0]
    return from_file(folder / name, info, (info.width, info.height))


def run(folder: Path, name: str) -> object:
    """A run as the window and a resume read it: heads, then every array of every step."""
    from app.core.shown.render import render
    from engine.spec.draft import Draft
    from engine.store import RunReader

    reader = RunReader(folder / name)
    Draft.of(reader.request)
    for part in (reader.start, reader.inputs, reader.aims, reader.picture, partial(reader.read_arrays, "nulltext")):
        _told(part)
    for k in range(min(len(reader.steps), 8)):
        for view in ("x0", "x", "eps"):
            _told(partial(render, reader, k, view, 0))
        _told(partial(reader.past, k))
        _told(partial(reader.x0_raw, k))
    return RunReader(folder / name, verify=True).steps


def reopened_run(folder: Path, name: str) -> object:
    from engine.store import RunWriter

    with RunWriter.reopen(folder / name) as writer:
        writer.end("finished")
    return True


def _told(part: Callable[[], object]) -> None:
    """Use a part of a file that may be damaged while the rest is not."""
    try:
        part()
    except EngineError as error:
        check_sentence(str(error))


def settings(folder: Path, name: str) -> object:
    """Never an error: what can be used, and a sentence on the rest; it is whole after it is written again."""
    from app.settings import from_text, load, write

    values, told = load(folder / name)
    if told:
        check_sentence(told)
    from_text(values.geometry)
    write(folder / "again.json", values)
    again, told = load(folder / "again.json")
    assert not told, told
    assert again == values
    return values


def autosave(folder: Path, _: str) -> object:
    """The artwork's folder at the start of the studio, with its candidates."""
    from app.core.canvas.artwork import Artwork
    from app.core.files.autosave_candidates import AutosaveCandidates
    from app.core.files.autosave_file import read
    from app.core.files.open import bgra

    kept = read(folder)
    for note in kept.notes:
        check_sentence(note)
    artwork = Artwork()
    kept.put_into(artwork, bgra(kept.rgb))
    finder = AutosaveCandidates.__new__(AutosaveCandidates)  # find() needs its folder alone
    finder._folder = folder / "runs"
    return finder.find(kept.results)


def job(folder: Path, name: str) -> object:
    from engine.jobs import serial

    found = serial.load(folder / name)
    serial.save(found, folder / "again" / "job.json")
    return serial.load(folder / "again" / "job.json")


def lab_picture(folder: Path, name: str) -> object:
    from engine.lab.picture import read_settings

    return read_settings(folder / name)


def film(folder: Path, name: str) -> object:
    from engine.morph.film import read

    morph = read(folder / name)
    return morph is None or (len(morph.order()), morph.places())


def model_config(folder: Path, _: str) -> object:
    """A model as lists show it and drafts are resolved with it: without its weights."""
    from app.core.request.vocabulary import Vocabulary
    from engine.spec.catalog import read_model
    from engine.spec.draft import Draft, resolve

    info = read_model(folder)
    assert isinstance(info.latent, bool)
    assert isinstance(info.transparent, bool)
    assert info.cascade is None or isinstance(info.cascade, dict)
    with contextlib.suppress(OSError):
        Vocabulary.of(info).unknown("red apple")
    return resolve(Draft.for_model(info, seed=1), info)


def guide_config(folder: Path, _: str) -> object:
    from engine.spec.guide_models import read

    return hash(read(folder).labels)


def captioned_folder(folder: Path, _: str) -> object:
    from engine.train.folder import build

    return build(folder, folder.with_name("built"))


# with torch


def model(folder: Path, _: str) -> object:
    """A model from its folder, called once."""
    import torch

    from engine.models.embedded import load
    from engine.spec.catalog import read_model
    from engine.types import Said

    found = load(read_model(folder), torch.device("cpu"))
    cond = found.condition(Said("a red apple", found.labels[0] if found.labels else None))
    x = torch.zeros(1, found.denoiser.channels if hasattr(found.denoiser, "channels") else 3, 16, 16)
    assert found.schedule.sigma_max > 0
    return found.denoiser(x, 1.0, cond)


def classifier(folder: Path, _: str) -> object:
    import torch

    from engine.models.noisy import load

    load(folder, noisy=False)
    found = load(folder)
    return found.logp(torch.zeros(1, found.channels, found.side, found.side), 0.5)


def model_header(folder: Path, name: str) -> object:
    from engine.checkpoints.recognise import recognise

    return recognise(folder / name).bytes


def pipeline(folder: Path, _: str) -> object:
    from engine.spec.catalog import checkpoint

    info = checkpoint(folder)
    return info.sizes.native, info.bytes, info.defaults["sigma_max"]


def model_settings(folder: Path, _: str) -> object:
    from engine.checkpoints.settings import load

    return load(folder).of(folder)


def judge(folder: Path, _: str) -> object:
    import torch

    from engine.evaluate.judge import Judge

    found = Judge.of(folder)
    return found.verdicts(found.read(torch.zeros(1, 1, 32, 32)).names, [found.names[0]])


def clip(folder: Path, _: str) -> object:
    import torch

    from engine.models.clip import load

    found = load(str(folder))
    return found.text(["a red apple"]), found.image(torch.zeros(1, 3, 16, 16))


def data_set(folder: Path, _: str) -> object:
    from engine.evaluate.dataset_pictures import RealPictures
    from engine.train.data import load

    _told(partial(RealPictures.of, folder, 8))
    return load(folder, 8, None)


def checkpoint(folder: Path, name: str) -> object:
    """A training goes on from a checkpoint, and is saved again."""
    from tests.fuzz.trainings import SmallTraining

    run = SmallTraining()
    run.resume(folder / name)
    report = next(run.steps(), None)  # none where the checkpoint says that it is finished
    run.save(folder / "again.pt")
    return report


def cache(folder: Path, _: str) -> object:
    """Never an error: what is damaged is computed again, and is whole afterwards."""
    import torch

    from engine.train import contrastive_job, data, kept_files
    from tests.fuzz.trainings import LENGTH, PICTURES, TEXTS, WIDTH, SmallEncoder

    encoder: Any = SmallEncoder()
    for _again in range(2):
        tokens, mask = data.encode_texts(list(TEXTS), encoder, folder)
        assert tokens.shape == (len(TEXTS), LENGTH, WIDTH)
        assert mask.dtype == torch.bool
        assert contrastive_job.pool_texts(TEXTS, encoder, folder).shape == (len(TEXTS), WIDTH)
    found = kept_files.pictures(folder / "estimates.npy", (PICTURES, None, 3, 8, 8))
    assert found is None or found.shape[2:] == (3, 8, 8)
    return found


def waiting(folder: Path, _: str) -> object:
    """Jobs that were kept at the end of a session: a damaged one is left out and removed."""
    from app.core.jobs import waiting as module

    runs = folder.with_name("runs")
    runs.mkdir()
    folder.rename(runs / "a.twrun.waiting")
    found = list(module.take(module.kept(runs)))
    assert not list(runs.iterdir())
    return found


def torch_seeds(name: str) -> Callable[[Path], Iterator[Files]]:
    """Seeds that import torch only where they are made."""

    def made(folder: Path) -> Iterator[Files]:
        import tests.fuzz.torch_seeds as module

        found: Iterator[Files] = getattr(module, name)(folder)
        return found

    return made


CONFIGS, GUIDES = partial(seeds.resource_configs, "models"), partial(seeds.resource_configs, "clips")
CLASSIFIERS = partial(seeds.resource_configs, "classifiers")
OF_CONFIG = "engine.spec.catalog:read_model"

READERS: tuple[Reader, ...] = (
    Reader("pictures", "engine.pictures.image_file:load, load_rgba, opened", seeds.pictures, picture, 170),
    Reader("pictures of the session", "app.core.files.read_image:read_image, read_transparent", seeds.pictures,
           shown_picture, 20),
    Reader("masks", "engine.pictures.mask_file:load_mask", seeds.masks, mask, 50),
    Reader("settings in pictures", "engine.pictures.png:read_settings, read_parent; app.core.files.open:read; "
           "engine.pictures.image_file:text_of", seeds.with_settings, settings_of_picture, 110),
    Reader("pictures of other studios", "engine.pictures.foreign.programs:read_foreign", seeds.foreign,
           foreign_settings, 60),
    Reader("morph keys", "engine.morph.keys:from_file", seeds.with_settings, morph_key, 20),
    Reader("run files", "engine.store:RunReader", seeds.runs, run, 130),
    Reader("reopened runs", "engine.store:RunWriter.reopen, append_picture", seeds.runs, reopened_run, 30),
    Reader("settings", "app.settings.file:load, read", seeds.settings, settings, 90),
    Reader("autosave", "app.core.files.autosave_file:read", seeds.autosaves, autosave, 80),
    Reader("jobs", "engine.jobs.serial:load, from_json", seeds.jobs, job, 70),
    Reader("waiting jobs", "app.core.jobs.waiting:kept, take, read", seeds.waiting, waiting, 20),
    Reader("pictures of the lab", "engine.lab.picture:read_settings", seeds.lab_pictures, lab_picture, 20),
    Reader("films", "engine.morph.film:read", seeds.films, film, 40),
    Reader("model configs", OF_CONFIG, CONFIGS, model_config, 50),
    Reader("CLIP configs", "engine.spec.guide_models:read", GUIDES, guide_config, 10),
    Reader("classifier configs", "engine.spec.guide_models:read", CLASSIFIERS, guide_config, 10),
    Reader("captioned folders", "engine.train.folder:build", seeds.captioned, captioned_folder, 20),
    Reader("model files", "engine.checkpoints.recognise:recognise", seeds.model_files, model_header, 40),
    Reader("diffusers folders", "engine.spec.catalog:checkpoint", seeds.pipelines, pipeline, 30),
    Reader("model settings", "engine.checkpoints.settings:load", seeds.model_settings, model_settings, 10),
    Reader("models", "engine.models.embedded:load", torch_seeds("models"), model, 40, True, mends=True),
    Reader("classifiers", "engine.models.noisy:load", torch_seeds("classifiers"), classifier, 15, True, mends=True),
    Reader("judges", "engine.evaluate.judge:Judge.of", torch_seeds("judges"), judge, 10, True, mends=True),
    Reader("data sets", "engine.train.data:load; engine.evaluate.dataset_pictures:RealPictures.of",
           torch_seeds("data_sets"), data_set, 10, True),
    Reader("CLIPs of open_clip", "engine.models.clip_files:load", torch_seeds("open_clips"), clip, 20, True),
    Reader("CLIPs of the studio", "engine.models.clip:load", torch_seeds("own_clips"), clip, 20, True, mends=True),
    Reader("training checkpoints", "engine.train.loop:Training.resume", torch_seeds("checkpoints"), checkpoint, 30,
           True),
    Reader("training caches", "engine.train.kept_files:cache, pictures; engine.train.data:encode_texts; "
           "engine.train.contrastive_job:pool_texts", torch_seeds("caches"), cache, 20, True),
)  # fmt: skip


def check_sentence(text: str) -> None:
    """Raises AssertionError unless the text is one readable sentence, which no damaged file can make long."""
    assert text == text.strip(), text
    assert text.endswith("."), text
    assert "\n" not in text, text
    assert len(text) <= LONGEST, text[:LONGEST]
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in BIDI}
    assert not hidden, text  # control characters, halves of letters, characters that turn the rest round
