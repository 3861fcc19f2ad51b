"""ComfyUI's graph: the settings of the sampler that made the picture, and no end for hostile graphs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.pictures.foreign.comfyui import read
from engine.pictures.foreign.settings import ForeignFile, ForeignLora, ForeignSettings, Hires
from tests.engine.pictures.foreign.files import GRAPH, SAMPLER, comfy


def of(**changes: tuple[str, dict[str, Any]]) -> ForeignSettings:
    found = read({"prompt": comfy(**GRAPH | changes)})
    assert found is not None
    return found


def test_the_default_graph() -> None:
    found = of()
    assert (found.program, found.names) == ("ComfyUI", "comfyui")
    assert found.prompt == r"a cat \[x\]", "square brackets are plain there"
    assert found.negative == "dog"
    assert (found.sampler, found.grid, found.steps) == ("dpmpp_2m", "karras", 25)
    assert (found.guidance, found.seed, found.size) == (6.5, 77, (512, 768))
    assert found.model == ForeignFile("dream")
    assert (found.vae, found.loras, found.clip_skip, found.strength, found.hires) == (None, (), None, None, None)
    assert (found.unused, found.notes) == ((), ())


def test_a_chain_of_loras_with_clip_skip_and_a_vae() -> None:
    lora = {"strength_model": 0.8, "strength_clip": 0.5}
    found = of(
        n10=("LoraLoader", {"lora_name": "a\\first.safetensors", **lora, "model": ["4", 0], "clip": ["4", 1]}),
        n11=("LoraLoaderModelOnly", {"lora_name": "second.safetensors", "strength_model": -1, "model": ["10", 0]}),
        n12=("CLIPSetLastLayer", {"stop_at_clip_layer": -2, "clip": ["10", 1]}),
        n3=("KSampler", SAMPLER | {"model": ["11", 0]}),
        n6=("CLIPTextEncode", {"text": "a cat", "clip": ["12", 0]}),
        n13=("VAELoader", {"vae_name": "fix.safetensors"}),
        n8=("VAEDecode", {"samples": ["3", 0], "vae": ["13", 0]}),
    )
    first, second = ForeignFile("first"), ForeignFile("second")
    assert found.loras == (ForeignLora(first, 0.8, 0.5), ForeignLora(second, -1, -1))
    assert (found.clip_skip, found.vae, found.model) == (2, ForeignFile("fix"), ForeignFile("dream"))


def test_rgthree_s_loader_holds_several() -> None:
    rows = {
        "lora_1": {"on": True, "lora": "a.safetensors", "strength": 0.7},
        "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
        "model": ["4", 0],
    }
    found = of(n10=("Power Lora Loader (rgthree)", rows), n3=("KSampler", SAMPLER | {"model": ["10", 0]}))
    assert found.loras == (ForeignLora(ForeignFile("a"), 0.7, 0.7),)


def test_custom_sampling_is_spread_over_nodes() -> None:
    found = of(
        n3=(
            "SamplerCustomAdvanced",
            {
                "noise": ["20", 0],
                "guider": ["21", 0],
                "sampler": ["22", 0],
                "sigmas": ["23", 0],
                "latent_image": ["5", 0],
            },
        ),
        n20=("RandomNoise", {"noise_seed": ["25", 0]}),
        n21=("CFGGuider", {"cfg": 3.5, "model": ["4", 0], "positive": ["24", 0], "negative": ["7", 0]}),
        n22=("KSamplerSelect", {"sampler_name": "euler_ancestral"}),
        n23=("BasicScheduler", {"scheduler": "sgm_uniform", "steps": 12, "denoise": 1, "model": ["4", 0]}),
        n24=("FluxGuidance", {"guidance": 3.0, "conditioning": ["6", 0]}),
        n25=("PrimitiveInt", {"value": 99}),
    )
    assert (found.sampler, found.grid, found.steps, found.guidance) == ("euler_ancestral", "sgm_uniform", 12, 3.5)
    assert (found.seed, found.distilled, found.prompt) == (99, 3.0, r"a cat \[x\]")


def test_texts_come_through_nodes_that_hold_or_join_them() -> None:
    found = of(
        n6=("CLIPTextEncode", {"text": ["30", 0], "clip": ["4", 1]}),
        n30=("StringConcatenate", {"string_a": "a red", "string_b": ["31", 0], "delimiter": ", "}),
        n31=("PrimitiveString", {"value": "apple embedding:nice.pt"}),
        n7=("ConditioningZeroOut", {"conditioning": ["6", 0]}),
    )
    assert found.prompt == "a red, apple nice"
    assert found.negative == ""
    assert found.notes == ("Its prompt is joined from several nodes: check it.",)


def test_conditions_are_joined_and_control_nets_are_named() -> None:
    found = of(
        n40=("ConditioningConcat", {"conditioning_to": ["6", 0], "conditioning_from": ["41", 0]}),
        n41=("CLIPTextEncode", {"text": "hat", "clip": ["4", 1]}),
        n42=("ControlNetApplyAdvanced", {"positive": ["40", 0], "negative": ["7", 0], "strength": 1}),
        n3=("KSampler", SAMPLER | {"positive": ["42", 0], "negative": ["42", 1]}),
    )
    assert found.prompt == "a cat \\[x\\]\nBREAK\nhat"
    assert found.negative == "dog"
    assert found.unused == ("ControlNetApplyAdvanced",)
    combined = of(
        n40=("ConditioningCombine", {"conditioning_1": ["6", 0], "conditioning_2": ["7", 0]}),
        n3=("KSampler", SAMPLER | {"positive": ["40", 0]}),
    )
    assert combined.prompt == r"a cat \[x\], dog"
    assert "combination of several texts" in combined.notes[0]


def test_a_second_pass_is_named_and_the_first_is_read() -> None:
    found = of(
        n50=("LatentUpscaleBy", {"samples": ["3", 0], "upscale_method": "bislerp", "scale_by": 1.5}),
        n51=("KSampler", SAMPLER | {"latent_image": ["50", 0], "denoise": 0.4, "steps": 10, "seed": 1}),
        n8=("VAEDecode", {"samples": ["51", 0], "vae": ["4", 2]}),
        n52=("FaceDetailer", {"image": ["8", 0], "steps": 20, "sampler_name": "euler"}),
        n9=("SaveImage", {"images": ["52", 0]}),
    )
    assert (found.steps, found.seed, found.size) == (25, 77, (512, 768))
    assert found.hires == Hires(1.5, None, 10, 0.4, "LatentUpscaleBy")
    assert found.unused == ("FaceDetailer",)


def test_a_picture_from_a_picture_has_its_strength() -> None:
    found = of(
        n5=("VAEEncode", {"pixels": ["60", 0], "vae": ["4", 2]}),
        n60=("LoadImage", {"image": "a.png"}),
        n3=("KSampler", SAMPLER | {"denoise": 0.55}),
    )
    assert (found.strength, found.size) == (0.55, None)


def test_of_several_outputs_the_last_is_read_and_that_is_said() -> None:
    found = of(
        n70=("KSampler", SAMPLER | {"seed": 5}),
        n71=("VAEDecode", {"samples": ["70", 0], "vae": ["4", 2]}),
        n72=("SaveImage", {"images": ["71", 0]}),
    )
    assert found.seed == 5
    assert found.notes == ("Its graph makes 2 pictures: the settings are those of the last one.",)


def workflow() -> dict[str, Any]:
    """The default graph as the editor keeps it."""

    def node(key: int, kind: str, values: list[Any], **inputs: int) -> dict[str, Any]:
        return {"id": key, "type": kind, "mode": 0, "widgets_values": values,
                "inputs": [{"name": name, "type": "X", "link": link} for name, link in inputs.items()]}  # fmt: skip

    nodes = [
        node(
            3,
            "KSampler",
            [77, "randomize", 25, 6.5, "euler", "normal", 1],
            model=1,
            positive=4,
            negative=6,
            latent_image=2,
        ),
        node(4, "CheckpointLoaderSimple", ["dream.safetensors"]),
        node(5, "EmptyLatentImage", [512, 768, 1]),
        node(6, "CLIPTextEncode", ["a cat"], clip=3),
        node(7, "CLIPTextEncode", ["dog"], clip=5),
        node(8, "VAEDecode", [], samples=7, vae=8),
        node(9, "SaveImage", ["x"], images=9),
        node(10, "Reroute", [], x=10),
    ]
    links = [[1, 10, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"], [4, 6, 0, 3, 1, "C"],
             [5, 4, 1, 7, 0, "CLIP"], [6, 7, 0, 3, 2, "C"], [7, 3, 0, 8, 0, "LATENT"], [8, 4, 2, 8, 1, "VAE"],
             [9, 8, 0, 9, 0, "IMAGE"], [10, 4, 0, 10, 0, "MODEL"]]  # fmt: skip
    return {"nodes": nodes, "links": links, "version": 0.4}


def test_the_editor_s_graph_is_read_where_there_is_no_other() -> None:
    found = read({"workflow": json.dumps(workflow())})
    assert found is not None
    assert (found.prompt, found.negative, found.model) == ("a cat", "dog", ForeignFile("dream"))
    assert (found.steps, found.guidance, found.seed, found.size) == (25, 6.5, 77, (512, 768))
    assert (found.sampler, found.grid) == ("euler", "normal")


def test_a_webp_has_the_graph_in_its_camera_s_name() -> None:
    found = read({"Model": "prompt:" + comfy(**GRAPH), "Make": "workflow:{}"})
    assert found is not None
    assert found.seed == 77


def test_cycles_end() -> None:
    found = of(
        n6=("ConditioningCombine", {"conditioning_1": ["6", 0], "conditioning_2": ["7", 0]}),
        n7=("ConditioningCombine", {"conditioning_1": ["6", 0], "conditioning_2": ["7", 0]}),
        n4=("LoraLoader", {"lora_name": "a", "model": ["4", 0], "clip": ["4", 1]}),
        n3=("KSampler", SAMPLER | {"latent_image": ["3", 0], "seed": ["80", 0], "steps": ["81", 0]}),
        n80=("Seed", {"seed": ["80", 0]}),
        n81=("PrimitiveInt", {"value": ["82", 0]}),
        n82=("PrimitiveInt", {"value": ["81", 0]}),
    )
    assert (found.prompt, found.model, found.seed, found.steps) == ("", None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "{", "[" * 100_000, '{"1": 3, "2": {"class_type": 5}, "3": {"class_type": "KSampler"}}',
        '{"1": {"class_type": "SaveImage", "inputs": {"images": ["9", 0]}}}',
        '{"1": {"class_type": "X", "inputs": []}}',
        '{"3": {"class_type": "KSampler", "inputs": {"steps": NaN, "model": [[], 0], "positive": ["x", -1]}}}',
        '{"nodes": 3, "links": {}}',
        '{"nodes": [null, {"id": [], "type": "KSampler", "widgets_values": [{}]}], "links": [1]}',
    ],
)  # fmt: skip
def test_what_is_no_graph_raises_nothing(text: str) -> None:
    for key in ("prompt", "workflow"):
        found = read({key: text})
        assert found is None or found.steps is None


def test_a_large_graph_of_diamonds_is_read_in_time() -> None:
    """Each condition combines the one before it with itself: 2³⁰⁰ ways, each node once."""
    nodes = dict(GRAPH)
    for k in range(100, 400):
        above = [str(k + 1) if k < 399 else "7", 0]
        nodes[f"n{k}"] = ("ConditioningCombine", {"conditioning_1": above, "conditioning_2": above})
    nodes["n3"] = ("KSampler", SAMPLER | {"positive": ["100", 0]})
    nodes |= {f"n{k}": ("SaveImage", {"images": ["8", 0], "z": "y" * 500}) for k in range(1000, 5000)}
    assert read({"prompt": comfy(**nodes)}) is not None
