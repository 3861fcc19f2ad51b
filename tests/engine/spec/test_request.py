"""Requests travel: through JSON, PNG and the command line, and refuse what cannot be run."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.pictures.parameters import parameters
from engine.pictures.png import read_settings, save_png
from engine.spec.catalog import CatalogError, ModelInfo, read_model
from engine.spec.draft import Draft, branch, resolve
from engine.spec.request import Request, RequestError

GOOD = Request(
    model="emoji",
    model_sha256="ab" * 32,
    prompt="røde æbler 🍎 “quoted”",
    negative="pear",
    label="noto",
    sampler="heun",
    spacing="karras",
    sigmas=(80.0, 1 / 3, math.nextafter(0.1, 1), 0.0),
    guidance=2.5,
    guidance_interval=(0.2, 5.0),
    seeds=(0, 2**63 - 1),
    width=32,
    height=32,
    evaluations=5,
    threshold="dynamic",
    quantile=0.9,
    temperature=0.8,
)


def test_json_brings_back_every_bit() -> None:
    assert Request.from_json(GOOD.to_json()) == GOOD
    assert Request.from_json(replace(GOOD, label=None, guidance_interval=None).to_json()).label is None
    assert GOOD.digest == Request.from_json(GOOD.to_json()).digest
    assert GOOD.digest != replace(GOOD, prompt="x").digest


def test_settings_from_before_there_were_thresholds_still_load() -> None:
    data = GOOD.to_dict()
    for name in ("threshold", "quantile", "temperature", "options"):
        del data[name]
    old = Request.from_dict(data)
    assert (old.threshold, old.quantile, old.temperature, old.options) == ("none", 0.995, 1.0, ())
    assert replace(old, threshold="dynamic", quantile=0.9, temperature=0.8) == GOOD


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"threshold": "soft"}, "choose one of none, static, dynamic"),
        ({"quantile": 1.5}, "between 0 and 1"),
        ({"quantile": float("nan")}, "between 0 and 1"),
        ({"temperature": 0.0}, "temperature"),
        ({"sigmas": (1.0,)}, "0 steps"),
        ({"sigmas": (1.0, 1.0, 0.0)}, "do not descend"),
        ({"sigmas": (1.0, float("nan"))}, "not a number"),
        ({"sigmas": (1.0, -0.5)}, "not a number between 0 and"),
        ({"sigmas": (1e300, 1.0)}, "not a number between 0 and"),
        ({"guidance_interval": (1.0, float("inf"))}, "guidance interval"),
        ({"evaluations": 10**30}, "evaluations"),
        ({"label": "x" * 301}, "label is longer than 300"),
        ({"guidance": float("inf")}, "guidance"),
        ({"guidance_interval": (3.0, 1.0)}, "low one first"),
        ({"seeds": ()}, "batch of 0"),
        ({"seeds": (-1,)}, "seed"),
        ({"width": 0}, "pixels are not possible"),
        ({"prompt": "a" * 5000}, "shorten"),
        ({"model": ""}, "choose a model"),
    ],
)
def test_an_invalid_request_is_refused_with_advice(change: dict[str, object], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        replace(GOOD, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format": 99}',
        "[" * 100_000,
        GOOD.to_json().replace('"seeds":[0', '"seeds":[0.5'),
        GOOD.to_json().replace('"seeds":[0', '"seeds":[true'),
        GOOD.to_json().replace('"sampler":"heun"', '"sampler":3'),
        GOOD.to_json().replace('"width":32', '"width":"wide"'),
        GOOD.to_json().replace('"height":32,', ""),
        GOOD.to_json().replace('"width":32', '"width":32,"exec":"rm"'),
        GOOD.to_json().replace('"sigmas":[80.0', '"sigmas":[NaN'),
        GOOD.to_json().replace('"guidance_interval":[0.2,5.0]', '"guidance_interval":[0.2]'),
        GOOD.to_json().replace('"threshold":"dynamic"', '"threshold":7'),
        GOOD.to_json().replace('"quantile":0.9', '"quantile":"high"'),
        *(
            re.sub(rf'"{name}":([^,\[]+)', rf'"{name}":"\1"', GOOD.to_json())
            for name in ("guidance", "temperature", "truncation", "quantile", "evaluations", "width")
        ),
        GOOD.to_json().replace('"sigmas":[80.0', '"sigmas":["80.0"'),
        GOOD.to_json().replace('"guidance_interval":[0.2,5.0]', '"guidance_interval":["0.2",5.0]'),
        GOOD.to_json().replace('"seeds":[0', '"seeds":[1' + "0" * 400),
        GOOD.to_json().replace('"guidance":2.5', '"guidance":1' + "0" * 400),
        GOOD.to_json().replace('"guidance":2.5', '"guidance":1e999'),
    ],
)
def test_damaged_settings_are_one_sentence(text: str) -> None:
    with pytest.raises(RequestError) as error:
        Request.from_json(text)
    assert len(str(error.value)) < 300


def test_a_png_holds_its_own_image_of_the_batch(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    save_png(tmp_path / "a.png", rgb, GOOD, index=1)
    assert read_settings(tmp_path / "a.png") == replace(GOOD, seeds=(2**63 - 1,))
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), rgb)
        text = image.info["parameters"]
    assert text.startswith("røde æbler")
    assert "Negative prompt: pear\nSteps: 3, Sampler: Heun" in text
    assert "CFG scale: 2.5, Seed: 9223372036854775807, Size: 32x32" in text
    assert parameters(replace(GOOD, seeds=(2**63 - 1,))) == text


def test_other_studios_read_each_value_as_it_was() -> None:
    """By their rule: the last line, key: value, and a value with a comma or a colon in JSON's quotes."""
    label, model = 'boots, Seed: 7 "new"', "my, model: v2"
    text = parameters(replace(GOOD, label=label, model=model, seeds=(11,), prompt="a\nSteps: 1, Seed: 3, Size: 1x1"))
    prompt, negative, last = text.split("\n")
    assert (prompt, negative) == ("a Steps: 1, Seed: 3, Size: 1x1", "Negative prompt: pear")
    found = dict(re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', last))
    assert found["Seed"] == "11"
    assert json.loads(found["Model"]) == model
    assert json.loads(found["Label"]) == label


def test_an_enlarged_png_keeps_hard_pixels(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    save_png(tmp_path / "a.png", rgb, GOOD, enlarge=8)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image)[::8, ::8], rgb)
        assert image.size == (32, 32)


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match="this is a folder"):
        save_png(target, np.zeros((4, 4, 3), np.uint8), GOOD)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links, permissions and pipes of POSIX")
def test_saving_to_a_link_replaces_its_target_and_keeps_permissions(tmp_path: Path) -> None:
    target, link = tmp_path / "real" / "apple.png", tmp_path / "apple.png"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to("real/apple.png")
    rgb = np.full((4, 4, 3), 9, np.uint8)
    save_png(link, rgb, GOOD)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    with Image.open(target) as image:
        assert np.array_equal(np.asarray(image), rgb)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["apple.png", "apple.png", "real"]
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="no ordinary file"):
        save_png(tmp_path / "pipe.png", rgb, GOOD)
    assert (tmp_path / "pipe.png").is_fifo()
    long = tmp_path / f"{'n' * 251}.png"
    save_png(long, rgb, GOOD)
    assert long.exists()


def test_reading_settings_from_a_file_without_any(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    assert read_settings(tmp_path / "plain.png") is None
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(RequestError, match=r"broken\.png cannot be read"):
        read_settings(tmp_path / "broken.png")


def test_a_draft_resolves_to_its_choices(tiny_model: ModelInfo) -> None:
    draft = Draft.for_model(tiny_model, prompt=" red apple ", sampler="heun", steps=4, seed=9, batch=3, guidance=None)
    request = resolve(draft, tiny_model)
    assert (request.prompt, request.sampler, request.steps, request.guidance) == ("red apple", "heun", 4, 3.0)
    assert request.sigmas[0] == 80.0
    assert request.sigmas[-2:] == pytest.approx((0.02, 0.0))
    assert request.seeds == (9, 10, 11)
    assert request.evaluations == 7
    assert Draft.of(request) == replace(draft, prompt="red apple")


def test_interval_threshold_and_temperature_go_from_the_draft_into_the_request_and_back(tiny_model: ModelInfo) -> None:
    draft = replace(
        Draft.for_model(tiny_model),
        temperature=0.7,
        guidance_interval=(0.3, 4.0),
        threshold="dynamic",
        quantile=0.98,
    )
    request = resolve(draft, tiny_model)
    assert (request.temperature, request.guidance_interval) == (0.7, (0.3, 4.0))
    assert (request.threshold, request.quantile) == ("dynamic", 0.98)
    assert Draft.of(Request.from_json(request.to_json())) == draft


def test_a_quantile_that_nothing_reads_makes_no_other_request(tiny_model: ModelInfo) -> None:
    plain = Draft.for_model(tiny_model, threshold="static")
    assert resolve(replace(plain, quantile=0.5), tiny_model) == resolve(plain, tiny_model)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"threshold": "soft"}, "choose one of none, static, dynamic"),
        ({"guidance_interval": (4.0, 0.3)}, "low one first"),
        ({"sampler": "magic"}, "choose one of dpmpp-2m"),
        ({"label": "oval"}, "choose round, square"),
        ({"steps": 0}, "choose 1 to 1000"),
        ({"steps": 5000}, "choose 1 to 1000"),
        ({"spacing": "magic"}, "magic"),
        ({"batch": 65}, "batch of 65"),
        ({"seed": 2**63 - 1, "batch": 2}, "seed"),
    ],
)
def test_an_impossible_draft_gives_advice(change: dict[str, object], says: str, tiny_model: ModelInfo) -> None:
    with pytest.raises(RequestError, match=says):
        resolve(replace(Draft.for_model(tiny_model), **change), tiny_model)  # type: ignore[arg-type]


def test_a_threshold_is_never_put_on_latents(tiny_model: ModelInfo) -> None:
    latent = replace(tiny_model, config=tiny_model.config | {"codec": {"type": "linear"}})
    assert not tiny_model.latent
    assert latent.latent
    assert resolve(Draft.for_model(latent), latent).threshold == "none"
    with pytest.raises(RequestError, match="works on latents: choose none"):
        resolve(Draft.for_model(latent, threshold="static"), latent)


@pytest.mark.parametrize("text", [{"prompt": "boot"}, {"negative": "boot"}])
def test_a_model_of_classes_alone_refuses_text(text: dict[str, str], tiny_model: ModelInfo) -> None:
    classes = replace(tiny_model, takes=frozenset({"label"}))
    assert resolve(Draft.for_model(classes, label="round"), classes).prompt == ""
    with pytest.raises(RequestError, match="takes no text: leave the prompt empty and choose round, square"):
        resolve(Draft.for_model(classes, **text), classes)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"no config\.json"):
        read_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"id": "x"}))
    with pytest.raises(CatalogError, match="damaged"):
        read_model(tmp_path)
    (tmp_path / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogError, match="damaged"):
        read_model(tmp_path)


def test_listing_models_and_samplers_and_resolving_need_no_torch() -> None:
    """The window fills its menus before torch is there."""
    code = (
        "import sys, engine.spec.catalog, engine.spec.cost, engine.spec.draft, engine.rules, engine.store,"
        "engine.pictures.png,"
        "engine.morph.keys, engine.morph.film, engine.jobs.morph;"
        "infos = engine.spec.catalog.embedded_models();"
        "[engine.spec.draft.resolve(engine.spec.draft.Draft.for_model(i), i) for i in infos];"
        "assert infos and engine.rules.menu();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0


def test_going_on_with_the_same_choices_is_the_same_request(tiny_model: ModelInfo) -> None:
    draft = Draft.for_model(tiny_model, prompt="red apple", seed=4, batch=3, temperature=0.5)
    parent = resolve(draft, tiny_model)
    for i in range(parent.steps):
        assert branch(replace(draft, batch=1), tiny_model, parent, i) == parent


def test_going_on_with_another_grid_keeps_the_levels_down_to_the_step(tiny_model: ModelInfo) -> None:
    draft = Draft.for_model(tiny_model, seed=4, batch=3)
    parent = resolve(draft, tiny_model)
    finer = replace(draft, steps=40, spacing="karras", sampler="heun", seed=90, temperature=3.0)
    request = branch(finer, tiny_model, parent, 2)
    assert request.sigmas[:3] == parent.sigmas[:3]
    grid = resolve(finer, tiny_model).sigmas
    assert request.sigmas[3:] == tuple(s for s in grid if s < parent.sigmas[2] * 0.999)
    assert request.evaluations == 2 * request.steps - 1
    assert (request.seeds, request.temperature) == ((90, 91, 92), 1.0), "x_T is the parent's, whatever the panel says"


def test_no_hop_is_too_short_to_have_a_slope(tiny_model: ModelInfo) -> None:
    draft = Draft.for_model(tiny_model, steps=30)
    parent = resolve(draft, tiny_model)
    nearly = replace(parent, sigmas=tuple(s * (1 + 1e-7) for s in parent.sigmas))
    request = branch(draft, tiny_model, nearly, 10)
    assert request.sigmas[11:] == parent.sigmas[11:]
    assert request.steps == 30


def test_a_first_stage_that_stops_above_the_step_cannot_go_on_from_it(tiny_model: ModelInfo) -> None:
    own = {"sampler": "ddim", "spacing": "log", "steps": 2, "sigma_min": 0.02, "sigma_max": 20.0, "level": 0.5}
    stage = {"net": {"factor": 2}, "schedule": {"type": "flow"}, "defaults": own}
    info = replace(tiny_model, config=tiny_model.config | {"cascade": stage})
    parent = resolve(Draft.for_model(info, steps=20), info)
    stops = Draft.for_model(info, truncated=True)
    late = next(i for i, s in enumerate(parent.sigmas) if s < 0.5)
    assert branch(stops, info, parent, late - 1).sigmas[-1] == 0.5
    with pytest.raises(RequestError, match="choose an earlier one"):
        branch(stops, info, parent, late)


def test_another_model_cannot_go_on(tiny_model: ModelInfo) -> None:
    parent = resolve(Draft.for_model(tiny_model), tiny_model)
    other = replace(tiny_model, id="other", sha256="e" * 64)
    with pytest.raises(RequestError, match="choose “tiny”"):
        branch(Draft.for_model(other), other, parent, 1)


def test_a_request_without_the_new_fields_has_the_old_json() -> None:
    plain = GOOD
    assert not {"clip_skip", "distilled"} & set(plain.to_dict())
    chosen = replace(plain, clip_skip=2, distilled=3.5)
    assert Request.from_json(chosen.to_json()) == chosen
    assert Request.from_json(plain.to_json()) == plain
    assert (chosen.said.clip_skip, chosen.said_negative.distilled) == (2, 3.5)
    assert chosen.said.size == (plain.width, plain.height)
