"""A net that a file describes takes no memory before its weights are known to fill it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.evaluate.dataset_pictures import JudgeError
from engine.evaluate.judge import Judge
from engine.models.clip_config import allowed_shape
from engine.models.clip_model import check_size
from engine.models.errors import ModelError
from engine.models.filling import filled
from engine.models.net import PatchTransformer
from tests.fuzz import torch_seeds

HUGE = 1 << 20  # a matrix of so many rows and columns has 4 TB


def test_a_net_is_filled_with_weights_of_its_own_shapes() -> None:
    own = nn.Linear(3, 2)
    net = filled(lambda: nn.Linear(3, 2), own.state_dict())
    assert torch.equal(net.weight, own.weight)
    half = {name: value.half() for name, value in own.state_dict().items()}
    assert filled(lambda: nn.Linear(3, 2), half).weight.dtype == torch.float32


@pytest.mark.parametrize("make", [lambda: nn.Linear(HUGE, HUGE), lambda: nn.Linear(3, 2, bias=False), nn.Identity])
def test_a_net_of_other_shapes_is_refused_before_it_takes_memory(make: type[nn.Module]) -> None:
    with pytest.raises(ValueError, match="weights are of another net"):
        filled(make, nn.Linear(3, 2).state_dict())


def test_a_clip_larger_than_its_weights_is_refused_before_it_takes_memory() -> None:
    with pytest.raises(ModelError, match="describes a larger net than its weights"):
        check_size(lambda: nn.Linear(HUGE, HUGE), 10**6)
    check_size(lambda: nn.Linear(30, 20), 620)


@pytest.mark.parametrize(
    ("part", "key", "number"),
    [
        ("vision_cfg", "width", 10**6), ("vision_cfg", "layers", 10**6), ("vision_cfg", "image_size", [4096, 4096]),
        ("text_cfg", "context_length", 10**6), ("text_cfg", "heads", -(10**6)),
    ],
)  # fmt: skip
def test_no_number_of_a_clip_is_larger_than_such_numbers_are(part: str, key: str, number: object) -> None:
    config = {"embed_dim": 8, "vision_cfg": {"layers": 1}, "text_cfg": {"layers": 1}}
    config[part] = {key: number}
    with pytest.raises(ModelError, match=rf"{key} in {part} of this CLIP is not a plain value"):
        allowed_shape(config)


def test_a_head_that_does_not_divide_the_width_is_refused() -> None:
    with pytest.raises(ValueError, match="a width of 32 is no multiple of a head's 48"):
        PatchTransformer(side=8, width=32, head=48, depth=1)


@pytest.mark.parametrize("names", [["a", ["b"], "c"], [1, 2, 3], ["a", None, "c"]])
def test_a_judge_whose_names_are_no_texts_is_refused(tmp_path: Path, names: list[object]) -> None:
    (files,) = torch_seeds.judges(tmp_path)
    config = json.loads(files["config.json"])
    assert Judge.of(tmp_path).names == tuple(config["names"])
    for change in ({"names": names}, {"merged": [names]}):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(JudgeError, match="holds no usable judge"):
            Judge.of(tmp_path)
