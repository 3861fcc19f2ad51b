"""Settings are restored exactly; a damaged setting loses only itself."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import QByteArray
from pytestqt.qtbot import QtBot

from app.core.canvas.toolset import ToolChoices, ToolsetState
from app.settings import Settings, SettingsError, Values, declarations, from_text, load, peek, read, to_text, write
from app.settings.file import MAX_BYTES
from app.settings.subjects import SUBJECTS
from app.ui.canvas.tools import toolset
from engine.spec.adapter import AdapterUse
from engine.spec.draft import LIMITS, Draft
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Law

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
    tools=ToolsetState(
        tool="noise",
        choices={"brush": ToolChoices(size=7, hardness=0.25), "fill": ToolChoices(tolerance=9, everywhere=True)},
        colour=(200, 30, 4),
        edge=17,
    ),
    geometry="AAE=",
    window_state="AAI=",
    shortcuts={"generate": ("F5", "Ctrl+Return"), "cancel": ()},
    recent_commands=("action:fit", "model:fake"),
    preview_share=4,
    pictures_folder="/pictures",
)


NEEDED = {"model", "sampler", "spacing", "steps", "guidance"}  # of a draft: they have no defaults


def assert_dropped(name: str, value: object) -> None:
    """Such a value is dropped and named. Its draft has the default there, or is lost where there is none; another
    draft beside it is whole.
    """
    damaged = asdict(DRAFT) | {name: value}
    values, lost = read(json.dumps({"version": 1, "drafts": {"fake": damaged, "other": asdict(DRAFT)}}))
    if name in NEEDED:
        assert values == Values(drafts={"other": DRAFT})
    else:
        default = next(field.default for field in fields(Draft) if field.name == name)
        assert values == Values(drafts={"fake": replace(DRAFT, **cast("Any", {name: default})), "other": DRAFT})
    assert f"“{name}”" in lost[0]
    assert "“fake”" in lost[0]


def test_a_draft_of_an_older_version_gets_defaults_for_new_fields() -> None:
    text = json.loads(json.dumps({"version": 1, "drafts": {"fake": asdict(DRAFT)}}))
    for name in ("options", "temperature", "guidance_interval", "threshold", "quantile"):
        del text["drafts"]["fake"][name]
    assert read(json.dumps(text)) == (Values(drafts={"fake": DRAFT}), [])


@pytest.mark.parametrize("options", [{"eta": 1}, [["eta"]], [["eta", "1"]], [[1, 1.0]], "eta", None])
def test_damaged_options_are_dropped(options: object) -> None:
    assert_dropped("options", options)


@pytest.mark.parametrize("interval", [[1], [1, 2, 3], ["1", 2], 3, {}, [True, 2]])
def test_a_damaged_interval_is_dropped(interval: object) -> None:
    assert_dropped("guidance_interval", interval)


def test_adapters_survive_and_damaged_ones_are_dropped() -> None:
    use = AdapterUse(name="style", sha256="ab" * 32, strength=0.5, blocks=(("M00", 0.0),))
    draft = replace(DRAFT, adapters=(use,))
    text = json.dumps({"version": 1, "drafts": {"fake": asdict(draft)}})
    assert read(text) == (Values(drafts={"fake": draft}), [])
    whole = asdict(use)
    some: list[object] = [{}, "style", [3], [whole | {"sha256": "x"}], [whole, whole], [{"name": "style"}]]
    for damaged in some:
        assert_dropped("adapters", damaged)


def test_guides_survive_and_damaged_ones_are_dropped() -> None:
    clip = ClipGuide(clip="c", aims=(Aim("a cat", weight=-1.5),), law=Law.of("window", low=0.5))
    draft = replace(DRAFT, guides=(clip, ClassGuide(classifier="k", label="noto")))
    text = json.dumps({"version": 1, "drafts": {"fake": asdict(draft)}})
    assert read(text) == (Values(drafts={"fake": draft}), [])
    damaged: list[object] = [{}, [{}], [3], None, [asdict(clip) | {"scale": "1"}], [asdict(clip)] * 9]
    for guides in damaged:
        assert_dropped("guides", guides)


def test_every_setting_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "settings.json"
    write(path, ALL)
    assert load(path) == (ALL, "")
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_a_first_start_has_the_defaults_and_no_complaint(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.json") == (Values(), "")


def test_each_damaged_file_is_kept_under_a_higher_number(tmp_path: Path) -> None:
    for k in range(1, 12):
        (tmp_path / "settings.json").write_text(f"damage {k}", encoding="utf-8")
        assert f"settings-damaged-{k}.json" in load(tmp_path / "settings.json")[1]
    assert (tmp_path / "settings-damaged-11.json").read_text(encoding="utf-8") == "damage 11"


def good() -> dict[str, object]:
    return {"version": 1, "theme": "dark"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "\x00\xff", json.dumps({"theme": "dark"}), json.dumps(good() | {"version": 2})],
)
def test_an_unusable_settings_file_is_set_aside_with_a_notice(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="utf-8")
    values, complaint = load(path)
    assert values == Values()
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith("settings-damaged-")
    assert aside.read_text(encoding="utf-8") == text
    assert str(aside) in complaint
    assert "the defaults are used" in complaint


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ({"scaling": "blurred"}, "scaling"),
        ({"seed_locked": 1}, "seed_locked"),
        ({"geometry": None}, "geometry"),
        ({"colour": "red"}, "colour"),  # of another studio, perhaps
        ({"drafts": []}, "drafts"),
        ({"drafts": {"fake": {"prompt": "x"}}}, "fake"),
        ({"tools": 3}, "tools"),
        ({"shortcuts": ["F5"]}, "shortcuts"),
        ({"recent_commands": "fit"}, "recent_commands"),
        ({"headroom": -1}, "headroom"),
        ({"device": "abacus"}, "device"),
        ({"pictures_folder": "x" * 5000}, "pictures_folder"),
    ],
)
def test_only_the_damaged_setting_is_lost(damage: dict[str, object], what: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(good() | damage), encoding="utf-8")
    values, complaint = load(path)
    assert values == Values(theme="dark")
    assert f"“{what}”" in complaint
    assert "the rest is as it was" in complaint
    assert [p.name.startswith("settings-damaged-") for p in tmp_path.iterdir()] == [True]


def test_of_several_drafts_the_whole_ones_are_kept() -> None:
    drafts = {"fake": asdict(DRAFT), "torn": {"prompt": "x"}, "other": asdict(DRAFT) | {"steps": "five"}}
    values, lost = read(json.dumps(good() | {"drafts": drafts}))
    assert values.drafts == {"fake": DRAFT}
    assert [line.count("“torn”") + line.count("“other”") for line in lost] == [1, 1, 1]


def test_a_torn_settings_file_keeps_its_readable_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write(path, ALL)
    whole = path.read_text(encoding="utf-8")

    path.write_text(whole[: whole.index('"export_method"')], encoding="utf-8")
    torn, complaint = load(path)
    later = {name: getattr(Values(), name) for name in ("shortcuts", "recent_commands", "pictures_folder")}
    assert torn == replace(ALL, geometry="", window_state="", **later)
    assert "damaged" in complaint

    path.write_text(whole.replace('"prompt": "red apple",', '"prompt" "red apple",', 1), encoding="utf-8")
    mistyped, complaint = load(path)
    assert mistyped == replace(ALL, drafts={})
    assert "damaged" in complaint

    path.write_bytes(whole.replace("red apple", "red \x00").encode("utf-8").replace(b"\x00", b"\xff"))
    assert load(path)[0].tools == ALL.tools


@pytest.mark.parametrize(
    ("tools", "what"),
    [
        ({"hand": "left"}, "hand"),
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
def test_damaged_tool_settings_fall_back_with_a_notice(tools: dict[str, object], what: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(good() | {"tools": {"tool": "noise"} | tools}), encoding="utf-8")
    values, complaint = load(path)
    assert values == Values(theme="dark", tools=ToolsetState(tool="" if what == "tool" else "noise"))
    assert f"“{what}”" in complaint


def test_a_tool_that_is_damaged_in_part_keeps_the_rest() -> None:
    brush = {"size": 0, "hardness": 0.25}
    values, lost = read(json.dumps(good() | {"tools": {"choices": {"brush": brush, "fill": 3}, "edge": 17}}))
    assert values.tools == ToolsetState(choices={"brush": ToolChoices(hardness=0.25)}, edge=17)
    assert len(lost) == 2


def test_tools_of_an_older_version_get_defaults_for_new_options() -> None:
    text = json.dumps({"version": 1, "tools": {"choices": {"brush": {"size": 7}}}})
    assert read(text)[0].tools == ToolsetState(choices={"brush": ToolChoices(size=7)})


def test_a_removed_tool_is_dropped_alone(qapp: object) -> None:
    at_first, tools = toolset(), toolset()
    tools.restore(
        ToolsetState(tool="airbrush", choices={"airbrush": ToolChoices(size=9), "brush": ToolChoices(size=7)})
    )
    assert tools.tool == at_first.tool
    assert tools.of("brush").size == 7
    assert tools.of("noise") == at_first.of("noise")
    assert "airbrush" not in tools.state.choices


@pytest.mark.parametrize(("name", "value"), [("steps", "five"), ("steps", True), ("label", 3), ("guidance", "1")])
def test_a_draft_with_a_wrong_type_is_damage(name: str, value: object) -> None:
    assert_dropped(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", 2**63),
        ("guidance", 1e308),
        ("guidance", math.nan),
        ("seed", -1),
        ("seed", 2**63),
        ("batch", 0),
        ("batch", 2**31),
        ("temperature", 0),
        ("temperature", math.inf),
        ("truncation", 10**29),
        ("quantile", 1.5),
        ("level", -0.1),
        ("strength", 0.0),
        ("strength", 1e308),
        ("strength", math.inf),
        ("jump", 0),
        ("resample", 2**64),
        ("threshold", "loud"),
        ("method", "other"),
        ("guidance_interval", [3.0, 1.0]),
        ("guidance_interval", [0.5, math.inf]),
        ("options", [["eta", math.nan]]),
        ("prompt", "x" * 4001),
        ("negative", "x" * 10**6),
    ],
)
def test_a_number_of_a_draft_that_is_out_of_range_is_dropped(name: str, value: object) -> None:
    assert_dropped(name, value)


def test_what_the_panel_can_be_set_to_survives() -> None:
    """The ranges of the file are those of a Request: the ends of each are read back."""
    for name, ends in LIMITS.items():
        for end in ends:
            draft = replace(DRAFT, **cast("Any", {name: end}))
            text = json.dumps({"version": 1, "drafts": {"fake": asdict(draft)}})
            assert read(text) == (Values(drafts={"fake": draft}), []), name


@pytest.mark.parametrize(
    ("name", "value"),
    [("export_factor", 0), ("export_factor", 2**31), ("export_quality", 101), ("model", "m" * 999)],
)
def test_a_setting_out_of_range_is_dropped(name: str, value: object) -> None:
    values, lost = read(json.dumps(good() | {name: value}))
    assert values == Values(theme="dark")
    assert [f"“{name}”" in line for line in lost] == [True]


def test_a_too_deeply_nested_file_keeps_the_settings_before_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write(path, ALL)
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:-2] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}", encoding="utf-8")
    values, complaint = load(path)
    assert values == ALL
    assert "nested too deep" in complaint


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b" " * (MAX_BYTES + 1))
    values, complaint = load(path)
    assert values == Values()
    assert "larger than" in complaint


def test_damaged_keys_and_names_are_lost_alone() -> None:
    keys = {"generate": ["F5"], "cancel": "Esc", "fit": [3], "copy": ["a"] * 99}
    values, lost = read(json.dumps(good() | {"shortcuts": keys, "recent_commands": ["fit", 3]}))
    assert values == Values(theme="dark", shortcuts={"generate": ("F5",)}, recent_commands=("fit",))
    assert len(lost) == 4


def test_a_glance_at_the_settings_leaves_a_damaged_file_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(good() | {"scale": 150, "scaling": "blurred"}), encoding="utf-8")
    assert peek(path).scale == 150
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]
    assert peek(tmp_path / "none.json") == Values()


def test_half_an_emoji_in_a_prompt_is_saved_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    values = Values(drafts={"fake": replace(DRAFT, prompt="apple \ud83c")})
    write(path, values)
    assert load(path) == (values, "")


def test_every_setting_is_declared_with_a_title_and_a_description() -> None:
    """A page of preferences can be made of this."""
    declared = declarations(Values)
    assert list(declared) == [field.name for field in fields(Values)]
    for name, one in declared.items():
        assert one.title, name
        assert one.description.endswith("."), name
        assert one.default == getattr(Values(), name)
        one.check(one.default)
        assert set(one.labels) in (set(), set(one.choices)), name
        assert one.subject in {"", *(subject.name for subject in SUBJECTS)}, name
    assert declared["theme"].choices == ("system", "light", "dark", "contrast")
    assert (declared["export_quality"].low, declared["export_quality"].high) == (1, 100)
    assert not declared["drafts"].subject, "no page shows what the studio remembers by itself"


@pytest.mark.parametrize(
    "change",
    [{"theme": "green"}, {"export_quality": 0}, {"seed_locked": 1}, {"drafts": []}, {"tools": {}}, {"colour": "red"}],
)
def test_an_invalid_change_is_refused(change: dict[str, object], qapp: object) -> None:
    settings = Settings()
    with pytest.raises(SettingsError, match=next(iter(change))):
        settings.update(scaling="smooth", **change)
    assert settings.values == Values()


def test_a_setting_that_an_older_file_lacks_has_its_default() -> None:
    assert read('{"version": 1, "theme": "dark"}') == (Values(theme="dark"), [])


def test_changes_emit_their_names_once_and_are_written_once(tmp_path: Path, qtbot: QtBot) -> None:
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


def test_flush_writes_pending_changes(tmp_path: Path, qapp: object) -> None:
    path = tmp_path / "settings.json"
    settings = Settings(path)
    settings.update(theme="light")
    settings.flush()
    assert load(path)[0].theme == "light"


def test_a_failed_write_gives_a_notice_and_keeps_the_old_file(tmp_path: Path, qapp: object) -> None:
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
