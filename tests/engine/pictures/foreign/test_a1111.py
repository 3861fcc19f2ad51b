"""`parameters` of A1111, Forge and SD.Next: each value as it was written."""

from __future__ import annotations

import pytest

from engine.pictures.foreign.a1111 import pairs, parse
from engine.pictures.foreign.settings import MAX_PROMPT, ForeignFile, ForeignLora, Hires
from tests.engine.pictures.foreign.files import A1111


def test_every_value_is_read() -> None:
    found = parse(A1111)
    assert found is not None
    assert (found.program, found.version, found.names) == ("A1111", "v1.9.0", "a1111")
    assert found.prompt == "a (cat:1.2), in a hat\nsecond line"
    assert found.negative == "dog, ugly\nmore"
    assert (found.sampler, found.grid, found.steps) == ("DPM++ 2M", "Karras", 20)
    assert (found.guidance, found.seed, found.size, found.clip_skip) == (7.0, 123456, (512, 768), 2)
    assert found.model == ForeignFile("dream", "879db523c3")
    assert found.vae == ForeignFile("a, b", "735e4c3a44")
    assert found.loras == (ForeignLora(ForeignFile("detail", "7c6bad76eb54"), 0.8, 0.8),)
    assert found.hires == Hires(1.5, None, 10, 0.5, "Latent")
    assert found.strength is None, "the denoising strength is the second pass's"
    assert found.unused == ("ADetailer", "ControlNet")


def test_quotes_commas_and_colons_stay_in_their_value() -> None:
    said = pairs(r'Steps: 3, A b: "x, Seed: 7, \"q\"", Hashes: {"model": "aa, b"}, Last: y: z, Empty: , End: 1')
    assert said == {
        "Steps": "3", "A b": 'x, Seed: 7, "q"', "Hashes": {"model": "aa, b"}, "Last": "y: z", "Empty": "", "End": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("Steps: 1, Sampler: Euler, Seed: 1, Version: f2.0.1v1.10.1-previous-634-g37301b22", "Forge"),
        ("Steps: 1, Size: 8x8, Sampler: Euler a, Seed: 1, App: SD.Next, Version: 23e3bb0", "SD.Next"),
        ("Steps: 1, Sampler: Euler, Seed: 1", "A1111"),
    ],
)
def test_the_version_names_the_program(line: str, program: str) -> None:
    found = parse(f"x\n{line}")
    assert found is not None
    assert found.program == program


@pytest.mark.parametrize(
    ("said", "grid"),
    [
        ("Sampler: DPM++ 2M, Schedule type: Automatic", "karras"),
        ("Sampler: DPM++ 3M SDE, Schedule type: Automatic", "exponential"),
        ("Sampler: Euler a, Schedule type: Automatic", "normal"),
        ("Sampler: Euler a, Schedule type: Uniform", "normal"),
        ("Sampler: DPM++ 2M Karras", ""),
        ("Sampler: DPM++ 2M", "normal"),
        ("Sampler: DDIM", "ddim uniform"),
        ("Sampler: Euler, Schedule type: SGM Uniform", "SGM Uniform"),
    ],
)
def test_the_grid_is_the_one_that_automatic_stands_for(said: str, grid: str) -> None:
    found = parse(f"x\nSteps: 5, {said}, Seed: 3")
    assert found is not None
    assert found.grid == grid


def test_an_old_hash_is_named_and_not_taken_for_a_sha256() -> None:
    found = parse("x\nSteps: 5, Sampler: Euler a, Seed: 1, Model hash: 7460a6fa")
    assert found is not None
    assert found.model == ForeignFile("", "", "7460a6fa")
    assert found.model.title == "“7460a6fa”"


@pytest.mark.parametrize(
    ("tag", "net", "text"),
    [
        ("<lora:a:0.5>", 0.5, 0.5),
        ("<lora:a:0.5:0.7>", 0.7, 0.5),
        ("<lora:a:te=0.2:unet=-1>", -1, 0.2),
        ("<lora:a>", 1, 1),
    ],
)
def test_a_tag_s_numbers_are_for_the_text_encoders_then_the_net(tag: str, net: float, text: float) -> None:
    found = parse(f"cat {tag}\nSteps: 5, Sampler: Euler a, Seed: 1")
    assert found is not None
    assert found.loras == (ForeignLora(ForeignFile("a"), net, text),)
    assert found.prompt == "cat"


def test_a_picture_from_a_picture_has_its_strength() -> None:
    found = parse("x\nSteps: 5, Sampler: Euler a, Seed: 1, Denoising strength: 0.6")
    assert found is not None
    assert found.strength == 0.6
    assert found.hires is None


def test_prompts_may_hold_what_looks_like_settings_and_lines_may_follow() -> None:
    found = parse("a\nSteps: none, no\nNegative prompt: b\nSteps: 9, Sampler: Euler, Seed: 2\nTemplate: {a|b}, Seed: 3")
    assert found is not None
    assert (found.prompt, found.negative) == ("a\nSteps: none, no", "b")
    assert (found.steps, found.seed) == (9, 2)


@pytest.mark.parametrize("text", ["", "a cat", "a\nb: c, d", "Negative prompt:", "\n\n", '"', "{", ":,:,:"])
def test_a_text_without_settings_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "line",
    [
        "Steps: -3, Sampler: , CFG scale: nan, Seed: 1e999, Size: 0x9999999, Clip skip: 99999999999999999999999",
        "Steps: ٣, Seed: 9" + "9" * 5000 + ", CFG scale: x",
        "Steps: " + "[" * 5000 + ", Seed: " + '"' * 3000,
        "Steps: 5, " + "a" * 100_000 + ": " * 1000,
        "Steps: " + ", Steps: " * 50_000,
        "Steps: a" + " " * 200_000 + ", b" + "-" * 200_000 + "x",
    ],
)
def test_impossible_values_are_left_out(line: str) -> None:
    found = parse("x\n" + line)
    assert found is not None
    assert found.seed is None
    assert found.size is None
    assert found.guidance is None


def test_a_long_prompt_is_read_to_its_bound() -> None:
    for text in (" " * 300_000, "[" * 100_000, "a--" * 100_000, "<lora:" * 50_000, ", " * 100_000):
        found = parse(f"x{text}\nSteps: 5, Sampler: Euler a, Seed: 1")
        assert found is not None
        assert len(found.prompt) <= MAX_PROMPT
