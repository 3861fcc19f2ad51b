"""Adapters are described from their headers alone: family, dialect, kind, which tensors map, what the metadata say."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.checkpoints.adapters.facts import MAX_JSON, MAX_TAGS, MAX_TEXT, read_facts, trained_alphas
from engine.checkpoints.adapters.modules import Module, clip_modules, unet_modules
from engine.checkpoints.adapters.names import names_of_family
from engine.checkpoints.adapters.recognise import Adapter, find_adapter
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import families
from engine.checkpoints.header import Entry, Header, read_header
from engine.checkpoints.names import unet_name
from tests.fakes.adapters import DIALECTS
from tests.fakes.checkpoints import Shapes, layouts, write_hollow

FOUND = {  # a real file: its kind, families, dialects and ranks, and the modules that it changes
    "lora-v1-unet": ("LoRA", ("sd1",), ("kohya",), (8,), {"unet": 192}),
    "lora-v1-clip": ("LoRA", ("sd1",), ("kohya",), (8,), {"text": 72}),
    "lora-v1a-unet": ("LoRA", ("sd1",), ("kohya",), (8,), {"unet": 192}),
    "lora-v1a-clip": ("LoRA", ("sd1",), ("kohya",), (8,), {"text": 72}),
    "anima_lora_kohya_format": ("LoRA", ("anima",), ("kohya",), (8,), {"transformer": 11}),
    "anima_lora_kohya_with_te_format": ("LoRA", ("anima",), ("kohya",), (8,), {"transformer": 2, "text": 7}),
    "anima_lora_peft_format": ("LoRA", ("anima",), ("original", "PEFT"), (8,), {"transformer": 6}),
    "flux_control_lora_format": ("LoRA", ("flux",), ("no prefix", "PEFT"), (64, 128), {"transformer": 314}),
    "flux_lokr_bfl_format": ("LoKr", ("flux", "flux2"), ("original",), (), {"transformer": 6}),
    "flux_lora_diffusers_base_model_format": ("LoRA", ("flux",), ("PEFT",), (4,), {"transformer": 381}),
    "flux_lora_diffusers_format": ("LoRA", ("flux",), ("diffusers", "PEFT"), (32,), {"transformer": 494}),
    "flux_lora_kohya_format": ("LoRA", ("flux",), ("kohya",), (16,), {"transformer": 304}),
    "qwen_image_lora_diffusers_format": ("LoRA", ("qwen-image",), ("no prefix",), (64,), {"transformer": 3}),
}
UNETS = {"sd1": "unet-v1-sd", "sd2": "unet-v2-sd", "sdxl": "unet-xl-sd", "sdxl-refiner": "unet-xl-refiner"}
PUBLISHED_TEXTS = {("sd1", "text"): "clip-v1-sd", ("sdxl", "text"): "clip-v1-sd", ("sd2", "text"): "clip-v2-sd",
                   ("sdxl", "text_2"): "clip-xl-sd"}  # fmt: skip


def header(shapes: Mapping[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Header:
    entries = {name: Entry("F16", tuple(shape), 0) for name, shape in shapes.items()}
    return Header(Path("a.safetensors"), (), entries, metadata or {})


def described(shapes: Mapping[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Adapter:
    found = find_adapter(header(shapes, metadata))
    assert found is not None
    return found


def lora_shapes(modules: Mapping[tuple[str, str], Module], dialect: str, rank: int = 4) -> Shapes:
    name_of, down, up = DIALECTS[dialect]
    made: Shapes = {}
    for (part, _), module in modules.items():
        if len(module.shape) > 1:
            name = name_of(part, module)
            made[name + down] = (rank, *module.shape[1:])
            made[name + up] = (module.shape[0], rank, *[1] * (len(module.shape) - 2))
    return made


def test_every_published_adapter_has_a_row() -> None:
    assert set(FOUND) == {name for name in layouts() if "lora" in name or "lokr" in name}


@pytest.mark.parametrize("layout", FOUND)
def test_a_published_adapter_is_described_and_maps_whole(layout: str) -> None:
    adapter = described(layouts()[layout])
    sort, fits, dialects, ranks, parts = FOUND[layout]
    assert (adapter.sort, adapter.families, adapter.dialects, adapter.ranks, adapter.parts) == (
        sort, fits, dialects, ranks, parts
    )  # fmt: skip
    assert (adapter.mapped, adapter.total) == (len(layouts()[layout]),) * 2
    assert adapter.why_not == ""
    assert adapter.loadable == (fits == ("sd1",))


def test_a_whole_lora_of_stable_diffusion_1_has_792_tensors() -> None:
    adapter = described(layouts()["lora-v1a-unet"] | layouts()["lora-v1a-clip"])
    assert (adapter.mapped, adapter.total) == (792, 792)
    assert adapter.parts == {"unet": 192, "text": 72}


@pytest.mark.parametrize("name", UNETS)
def test_the_modules_of_a_family_are_those_of_diffusers_and_of_the_published_files(name: str) -> None:
    listed, published = unet_modules(families()[name].unet), layouts()[UNETS[name]]
    assert shapes_of(listed, original=True) == published
    assert shapes_of(listed, original=False) == {unet_name(key): shape for key, shape in published.items()}


@pytest.mark.parametrize(("family", "part"), PUBLISHED_TEXTS)
def test_the_modules_of_a_text_encoder_are_those_of_the_published_files(family: str, part: str) -> None:
    (net,) = [text["net"] for text in families()[family].text if text["part"] == part]
    published = layouts()[PUBLISHED_TEXTS[family, part]]
    for module in clip_modules(net):
        own = [published.get(f"{stem}.weight") for stem in (module.name, module.original)]
        if "_proj" in module.name and ".self_attn." in module.name and PUBLISHED_TEXTS[family, part] != "clip-v1-sd":
            continue  # open_clip has queries, keys and values in one matrix
        assert module.shape in own or module.name == "text_projection", module.name


def shapes_of(modules: list[Module], original: bool) -> Shapes:
    made: Shapes = {}
    for module in modules:
        stem = module.original if original else module.name
        made[f"{stem}.weight"] = module.shape
        if module.bias:
            made[f"{stem}.bias"] = module.shape[:1]
    return made


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("family", UNETS)
def test_every_dialect_of_every_family_maps_whole(family: str, dialect: str) -> None:
    parts = names_of_family(family).parts
    texts = {"kohya": ("text",), "kohya, XL": ("text", "text_2"), "diffusers": ("text", "text_2")}.get(dialect, ())
    if (dialect == "kohya") == ("text_2" in parts):
        texts = ()
    listed = {(p, name): m for p in ("unet", *texts) for name, m in parts.get(p, {}).items()}
    shapes = lora_shapes(listed, dialect)
    adapter = described(shapes)
    assert adapter.families == (family,)
    assert (adapter.mapped, adapter.total, adapter.why_not) == (len(shapes), len(shapes), "")
    assert adapter.parts["unet"] == sum(len(module.shape) > 1 for module in parts["unet"].values())


def test_attention_processors_of_old_diffusers_are_known() -> None:
    stem = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor"
    shapes = {f"{stem}.to_{x}_lora.{end}.weight": s
              for x in ("q", "k", "v", "out") for end, s in (("down", (4, 320)), ("up", (320, 4)))}  # fmt: skip
    for prefix in ("", "unet."):
        adapter = described({prefix + name: shape for name, shape in shapes.items()})
        assert "sd1" in adapter.families
        assert adapter.mapped == 8


def test_where_two_families_fit_the_metadata_say_which() -> None:
    """Self-attention has the same names and shapes in Stable Diffusion 1 and 2."""
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    shapes: Shapes = {f"{stem}.lora_down.weight": (4, 320), f"{stem}.lora_up.weight": (320, 4)}
    assert described(shapes).families == ("sd1", "sd2")
    assert described(shapes).title == "LoRA for Stable Diffusion 1 or Stable Diffusion 2"
    assert described(shapes, {"ss_base_model_version": "sd_v2_768_v"}).families == ("sd2",)


def test_what_does_not_map_is_counted_and_named() -> None:
    whole = layouts()["lora-v1a-unet"]
    odd = {"lora_unet_odd.lora_down.weight": (8, 9), "lora_unet_odd.lora_up.weight": (9, 8), "mystery": (3,)}
    wide = {name: (*shape[:1], 999, *shape[2:]) if name.endswith("mid_block_attentions_0_proj_in.lora_down.weight")
            else shape for name, shape in whole.items()}  # fmt: skip
    adapter = described(wide | odd)
    assert adapter.mapped == len(whole) - 3
    assert set(adapter.unknown) == set(odd)
    assert "3 of its 579 tensors fit no module (mystery" in adapter.why_not
    assert "changes a weight of 1280×999×1×1, and the model's is 1280×1280×1×1" in adapter.why_not


def test_kinds_that_are_not_applied_are_named() -> None:
    stem = "lora_unet_mid_block_attentions_0_proj_in"
    adapter = described({f"{stem}.oft_blocks": (4, 320, 320), f"{stem}.alpha": ()})
    assert adapter.sort == "OFT"
    assert "OFT is not applied here" in adapter.why_not


@pytest.mark.parametrize("shapes", [{}, {"x": (1,)}, {"conv.weight": (3, 3), "a.alpha": (), "b.weight": (2,)}])
def test_what_is_no_adapter_is_none(shapes: Shapes) -> None:
    assert find_adapter(header(shapes)) is None


def test_an_adapter_of_no_known_family_says_so() -> None:
    adapter = described({"lora_unet_foo.lora_down.weight": (4, 8), "lora_unet_foo.lora_up.weight": (8, 4)})
    assert adapter.families == ()
    assert adapter.title == "LoRA for a family that is not known here"
    assert "lora_unet_foo" in adapter.why_not


def test_the_metadata_are_read() -> None:
    facts = read_facts({
        "ss_output_name": "style", "ss_base_model_version": "sdxl_base_v1-0", "ss_network_dim": "32",
        "ss_network_alpha": "16.0", "ss_network_module": "lycoris.kohya", "modelspec.trigger_phrase": "mystyle, by me",
        "ss_tag_frequency": json.dumps({"10_a": {"1girl": 5, "red hair ": 3}, "b": {"1girl": 2, "tree": 3}}),
    })  # fmt: skip
    assert (facts.title, facts.rank, facts.alpha, facts.network) == ("style", 32, 16, "lycoris.kohya")
    assert facts.families == ("sdxl",)
    assert facts.triggers == ("mystyle", "by me")
    assert facts.tags == (("1girl", 7), ("red hair", 3), ("tree", 3))


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1, 2]", "5", "null", '{"a": 5}', '{"a": {"x": "many"}}', '{"a": {"x": true}}', '{"a": {"x": -5}}',
        '{"a": {"x": 1e400}}', "[" * 100_000, '{"a": {"x": ' + "9" * 5000 + "}}", " " * (MAX_JSON + 1),
    ],
)  # fmt: skip
def test_damaged_metadata_say_nothing(text: str) -> None:
    facts = read_facts({"ss_tag_frequency": text, "ss_network_dim": text, "ss_network_alpha": "nan"})
    assert (facts.tags, facts.alpha) == ((), None)
    assert trained_alphas({"lora_adapter_metadata": text}) == {}


def test_metadata_are_bounded() -> None:
    tags = {"a": {f"tag {k}\u202e": 1 + k for k in range(1000)}}
    facts = read_facts({
        "ss_tag_frequency": json.dumps(tags), "modelspec.title": "x\n" * 10_000,
        "modelspec.trigger_phrase": ",".join(map(str, range(1000))),
    })  # fmt: skip
    assert len(facts.tags) == MAX_TAGS
    assert len(facts.triggers) <= MAX_TAGS
    assert len(facts.title) <= 2 * MAX_TEXT
    assert "\n" not in facts.title
    assert "\u202e" not in facts.tags[0][0]


def test_hostile_names_and_shapes_are_described_or_refused() -> None:
    """500 adapters with damaged names, missing tensors and odd shapes: a description, or one sentence."""
    draw = random.Random(0)
    real = list(layouts()["lora-v1a-unet"].items())
    for _ in range(500):
        shapes: Shapes = {}
        for name, shape in draw.sample(real, 12):
            at = draw.randrange(len(name))
            kind = draw.randrange(5)
            if kind == 1:
                name = name[:at] + draw.choice(["", ".", "_", "é", "\x00", "#", "{", "9" * 30]) + name[at + 1 :]
            if kind == 2:
                shape = tuple(draw.choice([0, 1, 3, 2**31, *shape]) for _ in range(draw.randrange(6)))
            shapes[name] = shape
        adapter = find_adapter(header(shapes))
        if adapter is not None:
            assert 0 <= adapter.mapped <= adapter.total == len(shapes)
            assert "\n" not in adapter.why_not
            assert len(adapter.why_not) < 2000


def test_the_command_explains_an_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))
    shapes = layouts()["lora-v1a-unet"] | layouts()["lora-v1a-clip"] | {"lora_unet_odd.alpha": ()}
    tags = json.dumps({"a": {"watercolour": 12}})
    path = write_hollow(tmp_path / "a.safetensors", shapes, metadata={"ss_tag_frequency": tags})
    assert main(["models", str(path)]) == 0
    out = capsys.readouterr().out
    for said in (
        "LoRA for Stable Diffusion 1", "names: kohya, rank 8", "792 of 793 tensors map", "192 in unet, 72 in text",
        "1 of its 793 tensors fit no module (lora_unet_odd.alpha)", "frequent tags: watercolour (12)",
    ):  # fmt: skip
        assert said in out
    assert main(["models", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["adapter"]
    assert (facts["mapped"], facts["total"], facts["unknown"]) == (792, 793, ["lora_unet_odd.alpha"])
    flux = write_hollow(tmp_path / "flux.safetensors", layouts()["flux_lora_kohya_format"])
    assert main(["models", str(flux)]) == 0
    assert "it is applied as soon as this studio loads that family" in capsys.readouterr().out


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = write_hollow(tmp_path / "a.safetensors", layouts()["lora-v1-clip"])
    whole = path.read_bytes()
    draw, said = random.Random(1), []
    for _ in range(100):
        damaged = bytearray(whole[: draw.randrange(len(whole))])
        if damaged:
            damaged[draw.randrange(min(len(damaged), 3000))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            find_adapter(read_header(path))
        except CheckpointError as error:
            said.append(str(error))
    assert said
    assert not any("\n" in sentence for sentence in said)
