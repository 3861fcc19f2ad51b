"""Few-step checkpoints are recognised by whole words of their names, and their presets can be run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.rules import RULES
from engine.schedules import SPACINGS
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.few_step import PRESETS, recognise


@pytest.mark.parametrize(
    ("name", "title", "steps"),
    [
        ("sdxl_lightning_4step_unet.safetensors", "Lightning", 4),
        ("sdxl_lightning_8step_lora.safetensors", "Lightning", 8),
        ("RealVisXL_V4.0_Lightning.safetensors", "Lightning", 4),
        ("sd_xl_turbo_1.0_fp16.safetensors", "Turbo", 4),
        ("DreamShaperXL_Turbo-v2.safetensors", "Turbo", 4),
        ("dreamshaperXL_v21TurboDPMSDE.safetensors", "Turbo", 4),
        ("Hyper-SDXL-8steps-lora.safetensors", "Hyper-SD", 8),
        ("Hyper-SD15-2steps-lora.safetensors", "Hyper-SD", 2),
        ("Hyper-SDXL-1step-lora.safetensors", "Hyper-SD", 1),
        ("lcm-lora-sdv1-5.safetensors", "LCM", 6),
        ("LCM_Dreamshaper_v7_4k.safetensors", "LCM", 6),
        ("dmd2_sdxl_4step_unet_fp16.bin", "DMD2", 4),
        ("tcd-sdxl-lora.safetensors", "TCD", 4),
    ],
)
def test_a_few_step_checkpoint_is_recognised_by_its_name(name: str, title: str, steps: int) -> None:
    found = recognise([name])
    assert found is not None
    assert (found.title, found.steps) == (title, steps)


@pytest.mark.parametrize(
    "name", ["v1-5-pruned-emaonly.safetensors", "hyperrealism_v3.safetensors", "turbocharged", "sdxl-20steps", ""]
)
def test_other_names_have_no_preset(name: str) -> None:
    assert recognise([name]) is None


def test_the_file_name_comes_before_metadata_and_the_nets_own_keys_last() -> None:
    key = "model.diffusion_model.time_embed.cond_proj.weight"
    turbo = recognise(["model.safetensors", "SDXL Turbo"], [key])
    assert turbo is not None and turbo.title == "Turbo"  # noqa: PT018
    lcm = recognise(["model.safetensors"], ["conv_in.weight", key])
    assert lcm is PRESETS["lcm"]


def test_hypers_one_step_file_takes_tcd_with_all_noise_fresh() -> None:
    found = recognise(["Hyper-SDXL-1step-lora"])
    assert found is not None
    assert (found.sampler, found.options) == ("tcd", (("gamma", 1.0),))


@pytest.mark.parametrize("method", PRESETS)
def test_a_preset_can_be_resolved(method: str, tiny_model: ModelInfo) -> None:
    preset = PRESETS[method]
    assert preset.sampler in RULES
    assert preset.spacing in SPACINGS
    draft = Draft.for_model(tiny_model)
    names = ("steps", "guidance", "sampler", "spacing", "options")
    request = resolve(replace(draft, **{name: getattr(preset, name) for name in names}), tiny_model)
    assert request.evaluations == preset.steps
