"""Settings come back as they were; a damaged file costs nothing but the settings in it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from pytestqt.qtbot import QtBot

from app.core.toolset import Choices, Held
from app.settings import Settings, SettingsError, Values, from_text, load, parse, to_text, write
from app.ui.canvas.tools import toolset
from engine.draft import Draft
from engine.guides import Aim, ClassGuide, ClipGuide, Law

DRAFT = Draft(model="fake", prompt="red apple", sampler="ddim", spacing="karras", steps=5, guidance=3.0, seed=2**40)
FURTHER = replace(
    DRAFT, model="third", guidance_interval=(0.3, 5.0), threshold="dynamic", quantile=0.9, temperature=2.0
)
ALL = Values(
    theme="dark",
    scaling="smooth",
    seed_locked=True,
    model="fake",
    drafts={
        "fake": DRAFT,
        "other": replace(DRAFT, model="other", label="noto", options=(("eta", 0.5),)),
        "third": FURTHER,
    },
    tools=Held(
        tool="noise",
        choices={"brush": Choices(size=7, hardness=0.25), "fill": Choices(tolerance=9, everywhere=True)},
        colour=(200, 30, 4),
        edge=17,
    ),
    geometry="AAE=",
    window_state="AAI=",
)


def test_a_draft_of_an_older_studio_gets_the_defaults_of_what_it_did_not_know() -> None:
    text = json.loads(json.dumps({"version": 1, "drafts": {"fake": asdict(DRAFT)}}))
    for name in ("options", "temperature", "guidance_interval", "threshold", "quantile"):
        del text["drafts"]["fake"][name]
    assert parse(json.dumps(text)).drafts == {"fake": DRAFT}


@pytest.mark.parametrize("options", [{"eta": 1}, [["eta"]], [["eta", "1"]], [[1, 1.0]], "eta", None])
def test_damaged_options_are_refused(options: object) -> None:
    with pytest.raises(SettingsError, match="options"):
        parse(json.dumps({"version": 1, "drafts": {"fake": asdict(DRAFT) | {"options": options}}}))


@pytest.mark.parametrize("interval", [[1], [1, 2, 3], ["1", 2], 3, {}, [True, 2]])
def test_a_damaged_interval_is_refused(interval: object) -> None:
    with pytest.raises(SettingsError, match="guidance_interval"):
        parse(json.dumps({"version": 1, "drafts": {"fake": asdict(DRAFT) | {"guidance_interval": interval}}}))


def test_guides_survive_and_damaged_ones_are_refused() -> None:
    clip = ClipGuide(clip="c", aims=(Aim("a cat", weight=-1.5),), law=Law.of("window", low=0.5))
    draft = replace(DRAFT, guides=(clip, ClassGuide(classifier="k", label="noto")))
    text = json.dumps({"version": 1, "drafts": {"fake": asdict(draft)}})
    assert parse(text).drafts == {"fake": draft}
    for guides in ({}, [{}], [3], None, [asdict(clip) | {"scale": "1"}], [asdict(clip)] * 9):
        with pytest.raises(SettingsError, match="guides"):
            parse(json.dumps({"version": 1, "drafts": {"fake": asdict(DRAFT) | {"guides": guides}}}))


def test_every_setting_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "settings.json"
    write(path, ALL)
    assert load(path) == (ALL, "")
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_a_first_start_has_the_defaults_and_no_complaint(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.json") == (Values(), "")


def good() -> dict[str, object]:
    return {"version": 1, "theme": "dark"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "\x00\xff",
        json.dumps({"theme": "dark"}),
        json.dumps(good() | {"version": 2}),
        json.dumps(good() | {"theme": "purple"}),
        json.dumps(good() | {"seed_locked": 1}),
        json.dumps(good() | {"geometry": None}),
        json.dumps(good() | {"colour": "red"}),
        json.dumps(good() | {"drafts": []}),
        json.dumps(good() | {"drafts": {"fake": {"prompt": "x"}}}),
    ],
)
def test_a_damaged_file_is_kept_aside_and_said(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="utf-8")
    values, complaint = load(path)
    assert values == Values()
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith("settings-damaged-")
    assert aside.read_text(encoding="utf-8") == text
    assert str(aside) in complaint


@pytest.mark.parametrize(
    ("tools", "what"),
    [
        ([], "tools"),
        ({"hand": "left"}, "tools"),
        ({"tool": 3}, "tool"),
        ({"choices": []}, "choices"),
        ({"choices": {"brush": 3}}, "brush"),
        ({"choices": {"brush": {"length": 3}}}, "brush"),
        ({"choices": {"brush": {"size": "large"}}}, "size"),
        ({"choices": {"brush": {"size": 3.5}}}, "size"),
        ({"choices": {"brush": {"size": 0}}}, "size"),
        ({"choices": {"brush": {"size": 10**9}}}, "size"),
        ({"choices": {"brush": {"hardness": float("nan")}}}, "hardness"),
        ({"choices": {"brush": {"opacity": True}}}, "opacity"),
        ({"choices": {"fill": {"everywhere": 1}}}, "everywhere"),
        ({"colour": [1, 2]}, "colour"),
        ({"colour": [1, 2, 256]}, "colour"),
        ({"colour": [1, 2, 3.0]}, "colour"),
        ({"colour": "red"}, "colour"),
        ({"edge": 0}, "edge"),
        ({"edge": None}, "edge"),
    ],
)
def test_damaged_tools_fall_back_and_are_said(tools: object, what: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(good() | {"tools": tools}), encoding="utf-8")
    values, complaint = load(path)
    assert values == Values()
    assert f"“{what}”" in complaint


def test_tools_of_an_older_studio_get_the_defaults_of_what_it_did_not_know() -> None:
    text = json.dumps({"version": 1, "tools": {"choices": {"brush": {"size": 7}}}})
    assert parse(text).tools == Held(choices={"brush": Choices(size=7)})


def test_a_tool_that_there_is_no_longer_costs_nothing_but_itself(qapp: object) -> None:
    at_first, tools = toolset(), toolset()
    tools.restore(Held(tool="airbrush", choices={"airbrush": Choices(size=9), "brush": Choices(size=7)}))
    assert tools.tool == at_first.tool
    assert tools.of("brush").size == 7
    assert tools.of("noise") == at_first.of("noise")
    assert "airbrush" not in tools.held.choices


@pytest.mark.parametrize(("name", "value"), [("steps", "five"), ("steps", True), ("label", 3), ("guidance", "1")])
def test_a_draft_with_a_wrong_type_is_damage(name: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write(path, ALL)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["drafts"]["fake"][name] = value
    with pytest.raises(ValueError, match=name):
        parse(json.dumps(data))


def test_a_setting_that_an_older_file_lacks_has_its_default() -> None:
    assert parse('{"version": 1, "theme": "dark"}') == Values(theme="dark")


def test_changes_are_told_by_name_once_and_written_once(tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "settings.json"
    settings = Settings(path)
    told: list[object] = []
    settings.changed.connect(told.append)
    settings.update(theme="dark", scaling="nearest")
    settings.update(theme="dark")
    settings.update(scaling="smooth", seed_locked=True)
    assert told == [{"theme"}, {"scaling", "seed_locked"}]
    assert not path.exists(), "a flurry is one write"
    qtbot.waitUntil(path.exists)
    assert load(path) == (settings.values, "")
    stamp = path.stat().st_mtime_ns
    settings.flush()
    assert path.stat().st_mtime_ns == stamp, "nothing new, nothing written"


def test_flush_writes_what_still_waits(tmp_path: Path, qapp: object) -> None:
    path = tmp_path / "settings.json"
    settings = Settings(path)
    settings.update(theme="light")
    settings.flush()
    assert load(path)[0].theme == "light"


def test_a_write_that_fails_is_said_and_leaves_the_old_file(tmp_path: Path, qapp: object) -> None:
    path = tmp_path / "file" / "settings.json"
    (tmp_path / "file").write_text("not a folder")
    settings = Settings(path)
    said: list[str] = []
    settings.save_failed.connect(said.append)
    settings.update(theme="light")
    settings.flush()
    assert len(said) == 1
    assert str(path) in said[0]


def test_window_state_is_text_and_back() -> None:
    state = QByteArray(b"\x00\x01\xff")
    assert from_text(to_text(state)) == state
    assert from_text("not base64!").isEmpty()
    assert from_text("").isEmpty()
