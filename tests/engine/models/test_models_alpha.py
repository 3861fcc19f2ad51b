"""Transparency: the state of a net against compositing by its definition (Porter and Duff's "over")."""

from __future__ import annotations

import pytest
import torch

from engine.models.alpha import checkerboard, over, premultiply, to_straight


@pytest.fixture
def rgba() -> torch.Tensor:
    """Straight colour and alpha, (2, 4, 5, 6) in [−1, 1], some of it clear and some of it opaque."""
    made = torch.rand(2, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made[0, 3, 0], made[0, 3, 1] = -1, 1
    return made


def laid(rgba: torch.Tensor, ground: torch.Tensor) -> torch.Tensor:
    """a·c + (1 − a)·g on values in [0, 1], back in [−1, 1]."""
    unit, under = (rgba + 1) / 2, (ground + 1) / 2
    return (unit[:, 3:] * unit[:, :3] + (1 - unit[:, 3:]) * under) * 2 - 1


def test_the_first_three_channels_are_the_picture_on_white(rgba: torch.Tensor) -> None:
    state = premultiply(rgba)
    torch.testing.assert_close(state[:, :3], laid(rgba, torch.ones(3, 1, 1, dtype=torch.float64)))
    assert torch.equal(state[:, 3], rgba[:, 3])


def test_any_ground_can_be_laid_under_a_state(rgba: torch.Tensor) -> None:
    ground = torch.rand(3, 5, 6, dtype=torch.float64) * 2 - 1
    torch.testing.assert_close(over(premultiply(rgba), ground), laid(rgba, ground))


def test_a_state_gives_back_the_straight_colour_wherever_it_can_be_seen(rgba: torch.Tensor) -> None:
    back, seen = to_straight(premultiply(rgba)), (rgba[:, 3:] > -1).expand(-1, 4, -1, -1)
    torch.testing.assert_close(back[seen], rgba[seen])
    assert (back[:, :3][~seen[:, :3]] == 1).all()


def test_averaging_a_state_equals_the_state_of_the_averaged_picture(rgba: torch.Tensor) -> None:
    """Half a red and half a clear pixel are a red at half alpha, with no white in it."""
    pair = torch.tensor([[1.0, -1, -1, 1], [1, 1, 1, -1]], dtype=torch.float64).T.view(1, 4, 1, 2)
    mean = premultiply(pair).mean(-1, keepdim=True)
    torch.testing.assert_close(to_straight(mean).flatten(), torch.tensor([1.0, -1, -1, 0], dtype=torch.float64))


def test_a_state_that_no_picture_has_becomes_one_in_range() -> None:
    state = torch.tensor([-1.0, 0.0, 3.0, -0.9]).view(1, 4, 1, 1)  # darker on white than its alpha allows
    made = to_straight(state)
    assert made.abs().max() <= 1
    assert made[0, 0] == -1


def test_the_checkerboard_alternates() -> None:
    board = checkerboard(16, 24, square=8)
    assert board.shape == (3, 16, 24)
    assert board[0, 0, 0] == board[0, 8, 8] == 1
    assert torch.equal(board[:, :8, 8:16], board[:, 8:, :8])
    assert board[0, 0, 8] < 1
