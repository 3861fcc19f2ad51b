"""Jobs as values: every kind goes to JSON and back, runs from it in another process, and refuses what is no job."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from engine.jobs import serial
from engine.jobs.decode_step import DecodeStep
from engine.jobs.encode import Decode, Encode
from engine.jobs.enlarge import Enlarge
from engine.jobs.generate import Fork, Generate, Resume
from engine.jobs.job import KINDS, Job, JobError, class_of, doer_of
from engine.jobs.lab import FieldView, LabCoverage, LabFields, LabRun, LabSave, LabWalk
from engine.jobs.likelihood import Elbo, Likelihood
from engine.jobs.load import HashFile, LoadClip, LoadModel, OpenCheckpoint
from engine.jobs.measure import MeasureCalls
from engine.jobs.morph import Morphing
from engine.jobs.score import Look, Score
from engine.jobs.suggest import Suggest
from engine.jobs.sweep import Sweep
from engine.session import Session
from engine.spec.catalog import ModelInfo, embedded_models
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Inputs, digest
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Law
from engine.spec.lab_data import DRAWN, Data
from engine.spec.morph import Key, Morph
from engine.spec.request import Enlargement, Request
from engine.store import RunReader
from tests.engine.elsewhere import Elsewhere

RGB = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
MASK = np.random.default_rng(1).integers(0, 256, (16, 16), np.uint8)
INPUTS = Inputs(RGB, MASK, (3, -2, 32, 32))
AIMS = (Aim("a cat", weight=3.0), Aim(image=digest(RGB), weight=-1.0))


def request_for(info: ModelInfo, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, **{"prompt": "red apple", "seed": 7} | choices), info)


def jobs_of(info: ModelInfo, folder: Path) -> Iterator[Job]:
    """At least one of every kind, with every field away from its default somewhere."""
    plain, two = request_for(info), request_for(info, batch=2, temperature=0.5, steps=4)
    guides = (ClipGuide(clip="c", aims=AIMS, law=Law.of("window", low=0.5)), ClassGuide(classifier="k", label="long"))
    guided = dataclasses.replace(two, guides=guides, guidance_interval=(0.1, 3.0))
    large = dataclasses.replace(plain, enlargement=Enlargement(factor=4, sampler="ddim", sigmas=(9.0, 0.0), level=0.2))
    edit = resolve(Draft.for_model(info, method="replacement", seed=3), info, INPUTS)
    run, pictures = folder / "a.twrun", folder / "pictures"
    data = Data(DRAWN, ((0.5, -1.0), (0.1, 0.2), (1.0, 1.0)))
    lab_request = resolve(Draft.for_model(info, steps=3), info)
    yield Generate(request=plain)
    yield Generate(request=edit, run_path=run, pictures=pictures, inputs=INPUTS)
    yield Generate(request=guided, aims=(RGB,))
    yield Fork(source=run, at=3)
    yield Fork(source=run, at=3, request=two, share=1, run_path=run, pictures=pictures, inputs=INPUTS, aims=(RGB,))
    yield Resume(run_path=run)
    yield Resume(run_path=run, pictures=pictures)
    yield Enlarge(request=large, rgb=RGB)
    yield Encode(request=plain, rgb=RGB, method="guided", tol=1e-3, max_calls=9, run_path=run, check=False, inner=3)
    yield Decode(source=run)
    yield DecodeStep(path=run, k=2, image=1, load=False)
    yield Decode(source=run, request=plain, tol=1e-3, max_calls=9, run_path=run)
    yield Likelihood(model="tiny", rgb=RGB, prompt="a cat", label="round", probes=2, tol=0.1, seed=4, sigma_min=0.5)
    yield Likelihood(model="tiny", rgb=RGB)
    yield Elbo(model="tiny", rgb=RGB, prompt="a cat", label="round", levels=9, draws=2, seed=4)
    yield Score(path=run, clip="c", aims=AIMS, pictures=(RGB, 255 - RGB), start=1, stop=2)
    yield Look(path=run, k=1, image=2, clip="c", vocabulary=("a cat", "„ein Hund“"), count=3, raw=True)
    yield Sweep(request=guided, over="scale", values=(0.0, 1.5), clip="c", aims=AIMS, guide=1, pictures=(RGB,),
                inputs=INPUTS)  # fmt: skip
    keys = (Key(seed=1, prompt="x", label="round", guidance=2.0), Key(picture=digest(RGB), temperature=0.5))
    yield Morphing(Morph(request=plain, keys=keys, frames=9, way="linear", loop="back"), {digest(RGB): RGB})
    yield MeasureCalls(plain)
    yield LoadModel("tiny")
    yield HashFile(folder / "model.safetensors")
    yield OpenCheckpoint("tiny", folder / "model.safetensors", "bfloat16", folder / "vae.safetensors")
    yield LoadClip("c")
    yield Suggest(model="tiny", words=("portrait", "sofa"), count=2)
    yield LabFields((FieldView(data, 0.5, 3.0, seen=True), FieldView(Data("spiral"), 1.0, 2.0)))
    yield LabRun(data, lab_request, 5, 2)
    yield LabWalk(data, 5, 1, 3.0, sigma=0.25, steps=3, delta=0.2, rate=5.0)
    yield LabCoverage(data, 7)
    yield LabSave(folder / "lab.webp", (RGB, 255 - RGB), "{}")


def same(a: Any, b: Any) -> bool:
    """Whether two values are of one type and equal, arrays by their numbers."""
    if type(a) is not type(b):
        return False
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def test_every_kind_goes_to_json_and_back(tiny_model: ModelInfo, tmp_path: Path) -> None:
    seen: set[str] = set()
    for n, job in enumerate(jobs_of(tiny_model, tmp_path)):
        path = tmp_path / "queue" / f"{n}.json"
        serial.save(job, path)
        again = serial.load(path)
        assert same(again, job), job
        assert dataclasses.is_dataclass(job)
        text = path.read_bytes()
        serial.save(again, path)
        assert path.read_bytes() == text, "equal jobs give equal text"
        seen.add(job.kind)
    assert seen == set(KINDS), "a new kind needs a line in jobs_of()"
    assert not list((tmp_path / "queue").glob("*.part"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_its_class_and_its_doer(kind: str) -> None:
    job_class = class_of(kind)
    assert job_class.kind == kind
    assert issubclass(job_class, Job)
    assert dataclasses.is_dataclass(job_class)
    assert job_class.__dataclass_params__.frozen
    assert callable(doer_of(object.__new__(job_class)))


def test_one_picture_is_kept_once_whatever_number_of_jobs_name_it(tiny_model: ModelInfo, tmp_path: Path) -> None:
    for n in range(3):
        serial.save(Likelihood(model="tiny", rgb=RGB, seed=n), tmp_path / f"{n}.json")
    assert [path.stem for path in tmp_path.glob("*.npy")] == [digest(RGB)]


def perform_saved(path: Path) -> None:
    for _ in Session("cpu").perform(serial.load(path)):
        pass


def records(path: Path) -> list[Any]:
    """All that a run file holds but its times and its own name: heads and arrays."""
    reader = RunReader(path, verify=True)
    found: list[Any] = [reader.header["environment"], reader.request, reader.ended, reader.start()[0].tobytes()]
    inputs = reader.inputs()
    if inputs is not None:
        found += [inputs.source.tobytes(), inputs.mask is not None and inputs.mask.tobytes(), inputs.box]
    for k, step in enumerate(reader.steps):
        arrays = (reader.x(k), reader.x0(k), reader.x0_raw(k), reader.next(k))
        found.append((step.i, step.s, step.s2, step.kind, step.nfe, step.s_eval))
        found += [array.tobytes() for array in arrays]
    return found


def test_an_edit_runs_from_its_json_alone_in_another_process_to_the_same_bits(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    info = next(info for info in embedded_models() if info.id == "emoji")
    side = info.width
    rgb = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[: side // 2] = 255
    inputs = Inputs(rgb, mask)
    draft = Draft.for_model(info, prompt="red apple", method="replacement", steps=3, seed=3, enlarge=False)
    request = resolve(draft, info, inputs)
    here = Generate(request=request, run_path=tmp_path / "here.twrun", inputs=inputs)
    list(Session("cpu").perform(here))
    there = dataclasses.replace(here, run_path=tmp_path / "there.twrun", pictures=tmp_path / "pictures")
    serial.save(there, tmp_path / "queue" / "job.json")
    elsewhere(perform_saved, tmp_path / "queue" / "job.json")
    assert records(tmp_path / "there.twrun") == records(tmp_path / "here.twrun")
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 1

    # and a fork of it, which reads the run file that the other process wrote
    fork = Fork(source=tmp_path / "there.twrun", at=1, run_path=tmp_path / "fork-here.twrun")
    list(Session("cpu").perform(fork))
    serial.save(dataclasses.replace(fork, run_path=tmp_path / "fork-there.twrun"), tmp_path / "queue" / "fork.json")
    elsewhere(perform_saved, tmp_path / "queue" / "fork.json")
    assert records(tmp_path / "fork-there.twrun") == records(tmp_path / "fork-here.twrun")


# what is no job

GOOD = '{"format":1,"job":{"clip":"c"},"kind":"load-clip"}'


def nothing(name: str) -> np.ndarray:
    raise AssertionError("no array is read")


def test_the_plain_form_is_this() -> None:
    assert serial.to_json(LoadClip("c"), lambda array: "") == GOOD
    assert serial.from_json(GOOD, nothing) == LoadClip("c")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a job"),
        ("\x00\xff", "not a job"),
        ("[" * 100_000, "not a job"),
        ("[]", "cannot read this job"),
        ("null", "cannot read this job"),
        ('{"format":2,"job":{"clip":"c"},"kind":"load-clip"}', "version"),
        ('{"format":1,"job":{"clip":"c"},"kind":"load-clip","more":1}', "version"),
        ('{"format":1,"job":{"clip":"c"},"kind":7}', "no kind"),
        ('{"format":1,"job":{"clip":"c"},"kind":"os.system"}', "no job of the kind “os.system”"),
        ('{"format":1,"job":null,"kind":"load-clip"}', "“load-clip” is damaged"),
        ('{"format":1,"job":{},"kind":"load-clip"}', "lacks clip"),
        ('{"format":1,"job":{"clip":"c","run":1},"kind":"load-clip"}', "unknown fields (run)"),
        ('{"format":1,"job":{"clip":7},"kind":"load-clip"}', "its clip has the wrong type"),
    ],
)
def test_what_is_no_job_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(JobError) as raised:
        serial.from_json(text, nothing)
    sentence = str(raised.value)
    assert says in sentence
    assert sentence[0].isupper()
    assert "\n" not in sentence


def spoilt(value: Any) -> Iterator[Any]:
    """Every way to put something else in the place of one part of a JSON value."""
    for other in (None, True, -1, 1e300, "x", [], {}, [[0]], {"array": "../../etc/passwd"}):
        if other != value:
            yield other
    if isinstance(value, dict):
        for key in value:
            for other in spoilt(value[key]):
                yield value | {key: other}
            yield {name: each for name, each in value.items() if name != key}
        yield value | {"more": 1}
    elif isinstance(value, list) and value:
        for other in spoilt(value[0]):
            yield [other, *value[1:]]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_spoilt_in_a_job_it_is_a_job_or_one_sentence(
    kind: str, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    arrays: dict[str, np.ndarray] = {}

    def keep(array: np.ndarray) -> str:
        arrays[digest(array)] = array
        return digest(array)

    def find(name: str) -> np.ndarray:
        if name not in arrays:
            raise JobError("A picture of this job is missing: create the job again.")
        return arrays[name]

    for job in jobs_of(tiny_model, tmp_path):
        if job.kind != kind:
            continue
        whole = json.loads(serial.to_json(job, keep))
        for fields in spoilt(whole["job"]):
            text = json.dumps(whole | {"job": fields})
            sentence, again = read(text, find)
            assert again is None or type(again) is type(job)
            assert again is not None or (sentence[0].isupper() and "\n" not in sentence), text


def read(text: str, find: Callable[[str], np.ndarray]) -> tuple[str, Job | None]:
    """Why it is no job, or the job."""
    try:
        return "", serial.from_json(text, find)
    except EngineError as error:
        return str(error), None


def test_an_array_that_is_missing_damaged_or_another_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    serial.save(Likelihood(model="tiny", rgb=RGB), path)
    (array,) = tmp_path.glob("*.npy")
    whole = array.read_bytes()
    for content in (None, b"", whole[:100], whole[:-1] + bytes([whole[-1] ^ 1]), b"PK\x03\x04" + whole,
                    whole.replace(b"16, 16, 3", b"9999999, 99"), whole.replace(b"'|u1'", b"'|O8'")):  # fmt: skip
        array.unlink(missing_ok=True)
        if content is not None:
            array.write_bytes(content)
        with pytest.raises(JobError, match=r"A picture of this job (is|has) .*: create the job again\."):
            serial.load(path)
    array.write_bytes(whole)
    np.testing.assert_array_equal(serial.load(path).rgb, RGB)  # type: ignore[attr-defined]


def test_an_array_of_another_kind_of_numbers_is_refused(tmp_path: Path) -> None:
    serial.save(Likelihood(model="tiny", rgb=RGB.astype(np.float32)), tmp_path / "job.json")
    with pytest.raises(JobError, match="rgb is an array of float32"):
        serial.load(tmp_path / "job.json")


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        serial.save(LoadClip("c"), tmp_path / "file" / "job.json")
    (tmp_path / "job.json").mkdir()
    with pytest.raises(OSError, match=r"job\.json"):
        serial.save(LoadClip("c"), tmp_path / "job.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "job.json"]


def test_reading_a_job_needs_no_torch(tmp_path: Path) -> None:
    serial.save(LoadClip("c"), tmp_path / "job.json")
    code = (
        "import sys; from pathlib import Path; from engine.jobs.serial import load;"
        "assert load(Path(sys.argv[1])).clip == 'c'; sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "job.json")]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == 0
