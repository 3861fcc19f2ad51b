"""Adapters in a Request: JSON there and back, bounds, and the flag that names one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from engine.errors import UsageError
from engine.spec.adapter import AdapterUse, parse_flag
from engine.spec.request import Request, RequestError

USE = AdapterUse(name="style", sha256="ab" * 32, strength=0.8, text_strength=-0.1, blocks=(("IN04", 0.5), ("M00", 0.0)))
REQUEST = Request(
    model="m", model_sha256="", sampler="ddim", spacing="karras", sigmas=(1.0, 0.0), seeds=(1,), width=8, height=8,
    evaluations=1,
)  # fmt: skip


def test_a_request_with_adapters_comes_back_from_json() -> None:
    request = dataclasses.replace(REQUEST, adapters=(USE,))
    assert Request.from_json(request.to_json()) == request
    assert request.digest != REQUEST.digest


def test_without_adapters_json_and_digest_are_those_of_before() -> None:
    assert "adapters" not in json.loads(REQUEST.to_json())
    assert Request.from_json(REQUEST.to_json()).adapters == ()


@pytest.mark.parametrize(
    "change",
    [
        {"role": "hypernetwork"}, {"name": ""}, {"name": "x" * 301}, {"name": "\ud800"}, {"name": 5}, {"sha256": "abc"},
        {"sha256": "AB" * 32}, {"strength": float("nan")}, {"strength": 1e9}, {"strength": "1"}, {"strength": None},
        {"text_strength": -1e9}, {"blocks": [["X00", 1.0]]}, {"blocks": [["M00", 1.0], ["M00", 2.0]]},
        {"blocks": [["M00", float("inf")]]}, {"blocks": [["M00"]]}, {"blocks": 5}, {"blocks": [[3, 4]]},
    ],
)  # fmt: skip
def test_damaged_adapters_are_refused(change: dict[str, Any]) -> None:
    data = json.loads(dataclasses.replace(REQUEST, adapters=(USE,)).to_json())
    data["adapters"][0] |= change
    with pytest.raises(RequestError):
        Request.from_dict(data)


def test_a_factor_is_the_strength_of_the_part_times_that_of_the_block() -> None:
    assert USE.factor("unet", "IN04") == pytest.approx(0.4)
    assert USE.factor("unet", "IN05") == pytest.approx(0.8)
    assert USE.factor("unet", "M00") == 0
    assert USE.factor("text_2", "BASE") == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("a.safetensors", ("a.safetensors", 1.0, 1.0, ())),
        ("a.safetensors:0.8", ("a.safetensors", 0.8, 0.8, ())),
        ("a:-.5:2", ("a", -0.5, 2.0, ())),
        (r"C:\loras\a.safetensors:0.8", (r"C:\loras\a.safetensors", 0.8, 0.8, ())),
        ("a:1:m00=0,IN04=.5", ("a", 1.0, 1.0, (("IN04", 0.5), ("M00", 0.0)))),
        ("a:1:0.5:IN04=1,OUT05=0", ("a", 1.0, 0.5, (("OUT05", 0.0),))),
        ("a:1:" + "1," * 16 + "0", ("a", 1.0, 1.0, (("OUT11", 0.0),))),
        ("a:1:" + "0," + "1," * 10 + "0", ("a", 1.0, 1.0, (("BASE", 0.0), ("OUT05", 0.0)))),
        ("a:1:" + "1," * 10 + "0," + "1," * 9, ("a", 1.0, 1.0, (("M00", 0.0),))),
        ("a:1:" + "1," * 25 + "0", ("a", 1.0, 1.0, (("OUT11", 0.0),))),
    ],
)
def test_a_flag_is_a_file_strengths_and_blocks(flag: str, expected: object) -> None:
    assert parse_flag(flag) == expected


@pytest.mark.parametrize("flag", ["a:1:IN99=1", "a:1:M00=x", "a:1:1,2,3", "", "a:1:M00=1=2"])
def test_a_flag_that_is_none_is_refused(flag: str) -> None:
    with pytest.raises(UsageError):
        parse_flag(flag)
