"""One memory layout where nets are called: what a net sees does not depend on where the numbers come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import models
from engine.layout import ALIGNMENT, canonical, from_array
from engine.meter import Meter
from engine.rules import menu
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Inputs
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Guide
from engine.types import Cond, Sigma
from tests.engine.fake_clips import library

CLIP = ClipGuide(clip="c", aims=(Aim("a cat"),), scale=20.0, cutouts=3)
GUIDES: dict[str, tuple[Guide, ...]] = {"clip": (CLIP,), "class": (ClassGuide(classifier="k", label="square"),)}


def laid_out(x: Tensor) -> bool:
    """Whether x has the strides and the alignment of a new tensor of its shape."""
    return x.stride() == torch.empty(x.shape).stride() and x.data_ptr() % ALIGNMENT == 0


def odd_layouts(x: Tensor) -> list[Tensor]:
    """The same values as x (B, C, h, w), laid out in ways that nets, views and NumPy leave them in."""
    moved = torch.empty(x.numel() + 1)[1:].view(x.shape).copy_(x)
    mapped = torch.empty_strided(x.shape, (x[0].numel(), 1, x.shape[1] * x.shape[3], x.shape[1])).copy_(x)
    return [mapped, moved, x.mT.contiguous().mT, torch.from_numpy(x.numpy().copy())]


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 3, 8, 8), (2, 1, 8, 8), (1, 1, 8, 8), (2, 3, 1, 5)])
def test_every_layout_of_the_same_values_becomes_one(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    for odd in odd_layouts(x):
        assert laid_out(canonical(odd))
        assert torch.equal(canonical(odd), x)
    assert canonical(x) is x, "what is laid out already is not copied"
    assert laid_out(canonical(torch.zeros(3, 0, 2)))
    assert canonical(torch.tensor(2.0)).item() == 2


def test_a_gradient_goes_through_the_change_of_layout() -> None:
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(canonical(x).pow(2).sum(), x)
    torch.testing.assert_close(gradient, 2 * x.detach())


def test_arrays_are_read_into_memory_of_torchs_own() -> None:
    data = np.arange(24, dtype=np.float32)
    frozen = np.frombuffer(b"...." + data.tobytes(), np.float32, offset=4).reshape(2, 3, 4)
    for array in (frozen, frozen.transpose(2, 0, 1), frozen[:, ::2]):
        read = from_array(array)
        assert laid_out(read)
        assert np.array_equal(read.numpy(), array)
        assert not np.shares_memory(read.numpy(), array)


def test_the_meter_hands_a_net_one_layout_and_gives_one_back() -> None:
    asked: list[tuple[Any, ...]] = []

    def net(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        asked.append((x, sigma, *(() if cond is None else cond.parts)))
        return x.to(memory_format=torch.channels_last)

    x = torch.randn(4, 3, 8, 8)
    cond = Cond(tokens=torch.randn(4, 7, 5).mT.contiguous().mT, label=torch.arange(8)[::2])
    for odd in odd_layouts(x):
        for meter in (Meter(net), Meter(net, micro_batch=3)):
            assert laid_out(meter(odd, torch.arange(8.0)[::2], cond))
            assert all(part.stride() == x[:2].stride() for part in meter.many(odd[:2], 1.0, [cond[:2], cond[2:]]))
    asked_before = len(asked)
    shared = Cond(tokens=cond[:1].tokens, label=torch.tensor([3]))
    for told in (shared, shared.expand(4)):
        Meter(net)(x, 1.0, told)
    one, other = (call[2:] for call in asked[asked_before:])
    assert [v.stride() for v in one if v is not None] == [v.stride() for v in other if v is not None]
    seen = [part for call in asked for part in call if isinstance(part, Tensor)]
    assert len(seen) > 20
    assert all(map(laid_out, seen))


class ChannelsLast:
    """A net whose answers and gradients are laid out as oneDNN's convolutions lay theirs out on some processors."""

    def __init__(self, net: Any) -> None:
        self.net, self.asked = net, list[Tensor]()

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        self.asked.append(x)
        return self.net(x, sigma, cond).to(memory_format=torch.channels_last)


@pytest.fixture
def session(tiny_model: ModelInfo) -> Session:
    made = Session("cpu", [tiny_model], library())
    model: Any = models.load(tiny_model, torch.device("cpu"))
    made._models[tiny_model.sha256] = replace(model, denoiser=ChannelsLast(model.denoiser))
    return made


def check_run(session: Session, request: Any, path: Path, **more: Any) -> None:
    """Every state and estimate of a run has the strides that its file gives it back in."""
    steps = [*session.generate(request, path, **more)]
    for step in steps:
        pasts = [tensor for past in step.past for tensor in (past.x, past.x0)]
        for tensor in (step.x, step.x0_raw, step.move.x, step.move.x0, step.move.x_eval, *pasts):
            assert tensor.stride() == torch.empty(tensor.shape).stride(), (request.sampler, step.i)
    net: Any = session.model(request).denoiser
    assert net.asked
    assert all(map(laid_out, net.asked))


@pytest.mark.parametrize("threshold", ["none", "dynamic"])
@pytest.mark.parametrize("sampler", menu())
def test_live_states_are_laid_out_as_stored_ones(
    sampler: str, threshold: str, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    draft = Draft.for_model(tiny_model, prompt="red", label="round", sampler=sampler, threshold=threshold, batch=2)
    check_run(session, resolve(draft, tiny_model), tmp_path / "run.twrun")


@pytest.mark.parametrize("guides", GUIDES.values(), ids=GUIDES)
@pytest.mark.parametrize("method", ["new", "replacement", "repaint", "img2img"])
def test_under_guides_and_masks_too(
    method: str, guides: tuple[Guide, ...], session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    rng, mask = np.random.default_rng(0), np.zeros((16, 16), np.uint8)
    mask[4:12, 4:12] = 255
    given = None if method == "new" else Inputs(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), mask)
    strength = 0.6 if method == "img2img" else 1.0
    draft = Draft.for_model(tiny_model, prompt="red", method=method, strength=strength, guides=guides)
    check_run(session, resolve(draft, tiny_model, given), tmp_path / "run.twrun", inputs=given)


def test_the_environment_of_a_run_holds_the_layout_and_the_kernel_choice(
    session: Session, tiny_model: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    told = session.environment(session.load(tiny_model))
    assert told["layout"] == "contiguous"
    assert told["kernels"]["cpu"] == torch.backends.cpu.get_cpu_capability()
    assert told["kernels"]["switches"]["MKL_CBWR"] == "COMPATIBLE"
