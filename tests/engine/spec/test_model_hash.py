"""A model's hash knows everything that changes a pixel, and Requests of older versions still find the box's models."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.session import Session
from engine.spec.catalog import ModelInfo, embedded_models, read_model, resource_root
from engine.spec.draft import Draft, resolve
from engine.spec.guide_models import classifiers, clips
from engine.spec.guides import ClassGuide, ClipGuide, guide_from_dict
from engine.spec.model_hash import _FORMER, current_hash, encoder_files, model_hash
from engine.spec.request import Request, RequestError

BOX = {info.id: info for info in embedded_models()}
EMOJI = json.loads((resource_root() / "models" / "emoji" / "config.json").read_text(encoding="utf-8"))
CLIP = json.loads((resource_root() / "clips" / "emoji-noised" / "config.json").read_text(encoding="utf-8"))


def changed(config: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    other = copy.deepcopy(config)
    change(other)
    assert other != config
    return other


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["sha256"].update({"model.safetensors": "0" * 64}),
        lambda c: c["schedule"].update(type="vp"),
        lambda c: c["schedule"].update(sigma_max=10.0),
        lambda c: c.update(predicts="v"),
        lambda c: c["net"].update(head=24),
        lambda c: c["codec"].update(type="linear"),
        lambda c: c["conditioning"]["labels"].reverse(),
        lambda c: c["conditioning"]["text"].update(length=8),
        lambda c: c["cascade"]["schedule"].update(type="vp"),
        lambda c: c["cascade"].update(predicts="v"),
        lambda c: c["cascade"]["net"].update(factor=2),
        lambda c: c.update(kind="another"),
        lambda c: c.update(something_new=1),
    ],
)
def test_what_changes_a_pixel_changes_the_hash(change: Callable[[dict[str, Any]], object]) -> None:
    assert model_hash(changed(EMOJI, change)) != model_hash(EMOJI)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(title="Another name"),
        lambda c: c.update(id="another"),
        lambda c: c["examples"].reverse(),
        lambda c: c["defaults"].update(steps=99),
        lambda c: c["cascade"]["defaults"].update(steps=99),
        lambda c: c["conditioning"].update(label_kind="kind"),
    ],
)
def test_what_people_and_menus_read_does_not(change: Callable[[dict[str, Any]], object]) -> None:
    assert model_hash(changed(EMOJI, change)) == model_hash(EMOJI)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(noisy=False),
        lambda c: c.update(least_sigma=0.5),
        lambda c: c["preprocess_cfg"]["mean"].reverse() or c["preprocess_cfg"].update(std=[0.4, 0.5, 0.5]),
        lambda c: c["model_cfg"]["vision_cfg"].update(pool_type="tok"),
    ],
)
def test_so_it_is_for_guides(change: Callable[[dict[str, Any]], object]) -> None:
    assert model_hash(changed(CLIP, change)) != model_hash(CLIP)


def test_the_files_of_the_text_encoder_are_in_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_hash(EMOJI), model_hash(CLIP)
    monkeypatch.setattr("engine.spec.model_hash.encoder_files", lambda folder: {"model.safetensors": "0" * 64})
    assert model_hash(EMOJI) != before[0]
    assert model_hash(CLIP) != before[1]


def test_the_text_encoder_lists_the_files_that_it_has() -> None:
    for folder in (resource_root() / "text").iterdir():
        listed = encoder_files(folder)
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(listed)
        for name, sha256 in listed.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256


def request_of(info: ModelInfo) -> Request:
    return resolve(Draft.for_model(info, label=info.labels[0], seed=0, batch=1), info)


def test_settings_are_not_replayed_by_a_model_with_another_schedule_and_prediction(tmp_path: Path) -> None:
    folder = tmp_path / "fashion"
    shutil.copytree(BOX["fashion"].folder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"schedule": {"type": "vp"}, "predicts": "v"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    session = Session("cpu", [read_model(folder)])
    with pytest.raises(RequestError, match="belong to another version of the model “fashion”: choose the model again"):
        next(session.generate(request_of(BOX["fashion"])))


def files_alone(config: dict[str, Any]) -> str:
    """The hash as it was before it covered the whole config."""
    return hashlib.sha256(json.dumps(sorted(config["sha256"].items()), separators=(",", ":")).encode()).hexdigest()


def test_requests_of_older_versions_find_the_embedded_models() -> None:
    known = 0
    for info in BOX.values():
        former = files_alone(info.config)
        if former not in _FORMER:  # put into the box later
            continue
        known += 1
        assert current_hash(former) == info.sha256
        request = request_of(info)
        old = request.to_dict() | {"model_sha256": former}
        assert Request.from_dict(old) == request
        assert Request.from_dict(request.to_dict()) == request
    assert known


def test_so_do_those_of_guides() -> None:
    for info in (*clips(), *classifiers()):
        former = files_alone(info.config) if info.config else ""
        if former not in _FORMER:
            continue
        guide: ClipGuide | ClassGuide
        if info.labels:
            guide = ClassGuide(classifier=info.id, sha256=info.sha256, label=info.labels[0])
            data = {name: getattr(guide, name) for name in guide.__dataclass_fields__}
            assert guide_from_dict(data | {"sha256": former}) == guide
        else:
            assert current_hash(former) == info.sha256


def test_an_unknown_hash_is_unchanged() -> None:
    request = replace(request_of(BOX["fashion"]), model_sha256="ab" * 32)
    assert Request.from_dict(request.to_dict()) == request
