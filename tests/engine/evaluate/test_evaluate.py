"""Evaluations of a model: the lists, batches that equal pictures drawn alone, and the report, end to end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from engine.__main__ import main
from engine.evaluate.batches import PictureSpec, draw, held_out_specs, paraphrase_specs, specs_by_name
from engine.evaluate.dataset_pictures import RealPictures
from engine.evaluate.judge import Judge
from engine.evaluate.model_figures import Evaluation
from engine.evaluate.plots import plot_front
from engine.models.net import build
from engine.pareto import Point, front
from engine.session import Session
from engine.spec.catalog import ModelInfo, read_model
from engine.spec.draft import Draft, resolve
from engine.train import judge_job
from engine.train.export import export
from engine.train.judge import JudgeSettings
from engine.train.judge_job import JudgeJob
from engine.train.pictures import write

LABELS = ("round", "square")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of twenty names in two labels, each its own noise; the square picture of every fifth name held out."""
    folder = tmp_path_factory.mktemp("data")
    noise = torch.randint(0, 256, (40, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rows = [
        {"name": f"thing {k // 2:02}", "label": LABELS[k % 2], "captions": [], "held_out": k % 10 == 1}
        for k in range(40)
    ]
    table = {"id": "things", "title": "Things", "labels": LABELS, "label_kind": "class", "rows": rows}
    write(folder, noise.numpy(), table | {"paraphrases": [["a gadget", "thing 03"], ["a gizmo", "thing 04"]]})
    return folder


@pytest.fixture(scope="module")
def judge(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("judge")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge_job, "WIDTHS", (16, 32))
        JudgeJob(data=folder, out=out, settings=JudgeSettings(steps=3, batch=8)).run(lambda line: None)
    return out


def test_the_lists_are_fixed_by_the_seed_and_hold_the_right_pairs(folder: Path) -> None:
    real = RealPictures.of(folder, 32)
    specs = specs_by_name(real, 10, True)
    assert specs == specs_by_name(real, 10, True)
    assert specs != specs_by_name(real, 10, True, seed=1)
    assert len({spec.name for spec in specs}) == 10
    assert [spec.seed for spec in specs] == list(range(10))
    assert all((real.names[spec.row], real.labels[spec.row]) == (spec.text, spec.label) for spec in specs)
    unseen, seen = held_out_specs(real, 100, True)
    assert [spec.row for spec in unseen] == real.rows(True).tolist()
    assert [spec.name for spec in seen] == [spec.name for spec in unseen]
    assert not any(real.held_out[spec.row] for spec in seen)
    assert [(spec.text, spec.name) for spec in paraphrase_specs(real, 9)] == [
        ("a gadget", "thing 03"),
        ("a gizmo", "thing 04"),
    ]


def test_without_text_the_classes_come_in_turn(folder: Path) -> None:
    specs = specs_by_name(RealPictures.of(folder, 32), 60, False)
    assert set(Counter(spec.name for spec in specs).values()) == {3}
    assert {spec.text for spec in specs} == {""}


def test_a_picture_of_a_mixed_batch_equals_the_picture_drawn_alone(tiny_model: ModelInfo) -> None:
    session = Session("cpu", [tiny_model])
    specs = [
        PictureSpec("red apple", "round", 3, "", 0),
        PictureSpec("", None, 9, "", 0),
        PictureSpec("a blue house", "square", 4, "", 0),
    ]
    together = draw(session, tiny_model, specs, {"guidance": 2.0, "steps": 4})
    for spec, picture in zip(specs, together, strict=True):
        draft = Draft.for_model(
            tiny_model, prompt=spec.text, label=spec.label, seed=spec.seed, batch=1, guidance=2.0, steps=4
        )
        *_, last = session.generate(resolve(draft, tiny_model))
        assert (last.move.x[0].clamp(-1, 1) - picture).abs().max() < 2 / 255
    assert (together[0] - together[2]).abs().max() > 0.1


def test_a_folder_is_evaluated_from_the_command_line(
    tiny_model: ModelInfo, folder: Path, judge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tiny_model.folder), "--data", str(folder), "--judge", str(judge), "--pairs", "8"]
    assert main([*words, "--steps", "2", "--sweep", str(tmp_path / "sweep.png"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    rates = figures["rates"]
    assert {name: f["n"] for name, f in rates.items()} == {
        "evaluation": 8,
        "held out": 4,
        "trained": 4,
        "paraphrases": 2,
    }
    for f in rates.values():
        assert 0 <= f["first unmerged"] <= f["among five unmerged"] <= 1
        assert f["first interval"][0] <= f["first"] <= f["first interval"][1]
    assert figures["law"]["n"] == 12
    assert figures["law"]["fid"] > 0
    assert figures["law"]["real fid"] > 0
    held = figures["memory"]["real pictures held out"]
    assert held["n"] == 4
    assert 0 < held["distance"][0] <= held["distance"][2]
    assert [point["guidance"] for point in figures["sweep"]] == [float(g) for g in range(1, 11)]
    assert figures["settings"]["steps"] == 2
    assert figures["ceiling"] == Judge.of(judge).card["ceiling"]
    with Image.open(tmp_path / "sweep.png") as picture:
        assert picture.size == (760, 520)


def test_the_report_begins_with_the_judges_figures_on_real_pictures(
    tiny_model: ModelInfo, folder: Path, judge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tiny_model.folder), "--data", str(folder), "--judge", str(judge), "--pairs", "4"]
    assert main([*words, "--steps", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("The judge, on real pictures")
    assert [part for part in ("N = 4", "FID", "KID", "precision", "Nearest training picture") if part not in out] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bogus"], "no model “bogus”"),
        (["emoji", "--pairs", "2"], "ask for 4 pairs or more"),
        (["emoji", "--judge", "bogus"], "train one with run.py train-judge"),
        (["emoji", "--data", "bogus"], "build it with run.py data build"),
    ],
)
def test_an_impossible_evaluation_raises_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *words, "--json"]) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert len(error.splitlines()) == 1


def test_the_pareto_front_holds_the_undominated_points() -> None:
    points = [Point("a", 1, 1), Point("b", 2, 3), Point("c", 3, 2), Point("d", 2, 2), Point("e", 5, 4)]
    assert [point.name for point in front(points)] == ["a", "b", "e"]


def test_a_plot_shows_its_points(tmp_path: Path) -> None:
    some = [Point("1", 3, 0.2), Point("2", 1, 0.5)]
    plot_front(some, "t", "x", "y", tmp_path / "a.png")
    plot_front([some[0]._replace(x=2.0), some[1]], "t", "x", "y", tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_outlines_are_compared_where_model_and_data_have_alpha(folder: Path, judge: Path, tmp_path: Path) -> None:
    """A net that sees nothing draws what its bias says: alpha on the left half of each patch, as all real ones have."""
    noise = torch.randint(0, 256, (40, 32, 32, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    noise[..., 3] = 255 * (torch.arange(32) % 8 < 4)
    table = json.loads((folder / "rows.json").read_text())
    write(tmp_path / "data", noise.numpy(), table)
    shape = {"type": "patch-transformer", "side": 32, "patch": 8, "channels": 4, "width": 32, "depth": 1, "head": 16}
    shape |= {"text_length": 16, "text_width": 384, "labels": 2, "detail": 0}
    weights = {name: torch.zeros_like(value) for name, value in build(shape).state_dict().items()}
    weights["out.bias"] = torch.cat([torch.zeros(3 * 64), 2.0 * (torch.arange(8) < 4).repeat(8) - 1])
    config: dict[str, Any] = {"id": "things", "title": "Things", "kind": "embedded", "size": [32, 32], "net": shape}
    config |= {"schedule": {"type": "flow"}, "predicts": "x0", "codec": {"type": "pixel"}, "examples": []}
    config["conditioning"] = {"text": {"encoder": "minilm", "length": 16}, "labels": LABELS, "label_kind": "class"}
    config["defaults"] = {"sampler": "ddim", "spacing": "log", "steps": 2, "guidance": 1.0}
    export(weights, config | {"defaults": config["defaults"] | {"sigma_min": 0.02, "sigma_max": 80.0}}, (), tmp_path)
    info, real = read_model(tmp_path), RealPictures.of(tmp_path / "data", 32)
    assert real.pictures.shape == (40, 3, 32, 32)
    evaluation = Evaluation(info, Judge.of(judge), real, Session("cpu", [info]), {})
    figures = evaluation.run(evaluation.lists(4))
    assert figures["alpha"]["trained"] == {"n": 4, "of the pair asked": 1.0, "of the nearest": 1.0}
    assert real.alpha is not None
    half = replace(real, alpha=torch.where(torch.arange(32) % 8 < 2, real.alpha, -1.0))
    outlines = replace(evaluation, real=half).run(evaluation.lists(4))["alpha"]["evaluation"]
    assert outlines["of the pair asked"] == pytest.approx(0.5)
