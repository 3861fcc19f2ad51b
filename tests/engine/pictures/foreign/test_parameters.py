"""What our pictures say to sites and other studios: their names, read by their rule and by ours alike."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np

from engine.pictures.foreign.a1111 import pairs, parse
from engine.pictures.foreign.settings import ForeignFile
from engine.pictures.parameters import parameters
from engine.spec.adapter import AdapterUse
from engine.spec.request import Request
from engine.spec.vae import VaeUse

# A1111's published rule (modules/infotext_utils.py): this pattern on the last line, values in quotes are JSON.
RULE = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')

REQUEST = Request(
    model="dream", model_sha256="879db523c3" + "0" * 54, prompt="a cat, (hat:1.2)\nin two lines", negative="dog",
    sampler="dpmpp-2m", spacing="karras", sigmas=(80.0, 3.0, 0.5, 0.0), guidance=6.5, seeds=(7,), width=512, height=768,
    evaluations=3, clip_skip=2, vae=VaeUse(name="fix", sha256="c" * 64),
    adapters=(AdapterUse(name="detail", sha256="7c6bad76eb" + "1" * 54, strength=0.8, text_strength=0.8),
              AdapterUse(name="style: x", sha256="b" * 64, strength=-1.0, text_strength=0.5)),
)  # fmt: skip


def theirs(line: str) -> dict[str, str]:
    found = dict(RULE.findall(line))
    return {
        key: json.loads(value) if value.startswith('"') and value.endswith('"') else value
        for key, value in found.items()
    }


def test_sites_read_the_names_that_they_know() -> None:
    prompt, negative, line = parameters(REQUEST).split("\n")
    assert prompt == "a cat, (hat:1.2) in two lines <lora:detail:0.8> <lora:style_ x:0.5:-1>"
    assert negative == "Negative prompt: dog"
    assert theirs(line) == {
        "Steps": "3", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": "6.5", "Seed": "7",
        "Size": "512x768", "Model hash": "879db523c3", "Model": "dream", "VAE hash": "cccccccccc", "VAE": "fix",
        "Clip skip": "2", "Lora hashes": "detail: 7c6bad76eb, style_ x: bbbbbbbbbb", "Version": "Tweedie Studio",
    }  # fmt: skip


def test_our_reader_reads_what_we_write() -> None:
    found = parse(parameters(REQUEST))
    assert found is not None
    assert (found.program, found.sampler, found.grid, found.steps) == ("Tweedie Studio", "DPM++ 2M", "Karras", 3)
    assert (found.guidance, found.seed, found.size, found.clip_skip) == (6.5, 7, (512, 768), 2)
    assert found.model == ForeignFile("dream", "879db523c3")
    assert [(lora.file, lora.strength, lora.text_strength) for lora in found.loras] == [
        (ForeignFile("detail", "7c6bad76eb"), 0.8, 0.8), (ForeignFile("style_ x", "b" * 10), -1.0, 0.5),
    ]  # fmt: skip
    assert found.unused == ()


def test_both_rules_read_any_name_alike() -> None:
    rng = np.random.default_rng(3)
    letters = [*'a1 ,:"\\{}[]<>é·', "Seed: 9", "\n", "Steps: 4, "]
    for _ in range(400):
        model, label = (("".join(rng.choice(letters, rng.integers(1, 9)))).strip() or "x" for _ in range(2))
        line = parameters(replace(REQUEST, model=model, label=label)).split("\n")[-1]
        ours, site = pairs(line), theirs(line)
        assert (ours["Model"], ours["Label"]) == (site["Model"], site["Label"]) == (model, label)
        assert (ours["Seed"], ours["Steps"]) == (site["Seed"], site["Steps"]) == ("7", "3")


def test_a_sampler_without_a_name_there_keeps_ours_with_its_numbers() -> None:
    line = parameters(replace(REQUEST, sampler="ddim", options=(("eta", 0.5),))).split("\n")[-1]
    assert "Sampler: ddim, " in line
    assert "Sampler eta: 0.5" in line
    assert "Sampler: Euler a, " in parameters(replace(REQUEST, sampler="ddpm"))
