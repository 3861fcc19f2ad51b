"""Adapters on a loaded model: applied in any dialect, several at once, taken off to the bit, refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.checkpoints.adapters.modules import Module, block_of
from engine.checkpoints.adapters.names import names_of_family
from engine.checkpoints.adapters.usable import names_of_checkpoint
from engine.checkpoints.recognise import recognise
from engine.checkpoints.settings import ModelSettings
from engine.errors import Cancelled
from engine.models.adapter_file import Worn
from engine.models.adapters import Fitting, names_of_model
from engine.models.clip_text import ClipText
from engine.models.errors import ModelError
from engine.models.latent import LatentModel, load
from engine.spec.adapter import AdapterUse
from engine.spec.catalog import checkpoint
from engine.types import Said
from tests.fakes.adapters import DIALECTS, lora, write
from tests.fakes.tiny_sd import BY_HAND, SMALL_UNET, nets, write_folder, write_single_file

UNET_ALONE = ("PEFT", "original", "whole names", "no prefix")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LatentModel:
    """A tiny Stable Diffusion 1, of a folder."""
    path = write_folder(tmp_path_factory.mktemp("model") / "tiny", nets(small=True))
    return load(checkpoint(path), torch.device("cpu"))


@pytest.fixture(autouse=True)
def taken_off(model: LatentModel) -> Iterator[None]:
    yield
    assert model.fitting is not None
    model.fitting.ensure(())


def fitting_of(model: LatentModel) -> Fitting:
    assert model.fitting is not None
    return model.fitting


def modules(model: LatentModel, *parts: str) -> list[tuple[str, Module]]:
    listed = fitting_of(model).names.parts
    return [(part, module) for part in parts or ("unet", "text") for module in listed[part].values()]


def worn(path: Path, strength: float = 1.0, text: float | None = None, **more: Any) -> Worn:
    digest = sha256(path.read_bytes()).hexdigest()
    text = strength if text is None else text
    return Worn(AdapterUse(name=path.stem, sha256=digest, strength=strength, text_strength=text, **more), path)


def weights(model: LatentModel) -> dict[str, Tensor]:
    return {
        f"{part}.{name}": value.detach().clone()
        for part in ("unet", "text")
        for name, value in model.parts[part].state_dict().items()
    }


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def changed(one: dict[str, Tensor], two: dict[str, Tensor]) -> set[str]:
    return {name for name in one if not torch.equal(one[name], two[name])}


def test_the_modules_are_known_from_the_header_alone(model: LatentModel, tmp_path: Path) -> None:
    """So the window and the commands decide as the loaded model does."""
    for path in (write_folder(tmp_path / "tiny", nets(small=True)), write_single_file(tmp_path / "tiny.safetensors")):
        info = checkpoint(path, None if path.is_dir() else ModelSettings().with_choices(path, BY_HAND))
        found = names_of_checkpoint(recognise(path, info.config["by_hand"]))
        assert found.parts == fitting_of(load(info, torch.device("cpu"))).names.parts


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_changes_every_weight_by_its_own_delta(dialect: str, model: LatentModel, tmp_path: Path) -> None:
    parts = ("unet",) if dialect in UNET_ALONE else ("unet", "text")
    if dialect == "kohya, XL":
        parts = ("unet",)  # this family has one text encoder, which trainers do not number
    listed = [(part, module) for part, module in modules(model, *parts) if len(module.shape) > 1]
    tensors = lora(listed, dialect, alpha=None)
    before = weights(model)
    fitting_of(model).ensure((worn(write(tmp_path / "a.safetensors", tensors), 0.5),))
    after = weights(model)
    assert changed(before, after) == {f"{part}.{module.name}.weight" for part, module in listed}
    values = list(tensors.values())
    for k, (part, module) in enumerate(listed):
        down, up = values[2 * k], values[2 * k + 1]
        expected = before[f"{part}.{module.name}.weight"].double()
        expected = expected + 0.5 * (up.flatten(1) @ down.flatten(1)).reshape(expected.shape)
        torch.testing.assert_close(after[f"{part}.{module.name}.weight"].double(), expected, rtol=1e-6, atol=1e-7)
    (applied,) = fitting_of(model).applied
    assert applied.sentence == f"a: {len(tensors)} of {len(tensors)} tensors applied to {len(listed)} modules"


def test_esc_while_they_are_applied_leaves_the_bits_of_before(model: LatentModel, tmp_path: Path) -> None:
    """Cancelled before the fourth weight: three were computed, and none is left changed."""
    before, fitting = weights(model), fitting_of(model)
    adapters = (worn(write(tmp_path / "a.safetensors", lora(modules(model)))),)
    shares: list[float] = []
    with pytest.raises(Cancelled):
        fitting.ensure(adapters, shares.append, lambda: len(shares) == 3)
    assert fitting.on == ()
    assert same(before, weights(model))
    fitting.ensure(adapters, shares.append)
    count = sum(len(module.shape) > 1 for _, module in modules(model))
    assert shares[3:] == [k / count for k in range(count)]
    on = weights(model)
    more = (*adapters, worn(write(tmp_path / "b.safetensors", lora(modules(model), seed=1))))
    with pytest.raises(Cancelled):
        fitting.ensure(more, shares.append, lambda: len(shares) == 3 + count + 2)
    assert same(before, weights(model))
    fitting.ensure(adapters)
    assert same(on, weights(model))


def test_in_float64_the_weight_is_exactly_the_formula(tmp_path: Path) -> None:
    """W + Σ sᵢ·(αᵢ/r)·Bᵢ·Aᵢ, to 1e-12 of the largest weight."""
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_config(SMALL_UNET).double().requires_grad_(False)
    names = names_of_model(unet, {})
    listed = [("unet", module) for module in names.parts["unet"].values() if len(module.shape) > 1]
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    some = [lora(listed, "kohya", alpha, seed) for seed, alpha in enumerate((1.0, 7.0))]
    factors = (0.8, -0.3)
    paths = [write(tmp_path / f"{k}.safetensors", tensors) for k, tensors in enumerate(some)]
    fitting = Fitting({"unet": unet}, names, "tiny")
    fitting.ensure(tuple(worn(path, factor) for path, factor in zip(paths, factors, strict=True)))
    for _, module in listed:
        stem = "lora_unet_" + module.name.replace(".", "_")
        expected = before[f"{module.name}.weight"].clone()
        for tensors, factor in zip(some, factors, strict=True):
            up, down = tensors[f"{stem}.lora_up.weight"], tensors[f"{stem}.lora_down.weight"]
            alpha = float(tensors[f"{stem}.alpha"])
            expected += factor * alpha / len(down) * (up.flatten(1) @ down.flatten(1)).reshape(expected.shape)
        found = unet.get_parameter(f"{module.name}.weight")
        assert float((found - expected).abs().max()) <= 1e-12 * float(expected.abs().max())


def test_off_again_is_the_bits_of_before(model: LatentModel, tmp_path: Path) -> None:
    before = weights(model)
    pointers = {name: value.data_ptr() for name, value in model.parts["unet"].state_dict().items()}
    path = write(tmp_path / "a.safetensors", lora(modules(model)))
    fitting_of(model).ensure((worn(path),))
    assert changed(before, weights(model))
    fitting_of(model).ensure(())
    assert same(before, weights(model))
    assert pointers == {name: value.data_ptr() for name, value in model.parts["unet"].state_dict().items()}


def test_another_strength_gives_the_bits_of_a_fresh_start(model: LatentModel, tmp_path: Path) -> None:
    fitting = fitting_of(model)
    one = write(tmp_path / "1.safetensors", lora(modules(model), seed=1))
    two = write(tmp_path / "2.safetensors", lora(modules(model, "text"), seed=2))
    fitting.ensure((worn(one, 0.7),))
    fresh = weights(model)
    for between in ((worn(one, -2.0),), (worn(two), worn(one, 0.1)), (), (worn(two, 3.0),)):
        fitting.ensure(between)
        fitting.ensure((worn(one, 0.7),))
        assert same(fresh, weights(model))


def test_the_order_of_several_changes_nothing(model: LatentModel, tmp_path: Path) -> None:
    fitting = fitting_of(model)
    some = [worn(write(tmp_path / f"{k}.safetensors", lora(modules(model), seed=k)), 0.3 + k) for k in range(3)]
    fitting.ensure(tuple(some))
    first = weights(model)
    fitting.ensure(tuple(reversed(some)))
    assert same(first, weights(model))


def test_the_strengths_of_net_and_text_are_apart(model: LatentModel, tmp_path: Path) -> None:
    before = weights(model)
    path = write(tmp_path / "a.safetensors", lora(modules(model)))
    fitting_of(model).ensure((worn(path, 0.0, text=1.0),))
    assert {name.partition(".")[0] for name in changed(before, weights(model))} == {"text"}
    fitting_of(model).ensure((worn(path, 1.0, text=0.0),))
    assert {name.partition(".")[0] for name in changed(before, weights(model))} == {"unet"}


def test_a_negative_strength_turns_the_change_around(model: LatentModel, tmp_path: Path) -> None:
    before = weights(model)
    path = write(tmp_path / "a.safetensors", lora(modules(model)))
    fitting_of(model).ensure((worn(path, 1.5),))
    plus = weights(model)
    fitting_of(model).ensure((worn(path, -1.5),))
    minus = weights(model)
    for name, value in before.items():
        if value.is_floating_point():
            torch.testing.assert_close(plus[name] + minus[name], 2 * value, rtol=1e-5, atol=1e-5)


def test_blocks_have_their_own_factors(model: LatentModel, tmp_path: Path) -> None:
    before = weights(model)
    path = write(tmp_path / "a.safetensors", lora(modules(model)))
    blocks = {block_of(module.original) for _, module in modules(model, "unet")}
    assert {"BASE", "IN00", "IN01", "M00", "OUT00", "OUT01"} <= blocks
    off = tuple((block, 0.0) for block in sorted(blocks - {"M00"}))
    fitting_of(model).ensure((worn(path, blocks=off),))
    names = {name.removeprefix("unet.") for name in changed(before, weights(model))}
    assert names
    assert all(name.startswith("mid_block.") for name in names)  # the text encoder is of BASE


def test_all_kinds_apply_to_one_model(model: LatentModel, tmp_path: Path) -> None:
    """LoHa, LoKr, DoRA, a difference and a change of a bias, each in a layer of its own."""
    draw = torch.Generator().manual_seed(3)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64) / 10

    listed = fitting_of(model).names.parts["unet"]
    proj, q, k, v, norm, conv = (
        listed["mid_block.attentions.0." + end]
        for end in ("proj_in", "transformer_blocks.0.attn1.to_q", "transformer_blocks.0.attn1.to_k",
                    "transformer_blocks.0.attn1.to_v", "norm", "proj_out")
    )  # fmt: skip
    stem = {m.name: "lora_unet_" + m.name.replace(".", "_") for m in (proj, q, k, v, norm, conv)}
    side = proj.shape[0]
    tensors = {
        f"{stem[q.name]}.hada_w{n}_{x}": random(*s) for n in (1, 2) for x, s in (("a", (side, 2)), ("b", (2, side)))
    }
    tensors |= {f"{stem[k.name]}.lokr_w1": random(4, 4), f"{stem[k.name]}.lokr_w2": random(side // 4, side // 4)}
    tensors |= {f"{stem[v.name]}.lora_down.weight": random(2, side), f"{stem[v.name]}.lora_up.weight": random(side, 2)}
    tensors |= {f"{stem[v.name]}.dora_scale": random(1, side).abs() + 1}
    tensors |= {f"{stem[proj.name]}.diff": random(side, side), f"{stem[proj.name]}.diff_b": random(side)}
    tensors |= {f"{stem[norm.name]}.w_norm": random(side), f"{stem[norm.name]}.b_norm": random(side)}
    tensors |= {f"{stem[conv.name]}.diff_b": random(side)}
    before = weights(model)
    fitting_of(model).ensure((worn(write(tmp_path / "a.safetensors", tensors)),))
    after = weights(model)
    kinds = {q: ("weight",), k: ("weight",), v: ("weight",), proj: ("weight", "bias"), norm: ("weight", "bias")}
    kinds[conv] = ("bias",)
    assert changed(before, after) == {f"unet.{m.name}.{kind}" for m, some in kinds.items() for kind in some}
    lengths = after[f"unet.{v.name}.weight"].norm(dim=0)
    torch.testing.assert_close(lengths, tensors[f"{stem[v.name]}.dora_scale"][0].float(), rtol=1e-5, atol=1e-5)
    difference = after[f"unet.{proj.name}.weight"] - before[f"unet.{proj.name}.weight"]
    torch.testing.assert_close(difference.flatten(1).double(), tensors[f"{stem[proj.name]}.diff"], rtol=1e-5, atol=1e-6)
    assert fitting_of(model).applied[0].tensors == len(tensors)


def test_a_view_has_its_adapters_on_whatever_others_did_between(model: LatentModel, tmp_path: Path) -> None:
    """Runs of several requests take turns at one model: each call of a net has the weights of its own request."""
    x, said = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), Said("a red apple")
    one = model.wearing((worn(write(tmp_path / "1.safetensors", lora(modules(model), seed=1))),))
    two = model.wearing((worn(write(tmp_path / "2.safetensors", lora(modules(model), seed=2))),))
    views, made = (model, one, two), []
    conds = [view.condition(said) for view in views]
    for order in ((0, 1, 2), (2, 0, 1)):
        out = {k: views[k].denoiser(x, 3.0, conds[k]) for k in order}
        made.append([out[k] for k in range(3)])
    for later in made[1:]:
        assert all(torch.equal(a, b) for a, b in zip(made[0], later, strict=True))
    assert len({tuple(out.flatten().tolist()) for out in made[0]}) == 3
    assert torch.equal(model.condition(said).tokens, conds[0].tokens)  # type: ignore[arg-type]
    assert not torch.equal(conds[0].tokens, conds[1].tokens)  # type: ignore[arg-type]


def test_half_precision_is_rounded_once(tmp_path: Path) -> None:
    """Ten small changes, each below half a step of the dtype, add up."""
    info = checkpoint(write_folder(tmp_path / "tiny", nets(small=True)))
    half = load(info, torch.device("cpu"), torch.bfloat16)
    module = fitting_of(half).names.parts["unet"]["mid_block.attentions.0.proj_in"]
    before = half.parts["unet"].get_parameter(f"{module.name}.weight").clone()
    step = before.float() * 2**-10
    stem = "lora_unet_" + module.name.replace(".", "_")
    some = [write(tmp_path / f"{k}.safetensors", {f"{stem}.diff": step * (1 + 1e-3 * k)}) for k in range(10)]
    fitting_of(half).ensure(tuple(map(worn, some)))
    after = half.parts["unet"].get_parameter(f"{module.name}.weight")
    assert after.dtype == torch.bfloat16
    expected = (before.double() + sum(step.double() * (1 + 1e-3 * k) for k in range(10))).bfloat16()
    torch.testing.assert_close(after.float(), expected.float(), rtol=2**-8, atol=0)
    assert not torch.equal(after, before)


def test_alpha_of_diffusers_metadata_counts(model: LatentModel, tmp_path: Path) -> None:
    (module,) = [m for _, m in modules(model, "unet") if m.name == "mid_block.attentions.0.proj_in"]
    tensors = lora([("unet", module)], "PEFT in diffusers", alpha=None)
    plain = write(tmp_path / "plain.safetensors", tensors)
    said = write(
        tmp_path / "said.safetensors", tensors, {"lora_adapter_metadata": '{"unet.lora_alpha": 6, "unet.r": 3}'}
    )
    before = weights(model)[f"unet.{module.name}.weight"]
    deltas = []
    for path in (plain, said):
        fitting_of(model).ensure((worn(path),))
        deltas.append(weights(model)[f"unet.{module.name}.weight"] - before)
    torch.testing.assert_close(deltas[1], 2 * deltas[0], rtol=1e-4, atol=1e-6)


def test_layers_that_a_text_encoder_leaves_out_are_let_go(model: LatentModel, tmp_path: Path) -> None:
    text = model.parts["text"]
    assert isinstance(text, ClipText)
    names = names_of_model(model.parts["unet"], {"text": (text, 1)})
    deeper = [("text", m) for m in names.parts["text"].values() if m.name.startswith("encoder.layers.2.")]
    assert deeper
    fitting = Fitting({"unet": model.parts["unet"], "text": text}, names, "tiny")
    before = weights(model)
    fitting.ensure((worn(write(tmp_path / "a.safetensors", lora(deeper))),))
    assert same(before, weights(model))


def refused(model: LatentModel, path: Path, strength: float = 1.0) -> str:
    before = weights(model)
    with pytest.raises(ModelError) as caught:
        fitting_of(model).ensure((worn(path, strength),))
    assert same(before, weights(model))
    assert fitting_of(model).on == ()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_adapter_of_another_family_is_refused_by_its_name(model: LatentModel, tmp_path: Path) -> None:
    listed = [("unet", m) for m in names_of_family("sdxl").parts["unet"].values() if "attn2" in m.name][:8]
    path = write(tmp_path / "xl.safetensors", lora(listed, "diffusers"))
    said = refused(model, path)
    assert "LoRA for Stable Diffusion XL" in said
    assert "this model is Stable Diffusion 1" in said


def test_keys_that_fit_nothing_are_named_and_counted(model: LatentModel, tmp_path: Path) -> None:
    tensors = lora(modules(model))
    extra = {f"lora_unet_strange_{k}.{end}": torch.ones(2, 2) for k in range(4) for end in ("lora_up.weight", "alpha")}
    said = refused(model, write(tmp_path / "a.safetensors", tensors | extra))
    assert f"8 of its {len(tensors) + 8} tensors fit no module (lora_unet_strange_0" in said


def test_learned_words_beside_an_adapter_are_said_and_not_used(model: LatentModel, tmp_path: Path) -> None:
    tensors = lora(modules(model, "text"))
    path = write(tmp_path / "a.safetensors", tensors | {"bundle_emb.word.string_to_param.*": torch.ones(2, 32)})
    fitting_of(model).ensure((worn(path),))
    assert f"{len(tensors)} of {len(tensors) + 1} tensors applied" in fitting_of(model).applied[0].sentence
    assert "1 of learned words are not used" in fitting_of(model).applied[0].sentence


def test_shapes_that_do_not_fit_are_named(model: LatentModel, tmp_path: Path) -> None:
    stem = "lora_unet_mid_block_attentions_0_proj_in"
    tensors = {f"{stem}.lora_down.weight": torch.ones(2, 99), f"{stem}.lora_up.weight": torch.ones(32, 2)}
    said = refused(model, write(tmp_path / "a.safetensors", lora(modules(model, "text")) | tensors))
    assert "2 of its" in said
    assert "changes a weight of 32×99, and the model's is 32×32×1×1" in said


def test_a_number_that_is_none_is_refused_and_the_others_taken_back(model: LatentModel, tmp_path: Path) -> None:
    tensors = lora(modules(model))
    name = [key for key in tensors if key.endswith("lora_up.weight")][-1]
    tensors[name] = torch.full_like(tensors[name], torch.nan)
    said = refused(model, write(tmp_path / "a.safetensors", tensors))
    assert "values that are not numbers" in said
    assert "“a”" in said


def test_a_file_that_went_away_or_is_damaged_is_refused(model: LatentModel, tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", lora(modules(model)))
    use = worn(path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelError, match="cut off"):
        fitting_of(model).ensure((use,))
    path.unlink()
    with pytest.raises(ModelError, match="is no file"):
        fitting_of(model).ensure((use,))


def test_too_little_memory_is_said_before_anything_changes(
    model: LatentModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.safetensors", lora(modules(model)))
    monkeypatch.setattr("engine.models.adapters.free_bytes", lambda device: 1000)
    assert "of memory and 0.0 GiB are free" in refused(model, path)


def test_a_model_of_another_kind_takes_no_adapters(tmp_path: Path) -> None:
    from engine.models.adapters import wear

    class Plain(nn.Module):
        id = "plain"

    with pytest.raises(ModelError, match="takes no adapters"):
        wear(Plain(), (worn(write(tmp_path / "a.safetensors", {"x": torch.ones(1)})),))  # type: ignore[arg-type]


def test_the_uses_of_an_adapter_compare_by_all_their_settings(tmp_path: Path) -> None:
    use = worn(write(tmp_path / "a.safetensors", {"x": torch.ones(1)}))
    assert use == use._replace(use=replace(use.use))
    assert use != use._replace(use=replace(use.use, text_strength=0.5))
