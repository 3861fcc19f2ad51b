"""The choice of the device, tested without one."""

from __future__ import annotations

import pytest
import torch

from engine.devices import NAMES, PREFERENCE, Computing, DeviceError, available, choose, describe
from engine.session import Session


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"cuda": True, "xpu": True, "mps": True, "cpu": True}, "cuda"),
        ({"cuda": False, "xpu": True, "mps": False, "cpu": True}, "xpu"),
        ({"cuda": False, "xpu": False, "mps": True, "cpu": True}, "mps"),
        ({"cuda": False, "xpu": False, "mps": False, "cpu": True}, "cpu"),
    ],
)
def test_the_fastest_kind_there_is_is_chosen(there: dict[str, bool], chosen: str) -> None:
    assert choose(there) == chosen


def test_a_requested_device_wins_if_it_exists() -> None:
    there = {"cuda": True, "cpu": True}
    assert choose(there, "cpu") == "cpu"
    assert choose(there, "cuda:1") == "cuda:1"
    with pytest.raises(DeviceError, match="no device “mps” here: choose cuda or cpu"):
        choose(there, "mps")
    with pytest.raises(DeviceError, match="no device “abacus”"):
        choose(there, "abacus")


def test_every_kind_is_probed_and_the_cpu_is_always_there() -> None:
    assert set(available()) == set(PREFERENCE)
    assert available()["cpu"]


def test_the_cpu_is_described_with_its_threads() -> None:
    n = torch.get_num_threads()
    assert describe(torch.device("cpu")) == f"CPU, {n} thread{'s' if n > 1 else ''}"


def test_placement_follows_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device stands for a missing GPU: states must be created there, not moved later."""
    from engine.noise import Noise

    like = torch.empty(1, 3, 4, 4, device="meta")
    assert Noise([0]).normal(like).device.type == "meta"
    monkeypatch.setattr("engine.devices.available", lambda: {"cpu": True, "mps": True})
    assert Session().device.type == "mps"
    with pytest.raises(DeviceError):
        Session("cuda")


def test_a_session_on_a_device_that_is_not_here_uses_the_best_one_and_says_so() -> None:
    missing = next(kind for kind in ("mps", "xpu", "cuda") if not available()[kind])
    session = Session.on(Computing(missing, threads=torch.get_num_threads(), spare=7 * 2**30))
    assert session.device.type == choose(available())
    assert NAMES[missing] in session.device_name
    assert session.models.spare == 7 * 2**30
    assert Session.on(Computing("cpu")).device_name == describe(torch.device("cpu"))
