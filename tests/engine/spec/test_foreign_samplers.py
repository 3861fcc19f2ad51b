"""The names of other studios: each means the sampler and the grid of its table, in any spelling."""

from __future__ import annotations

import pytest

from engine.rules import RULES, menu
from engine.schedules import SPACINGS
from engine.spec.foreign_samplers import (
    A1111,
    COMFY,
    FOREIGN,
    GRIDS,
    INVOKE,
    PROGRAMS,
    other_names,
    parse,
    parse_spacing,
)
from engine.spec.request import RequestError
from engine.spec.sampler import rule_of

ROWS = [(name, program, row) for row in FOREIGN for program, names in row.names.items() for name in names.split("|")]


@pytest.mark.parametrize(("name", "program", "row"), ROWS, ids=[f"{p}:{n}" for n, p, _ in ROWS])
def test_every_name_of_a_program_means_its_row_there(name: str, program: str, row: object) -> None:
    found = parse(name, program)
    assert (found.sampler, found.options) == (row.sampler, row.options)  # type: ignore[attr-defined]
    assert found.spacing is None
    assert parse(name.upper(), program) == found
    for grid in ("karras", "sgm_uniform", "KL Optimal"):
        assert parse(f"{name} {grid}", program)._replace(spacing=None) == found


@pytest.mark.parametrize(
    ("name", "sampler", "spacing"),
    [
        ("dpm++ 2m karras", "dpmpp-2m", "karras"),
        ("dpmpp_2m", "dpmpp-2m", None),
        ("DPM++2M", "dpmpp-2m", None),
        ("k_dpm_2_a", "dpm-2-a", None),
        ("DPM2 a Karras", "dpm-2-a", "karras"),
        ("euler_ancestral", "ddpm", None),
        ("euler-a", "ddpm", None),
        ("k_euler", "ddim", None),
        ("sample_dpmpp_sde", "dpmpp-sde", None),
        ("DPM++ 3M SDE Exponential", "dpmpp-3m-sde", "log"),
        ("Euler SGM Uniform", "ddim", "sgm-uniform"),
        ("lms_k", "lms", "karras"),
        ("heun align your steps", "heun", "ays"),
        ("LCM Beta", "lcm", "beta"),
        ("unipc", "unipc-2", None),
        ("unipc-3 log", "unipc-3", "log"),
        ("EulerAncestralDiscreteScheduler", "ddpm", None),
    ],
)
def test_a_name_in_any_spelling_gives_the_rule_and_the_grid(name: str, sampler: str, spacing: str | None) -> None:
    found = parse(name)
    assert (found.sampler, found.spacing) == (sampler, spacing)


def test_every_name_of_ours_means_itself() -> None:
    for name in menu():
        assert parse(name).sampler == name
        assert parse(name.upper().replace("-", "_")).sampler == name
    for name, rule in RULES.items():
        assert RULES[parse(name).sampler] is rule
    for name in SPACINGS:
        assert parse_spacing(name) == name


def test_a_name_that_two_programs_use_differently_is_read_by_the_program() -> None:
    assert parse("DEIS", COMFY).options == ()
    assert parse("deis", INVOKE).options == (("order", 2.0),)
    assert parse("UniPC", A1111).sampler == "unipc-3"
    assert parse("unipc", INVOKE).sampler == "unipc-2"
    assert parse("dpmpp_3m", INVOKE) == ("dpmpp-3m-sde", (("eta", 0.0),), None)
    assert parse("dpmpp-3m").sampler == "dpmpp-3m"  # ours, without a program


def test_the_tables_name_what_is_there() -> None:
    for row in FOREIGN:
        assert row.sampler in menu()
        rule_of(row.sampler, row.options)
        assert set(row.names) <= set(PROGRAMS)
    assert set(GRIDS) <= set(SPACINGS)
    assert parse_spacing("Align Your Steps") == "ays"
    assert "Euler a" in other_names("ddpm")
    assert len(set(other_names("ddim"))) == len(other_names("ddim"))


@pytest.mark.parametrize("name", ["fancy", "", "karras", "++", "dpm++ 9m"])
def test_an_unknown_name_is_refused_in_one_sentence_with_the_nearest(name: str) -> None:
    with pytest.raises(RequestError, match=r"There is no sampler “.*”: choose one of"):
        parse(name)
    with pytest.raises(RequestError, match="Did you mean dpmpp-2m"):
        parse("dpmpp 2mm")
    with pytest.raises(RequestError, match="no spacing"):
        parse_spacing(f"{name}x")
