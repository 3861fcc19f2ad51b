"""Runs of a Session: written step by step, resumed in another process, forked, cancelled, refused."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.rules import menu
from engine.run import Cancelled
from engine.session import OutOfMemory, Session
from engine.spec.catalog import CatalogError, ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from engine.types import Step
from tests.engine.elsewhere import Elsewhere, finals_of_forks

pytestmark = pytest.mark.usefixtures("two_threads")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def session(tiny_model: ModelInfo) -> Session:
    return Session("cpu", [tiny_model])


def request_for(info: ModelInfo, **choices: object) -> Request:
    draft = Draft.for_model(info, prompt="red apple", label="round", negative="blue", seed=7, batch=2)
    return resolve(replace(draft, **choices), info)  # type: ignore[arg-type]


def last(steps: Iterator[Step]) -> torch.Tensor:
    *_, final = steps
    return final.move.x


@pytest.mark.parametrize("name", menu())
def test_a_run_repeats_bit_for_bit_and_is_in_its_file(
    name: str, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    request = request_for(tiny_model, sampler=name)
    steps = list(session.generate(request, tmp_path / "a.twrun"))
    assert torch.equal(last(session.generate(request)), steps[-1].move.x)
    reader = RunReader(tmp_path / "a.twrun")
    assert reader.request == request
    assert reader.ended == "finished"
    assert reader.header["environment"]["threads"] == torch.get_num_threads()
    for k, step in enumerate(steps):
        assert np.array_equal(reader.x(k), step.x.numpy())
        assert np.array_equal(reader.next(k), step.move.x.numpy())
        assert np.array_equal(reader.x0(k), step.move.x0.numpy())
        assert np.array_equal(reader.x0_raw(k), step.x0_raw.numpy())
        assert step.hop.kind == "renoise" or not np.array_equal(reader.x0_raw(k), reader.x0(k))
        assert len(reader.past(k)) == len(step.past)
    assert sum(info.nfe for info in reader.steps) == request.evaluations


def test_every_step_of_every_rule_resumes_bit_identically_in_another_process(
    session: Session, tiny_model: ModelInfo, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    expected, paths = [], []
    for name in menu():
        path = tmp_path / f"{name}.twrun"
        final = last(session.generate(request_for(tiny_model, sampler=name), path))
        digest = hashlib.sha256(final.numpy().tobytes()).hexdigest()
        expected += [f"{name} {k} {digest}" for k in range(len(RunReader(path).steps))]
        paths.append(path)
    assert elsewhere(finals_of_forks, tiny_model.folder, paths) == expected


def test_an_image_of_a_batch_is_the_picture_made_alone(session: Session, tiny_model: ModelInfo) -> None:
    together = request_for(tiny_model, batch=3)
    pictures = session.picture(together, last(session.generate(together)))
    for k, seed in enumerate(together.seeds):
        alone = replace(together, seeds=(seed,))
        picture = session.picture(alone, last(session.generate(alone)))[0]
        difference = np.abs(picture.astype(int) - pictures[k].astype(int))
        assert (difference <= 1).mean() >= 0.999


@pytest.mark.parametrize("k", [0, 2, 4])
def test_an_unchanged_fork_is_the_parent_and_a_changed_one_is_not(
    k: int, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    request = request_for(tiny_model)
    final = last(session.generate(request, tmp_path / "parent.twrun"))
    same = session.fork(tmp_path / "parent.twrun", k, run_path=tmp_path / "same.twrun")
    assert torch.equal(last(same), final)
    other = replace(request, prompt="rocket")
    assert not torch.equal(last(session.fork(tmp_path / "parent.twrun", k, other, tmp_path / "other.twrun")), final)
    reader = RunReader(tmp_path / "other.twrun")
    assert reader.header["parent"] == {"run": "parent", "step": k}
    assert [info.i for info in reader.steps] == list(range(k, 5))


@pytest.mark.parametrize("calls", [0, 3])
def test_cancelling_keeps_the_finished_steps(
    calls: int, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    stop = threading.Event()
    if calls == 0:
        stop.set()

    def stopping() -> Iterator[Step]:
        for step in session.generate(request_for(tiny_model), tmp_path / "run.twrun", stop.is_set):
            if step.i + 1 == calls:
                stop.set()
            yield step

    with pytest.raises(Cancelled):
        list(stopping())
    reader = RunReader(tmp_path / "run.twrun")
    assert reader.ended == "cancelled"
    assert len(reader.steps) == calls


@pytest.mark.parametrize("cut", [1, 37, 400, 3000])
def test_a_run_torn_anywhere_resumes_to_the_same_picture(
    cut: int, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    """kill −9 in the middle of a write: the tail is cut at the last whole record."""
    path = tmp_path / "run.twrun"
    final = last(session.generate(request_for(tiny_model, sampler="ipndm-4"), path))
    whole = path.read_bytes()
    end_record = len(whole) - whole.rindex(b'{"kind":"end"') + 20
    path.write_bytes(whole[: len(whole) - end_record - cut])
    torn = RunReader(path)
    assert torn.ended is None
    assert 0 < len(torn.steps) < 5
    assert torch.equal(last(session.go_on(path)), final)
    reader = RunReader(path)
    assert reader.ended == "finished"
    assert [info.i for info in reader.steps] == list(range(5))
    assert np.array_equal(reader.next(4), final.numpy())


def test_an_abandoned_run_can_be_resumed(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    request = request_for(tiny_model)
    steps = session.generate(request, tmp_path / "run.twrun")
    next(steps)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert RunReader(tmp_path / "run.twrun").ended is None
    assert torch.equal(last(session.go_on(tmp_path / "run.twrun")), last(session.generate(request)))


def test_an_impossible_run_is_refused_in_one_sentence(session: Session, tiny_model: ModelInfo) -> None:
    request = request_for(tiny_model)
    with pytest.raises(CatalogError, match="The model “gone” is not here"):
        next(session.generate(replace(request, model="gone")))
    with pytest.raises(RequestError, match="another version of the model"):
        next(session.generate(replace(request, model_sha256="0" * 64)))
    with pytest.raises(RequestError, match="no sampler “magic”"):
        next(session.generate(replace(request, sampler="magic")))
    with pytest.raises(RequestError, match="has no label “oval”"):
        next(session.generate(replace(request, label="oval")))


def test_running_out_of_memory_is_one_sentence_and_the_file_says_failed(
    session: Session, tiny_model: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> torch.Tensor:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory")

    model = session.load(tiny_model)
    monkeypatch.setattr(type(model.denoiser), "__call__", exhausted)
    with pytest.raises(OutOfMemory, match="make fewer images at once"):
        list(session.generate(request_for(tiny_model), tmp_path / "run.twrun"))
    assert RunReader(tmp_path / "run.twrun").ended == "failed"
    monkeypatch.undo()
    assert len(list(session.generate(request_for(tiny_model)))) == 5  # and the session lives


def test_guidance_of_one_costs_one_pass_and_guidance_two(session: Session, tiny_model: ModelInfo) -> None:
    for guidance, passes in ((1.0, 5), (3.0, 10)):
        planned = session.plan(request_for(tiny_model, guidance=guidance))
        assert planned.price.passes == passes
        rows: list[int] = []
        net = planned.meter.d
        planned.meter.d = lambda x, s, c=None, net=net, rows=rows: (rows.append(len(x)), net(x, s, c))[1]
        list(planned.steps())
        assert sum(rows) == passes * 2
