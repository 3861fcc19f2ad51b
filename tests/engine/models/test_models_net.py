"""The patch transformer: what it sees, what it must not see, and where it starts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.models.empty import without_values
from engine.models.net import PatchTransformer, build
from engine.types import Cond

CONFIG = {"type": "patch-transformer", "side": 8, "patch": 4, "width": 32, "depth": 2, "head": 16}
CONFIG |= {"text_length": 5, "text_width": 6, "labels": 2, "detail": 4}


def trained_looking_net(**changes: int) -> PatchTransformer:
    """A net none of whose parameters is zero, as they are at the start."""
    torch.manual_seed(0)
    net = build(CONFIG | changes)
    assert isinstance(net, PatchTransformer)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return net.eval().requires_grad_(False)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def cond() -> Cond:
    generator = torch.Generator().manual_seed(2)
    mask = torch.arange(5) < torch.tensor([[2], [5], [3]])
    return Cond(tokens=torch.randn(3, 5, 6, generator=generator), mask=mask, label=torch.tensor([0, 1, 2]))


T = torch.tensor([0.2, 0.5, 1.0])


def test_the_prediction_is_shaped_like_the_picture(x: Tensor, cond: Cond) -> None:
    assert trained_looking_net()(x, T, cond).shape == x.shape


def test_masked_tokens_change_nothing(x: Tensor, cond: Cond) -> None:
    net = trained_looking_net()
    assert cond.tokens is not None
    assert cond.mask is not None
    other = torch.where(cond.mask[..., None], cond.tokens, 9.0)
    changed = Cond(tokens=other, mask=cond.mask, label=cond.label)
    assert torch.allclose(net(x, T, cond), net(x, T, changed), atol=1e-5)


@pytest.mark.parametrize("part", ["tokens", "label", "t", "x"])
def test_every_input_changes_the_prediction(part: str, x: Tensor, cond: Cond) -> None:
    net = trained_looking_net()
    assert cond.tokens is not None
    assert cond.label is not None
    before = net(x, T, cond)
    tokens = cond.tokens + 1 if part == "tokens" else cond.tokens
    label = (cond.label + 1) % 3 if part == "label" else cond.label
    changed = Cond(tokens=tokens, mask=cond.mask, label=label)
    after = net(x + 1 if part == "x" else x, T * 0.9 if part == "t" else T, changed)
    assert (before - after).flatten(1).abs().amax(1).min() > 1e-3


def test_one_condition_serves_a_batch(x: Tensor, cond: Cond) -> None:
    net = trained_looking_net()
    one = cond.map(lambda v: v[1:2])
    assert torch.allclose(net(x, T, one), net(x, T, one.expand(3)))


def test_images_of_a_batch_do_not_see_each_other(x: Tensor, cond: Cond) -> None:
    net = trained_looking_net()
    together = net(x, T, cond)
    for k in range(3):
        alone = net(x[k : k + 1], T[k : k + 1], cond.map(lambda v, k=k: v[k : k + 1]))  # type: ignore[misc]
        assert torch.allclose(together[k : k + 1], alone, atol=1e-5)


def test_a_new_net_predicts_its_bias_and_its_detail_nothing(x: Tensor, cond: Cond) -> None:
    torch.manual_seed(0)
    net = build(CONFIG)
    out = net(x, T, cond)
    assert torch.allclose(out[:, :, :4, :4], out[:, :, 4:, 4:])  # every patch alike: the bias alone
    assert net.detail is not None
    assert not net.detail.out.weight.any()  # type: ignore[union-attr, operator]


def test_detail_crosses_the_borders_of_patches(cond: Cond) -> None:
    """Without it a pixel next to a border reaches its neighbour only through attention; with it, directly."""
    net = trained_looking_net(depth=0)
    for detail, reach in ((net.detail, True), (None, False)):
        net.detail = detail
        x = torch.zeros(3, 3, 8, 8, requires_grad=True)
        net(x, T, cond)[:, :, 0, 4].sum().backward()
        assert x.grad is not None
        assert bool(x.grad[:, :, 0, 3].any()) is reach


def test_it_is_differentiable_in_the_picture_and_in_the_text(x: Tensor, cond: Cond) -> None:
    net = trained_looking_net()
    assert cond.tokens is not None
    tokens = cond.tokens.clone().requires_grad_()
    x.requires_grad_()
    net(x, T, Cond(tokens=tokens, mask=cond.mask, label=cond.label)).square().sum().backward()
    assert x.grad is not None
    assert tokens.grad is not None
    assert x.grad.abs().sum() > 0
    assert tokens.grad.abs().sum() > 0


def test_a_missing_condition_is_named(x: Tensor, cond: Cond) -> None:
    for lacking in (None, Cond(tokens=cond.tokens, mask=cond.mask)):
        with pytest.raises(ValueError, match="needs a condition: text tokens, their mask and a label"):
            trained_looking_net()(x, T, lacking)


def test_a_net_without_values_has_the_shapes_of_one_with_values() -> None:
    with without_values():
        empty = PatchTransformer(side=8, width=48, depth=1, head=24, text_length=2, text_width=8).state_dict()
    filled = PatchTransformer(side=8, width=48, depth=1, head=24, text_length=2, text_width=8).state_dict()
    assert {name: value.shape for name, value in empty.items()} == {name: value.shape for name, value in filled.items()}
    assert {value.device.type for value in empty.values()} == {"meta"}
