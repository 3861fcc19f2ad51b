"""Every published layout is recognised by its header alone; what fits nothing is said to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.checkpoints.errors import CheckpointError, PickleError, UnknownCheckpoint
from engine.checkpoints.hashes import layout_md5
from engine.checkpoints.header import read_header
from engine.checkpoints.recognise import Found, recognise
from tests.fakes.checkpoints import Shapes, layouts, single_file, under, write_hollow

UNETS = {  # layout: family, variant, prediction ("" must be asked), text encoders in the single file
    "unet-v1-sd": ("sd1", "", "eps", ["text"]),
    "unet-v1-inpainting": ("sd1", "inpainting", "eps", ["text"]),
    "unet-v1-pix2pix": ("sd1", "pix2pix", "eps", ["text"]),
    "unet-v2-sd": ("sd2", "", "", ["text"]),
    "unet-v2-inpainting": ("sd2", "inpainting", "eps", ["text"]),
    "unet-xl-sd": ("sdxl", "", "eps", ["text", "text_2"]),
    "unet-xl-refiner": ("sdxl-refiner", "", "eps", ["text_2"]),
}
ALONE = {  # layout: role, families it can serve
    "vae-v1-sd": ("vae", ("sd1", "sd2", "sdxl", "sdxl-refiner")),
    "clip-v1-sd": ("text", ("sd1", "sdxl", "sd3", "flux")),
    "clip-v2-sd": ("text", ("sd2",)),
    "clip-xl-sd": ("text", ("sdxl", "sdxl-refiner", "sd3")),
    "controlnet-v1-sd": ("control", ("sd1",)),
    "lora-v1-unet": ("adapter", ("sd1",)),
    "lora-v1-clip": ("adapter", ("sd1",)),
    "lora-v1a-unet": ("adapter", ("sd1",)),
    "lora-v1a-clip": ("adapter", ("sd1",)),
    "anima_lora_kohya_format": ("adapter", ("anima",)),
    "anima_lora_kohya_with_te_format": ("adapter", ("anima",)),
    "anima_lora_peft_format": ("adapter", ("anima",)),
    "flux_control_lora_format": ("adapter", ("flux",)),
    "flux_lokr_bfl_format": ("adapter", ("flux", "flux2")),
    "flux_lora_diffusers_base_model_format": ("adapter", ("flux",)),
    "flux_lora_diffusers_format": ("adapter", ("flux",)),
    "flux_lora_kohya_format": ("adapter", ("flux",)),
    "qwen_image_lora_diffusers_format": ("adapter", ("qwen-image",)),
}


def found(folder: Path, shapes: Shapes, metadata: dict[str, str] | None = None, **by_hand: object) -> Found:
    return recognise(write_hollow(folder / "model.safetensors", shapes, metadata=metadata), by_hand)


def test_every_layout_has_a_test() -> None:
    assert set(layouts()) == set(UNETS) | set(ALONE)


@pytest.mark.parametrize("layout", UNETS)
def test_a_single_file_is_recognised_with_its_parts(layout: str, tmp_path: Path) -> None:
    family, variant, predicts, texts = UNETS[layout]
    model = found(tmp_path, single_file(layout))
    assert (model.role, model.family, model.variant, model.predicts) == ("model", family, variant, predicts)
    assert [part.role for part in model.parts] == ["unet", "vae", *texts]
    assert sum(part.count for part in model.parts) == len(single_file(layout))
    assert model.loadable


@pytest.mark.parametrize("layout", UNETS)
def test_a_unet_alone_is_recognised(layout: str, tmp_path: Path) -> None:
    model = found(tmp_path, layouts()[layout])
    assert (model.family, model.variant) == UNETS[layout][:2]
    assert [part.role for part in model.parts] == ["unet"]


@pytest.mark.parametrize("layout", ALONE)
def test_everything_else_is_recognised(layout: str, tmp_path: Path) -> None:
    part = found(tmp_path, layouts()[layout])
    assert (part.role, part.families) == ALONE[layout]
    assert not part.loadable


def test_the_old_names_of_a_text_encoder_are_known(tmp_path: Path) -> None:
    shapes = under("model.diffusion_model.", "unet-v1-sd") | under("cond_stage_model.transformer.", "clip-v1-sd")
    assert [part.role for part in found(tmp_path, shapes).parts] == ["unet", "text"]


def test_the_layout_of_the_published_xl_file_has_its_md5(tmp_path: Path) -> None:
    path = write_hollow(tmp_path / "xl.safetensors", single_file("unet-xl-sd"))
    assert layout_md5(read_header(path)) == "4cf64a799d04260df438c6f33c9a047e"


@pytest.mark.parametrize(
    ("extra", "metadata", "predicts", "zero"),
    [
        (("v_pred",), {}, "v", False),
        (("v_pred", "ztsnr"), {}, "v", True),
        ((), {"modelspec.prediction_type": "v"}, "v", False),
        ((), {"modelspec.predict_key": "epsilon"}, "eps", False),
        ((), {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"}, "v", True),
        ((), {"modelspec.architecture": "stable-diffusion-v2-768-v"}, "v", False),
    ],
)
@pytest.mark.parametrize("layout", ["unet-xl-sd", "unet-v2-sd"])
def test_tensors_and_metadata_say_the_prediction(
    layout: str, extra: tuple[str, ...], metadata: dict[str, str], predicts: str, zero: bool, tmp_path: Path
) -> None:
    shapes = layouts()[layout] | dict.fromkeys(extra, (0,))
    model = found(tmp_path, shapes, metadata)
    assert (model.predicts, model.zero_snr) == (predicts, zero)
    assert model.said_by != "the family"


def test_the_user_says_the_prediction_before_everything_else(tmp_path: Path) -> None:
    model = found(tmp_path, layouts()["unet-v2-sd"], {"modelspec.prediction_type": "v"}, predicts="eps")
    assert (model.predicts, model.said_by) == ("eps", "the user")


def test_a_distilled_unet_is_not_taken_for_the_whole_one(tmp_path: Path) -> None:
    """SSD-1B and its kin lack layers of Stable Diffusion XL, so their weights would not fit."""
    shapes = {name: shape for name, shape in single_file("unet-xl-sd").items() if ".transformer_blocks.9." not in name}
    with pytest.raises(UnknownCheckpoint) as caught:
        found(tmp_path, {name: shape for name, shape in shapes.items() if name.startswith("model.")})
    assert "Stable Diffusion XL" in caught.value.nearest[0]
    assert "transformer_blocks.9" in caught.value.nearest[0]


def test_another_width_fits_nothing_and_the_nearest_kind_is_named(tmp_path: Path) -> None:
    shapes = dict(layouts()["unet-v1-sd"])
    key = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    shapes[key] = (320, 640)
    with pytest.raises(UnknownCheckpoint, match="--set family") as caught:
        found(tmp_path, shapes)
    assert any("Stable Diffusion 1" in one and "320×640 instead of any×768" in one for one in caught.value.nearest)
    assert found(tmp_path, shapes, family="sd1").family == "sd1"


def test_strangers_are_told_by_their_tensors(tmp_path: Path) -> None:
    with pytest.raises(UnknownCheckpoint, match=r"h\.0\.mlp\.weight"):
        found(tmp_path, {"h.0.mlp.weight": (4, 4)})
    with pytest.raises(UnknownCheckpoint, match="none"):
        found(tmp_path, {})


def test_a_model_with_another_noise_schedule_is_named_and_not_loaded(tmp_path: Path) -> None:
    model = found(tmp_path, layouts()["unet-xl-sd"] | {"edm_mean": (4,), "edm_std": (4,)})
    assert "Playground" in model.title
    assert not model.loadable


def test_embeddings_are_recognised(tmp_path: Path) -> None:
    assert found(tmp_path, {"emb_params": (4, 768)}).family == "sd1"
    assert found(tmp_path, {"clip_l": (2, 768), "clip_g": (2, 1280)}).family == "sdxl"
    assert found(tmp_path, {"<cat-toy>": (768,)}).families == ("sd1",)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PK\x03\x04" + bytes(200), "is a pickle"),
        (b"\x80\x02}q\x00" + bytes(200), "is a pickle"),
        (b"GGUF\x03\x00\x00\x00" + bytes(200), "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>" + bytes(99), "web page"),
        (b"", "too short"),
        (b"\x00" * 7, "too short"),
        (bytes(64), "no safetensors"),
    ],
)
def test_other_files_are_refused_by_what_they_are(start: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(start)
    with pytest.raises(CheckpointError, match=said):
        recognise(path)


def test_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(PickleError, match="--convert"):
        recognise(path)


def test_folders_and_pipes_do_not_hang(tmp_path: Path) -> None:
    import os

    with pytest.raises(CheckpointError, match="holds no model"):
        recognise(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.safetensors")
        with pytest.raises(CheckpointError, match="is no file"):
            recognise(tmp_path / "pipe.safetensors")
    with pytest.raises(CheckpointError):
        recognise(tmp_path / "missing.safetensors")


def test_shards_are_read_as_one_model(tmp_path: Path) -> None:
    whole = layouts()["unet-v1-sd"]
    names = list(whole)
    halves = {"a-00001.safetensors": names[:300], "a-00002.safetensors": names[300:]}
    for file, part in halves.items():
        write_hollow(tmp_path / file, {name: whole[name] for name in part})
    where = {name: file for file, part in halves.items() for name in part}
    index = tmp_path / "a.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": where}), encoding="utf-8")
    assert recognise(index).family == "sd1"
    assert len(read_header(index).files) == 2
    (tmp_path / "a-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match="a-00002"):
        recognise(index)
    index.write_text(json.dumps({"weight_map": dict.fromkeys(where, "../a.safetensors")}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="list of shards"):
        recognise(index)
