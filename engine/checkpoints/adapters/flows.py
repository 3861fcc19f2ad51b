"""Families whose adapters are recognised before their nets can be loaded: their modules as templates. No torch.

The names are those of the published nets, in the original and in diffusers' naming.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from engine.checkpoints.adapters.modules import Shape
from engine.checkpoints.adapters.names import NET, plain, prefixes_of


class FlowFamily(NamedTuple):
    """A family.

    hidden -- the possible widths h of its transformer
    net    -- its modules, one template a line: “#” is a number, {a,b} is one of these; then, where it tells families
              apart, the weight's outputs and inputs as multiples of h
    texts  -- the modules of its text encoders, as templates
    several -- whether it has several text encoders, which trainers number
    mark   -- a part of module names that occurs in practically every adapter of the family, "" for none
    """

    name: str
    title: str
    hidden: tuple[int, ...]
    net: str
    texts: str = ""
    several: bool = False
    mark: str = ""


_DIGITS = re.compile(r"[#\d]+")
_QWEN = """
layers.#.self_attn.{q_proj,k_proj,v_proj,o_proj,q_norm,k_norm}
layers.#.mlp.{gate_proj,up_proj,down_proj}
layers.#.{input_layernorm,post_attention_layernorm}
"""
_CLIP_AND_T5 = """
encoder.layers.#.{self_attn.{q_proj,k_proj,v_proj,out_proj},mlp.{fc1,fc2},layer_norm1,layer_norm2}
encoder.block.#.layer.#.{SelfAttention.{q,k,v,o},DenseReluDense.{wi_0,wi_1,wo,wi}}
"""
_ATTENTION = "attn.{to_q,to_k,to_v,to_out.0,add_q_proj,add_k_proj,add_v_proj,to_add_out}"
_NORMS = "attn.{norm_q,norm_k,norm_added_q,norm_added_k}"

FLOWS: tuple[FlowFamily, ...] = (
    FlowFamily("qwen-image", "Qwen-Image", (3072,), f"""
transformer_blocks.#.{_ATTENTION} 1 1
transformer_blocks.#.{{{_NORMS},img_mod.1,txt_mod.1,img_mlp.net.{{0.proj,2}},txt_mlp.net.{{0.proj,2}}}}
{{img_in,txt_in,txt_norm,norm_out.linear,proj_out,time_text_embed.timestep_embedder.{{linear_1,linear_2}}}}
""", _QWEN),
    FlowFamily("flux", "Flux.1", (3072,), f"""
double_blocks.#.{{img_attn,txt_attn}}.qkv 3 1
double_blocks.#.{{img_attn,txt_attn}}.proj 1 1
double_blocks.#.{{img_mlp,txt_mlp}}.0 4 1
double_blocks.#.{{img_mlp,txt_mlp}}.2 1 4
double_blocks.#.{{img_mod,txt_mod}}.lin 6 1
double_blocks.#.{{img_attn,txt_attn}}.norm.{{key_norm,query_norm}}
single_blocks.#.linear1 7 1
single_blocks.#.linear2 1 5
single_blocks.#.modulation.lin 3 1
single_blocks.#.norm.{{key_norm,query_norm}}
{{img_in,txt_in,final_layer.{{linear,adaLN_modulation.1}},{{time_in,vector_in,guidance_in}}.{{in_layer,out_layer}}}}
transformer_blocks.#.{_ATTENTION} 1 1
transformer_blocks.#.{{{_NORMS},norm1.linear,norm1_context.linear}}
transformer_blocks.#.{{ff,ff_context}}.net.0.proj 4 1
transformer_blocks.#.{{ff,ff_context}}.net.2 1 4
single_transformer_blocks.#.attn.{{to_q,to_k,to_v}} 1 1
single_transformer_blocks.#.{{norm.linear,attn.norm_q,attn.norm_k}}
single_transformer_blocks.#.proj_mlp 4 1
single_transformer_blocks.#.proj_out 1 5
{{x_embedder,context_embedder,norm_out.linear,proj_out}}
time_text_embed.{{timestep_embedder,text_embedder,guidance_embedder}}.{{linear_1,linear_2}}
""", _CLIP_AND_T5, several=True, mark="single_"),
    FlowFamily("flux2", "Flux.2", (3072, 4096, 6144), f"""
double_blocks.#.{{img_attn,txt_attn}}.qkv 3 1
double_blocks.#.{{img_attn,txt_attn}}.proj 1 1
double_blocks.#.{{img_mlp,txt_mlp}}.0 6 1
double_blocks.#.{{img_mlp,txt_mlp}}.2 1 3
single_blocks.#.linear1 9 1
single_blocks.#.linear2 1 4
{{double_stream_modulation_img,double_stream_modulation_txt,single_stream_modulation}}.{{lin,linear}}
transformer_blocks.#.{_ATTENTION} 1 1
transformer_blocks.#.{{ff,ff_context}}.linear_in 6 1
transformer_blocks.#.{{ff,ff_context}}.linear_out 1 3
single_transformer_blocks.#.attn.to_qkv_mlp_proj 9 1
single_transformer_blocks.#.attn.to_out 1 4
{{img_in,txt_in,final_layer.{{linear,adaLN_modulation.1}},{{time_in,guidance_in}}.{{in_layer,out_layer}}}}
{{x_embedder,context_embedder,norm_out.linear,proj_out}}
time_guidance_embed.{{timestep_embedder,guidance_embedder}}.{{linear_1,linear_2}}
""", _QWEN, mark="single_"),
    FlowFamily("sd3", "Stable Diffusion 3", (1536, 2432), f"""
joint_blocks.#.{{x_block,context_block}}.{{attn,attn2}}.qkv 3 1
joint_blocks.#.{{x_block,context_block}}.{{attn,attn2}}.proj 1 1
joint_blocks.#.{{x_block,context_block}}.{{mlp.{{fc1,fc2}},adaLN_modulation.1}}
transformer_blocks.#.{_ATTENTION} 1 1
transformer_blocks.#.attn2.{{to_q,to_k,to_v,to_out.0}} 1 1
transformer_blocks.#.{{norm1.linear,norm1_context.linear,{{ff,ff_context}}.net.{{0.proj,2}}}}
{{context_embedder,proj_out,norm_out.linear,time_text_embed.{{timestep_embedder,text_embedder}}.{{linear_1,linear_2}}}}
{{final_layer.{{linear,adaLN_modulation.1}},t_embedder.mlp.{{0,2}},y_embedder.mlp.{{0,2}},x_embedder.proj}}
""", _CLIP_AND_T5, several=True),
    FlowFamily("anima", "Anima", (2048,), """
blocks.#.self_attn.{q_proj,k_proj,v_proj,output_proj} 1 1
blocks.#.cross_attn.{q_proj,output_proj} 1 1
blocks.#.cross_attn.{k_proj,v_proj}
blocks.#.mlp.layer1 4 1
blocks.#.mlp.layer2 1 4
blocks.#.{adaln_modulation_self_attn,adaln_modulation_cross_attn,adaln_modulation_mlp}.{1,2}
llm_adapter.blocks.#.{self_attn,cross_attn}.{q_proj,k_proj,v_proj,o_proj}
llm_adapter.blocks.#.mlp.{0,2}
{llm_adapter.{embed,in_proj,out_proj},x_embedder.proj.1,t_embedder.1.{linear_1,linear_2}}
final_layer.{linear,adaln_modulation.{1,2}}
""", _QWEN),
    FlowFamily("wan", "Wan video", (1536, 3072, 5120), """
blocks.#.{self_attn,cross_attn}.{q,k,v,o} 1 1
blocks.#.{attn1,attn2}.{to_q,to_k,to_v,to_out.0} 1 1
blocks.#.cross_attn.{k_img,v_img}
blocks.#.{ffn.{0,2},ffn.net.{0.proj,2}}
{patch_embedding,text_embedding.{0,2},time_embedding.{0,2},time_projection.1,head.head}
"""),
    FlowFamily("z-image", "Z-Image", (3840,), """
{layers,noise_refiner,context_refiner}.#.attention.{to_q,to_k,to_v,to_out.0,out} 1 1
{layers,noise_refiner,context_refiner}.#.attention.qkv 3 1
{layers,noise_refiner,context_refiner}.#.{feed_forward.{w1,w2,w3},adaLN_modulation.{0,1}}
{cap_embedder.1,t_embedder.mlp.{0,2},x_embedder,final_layer.{linear,adaLN_modulation.1}}
""", _QWEN),
)  # fmt: skip


class _Row(NamedTuple):
    """One module of a template: its name, with “#” for a number, and its weight's sides in multiples of h."""

    name: re.Pattern[str]
    sides: tuple[int, int] | None


class Flow:
    """A family's templates, ready to be looked up."""

    def __init__(self, family: FlowFamily) -> None:
        self.family = family
        self._rows: dict[tuple[bool, bool, str], list[_Row]] = {}  # by whether of the net, whether joined, and key
        for of_net, text in ((True, family.net), (False, family.texts)):
            for name, sides in _modules(text):
                for joined in (False, True):
                    written = name.replace(".", "_") if joined else name
                    pattern = re.compile(re.escape(written).replace(r"\#", r"\d{1,4}"))
                    self._rows.setdefault((of_net, joined, _key(written)), []).append(_Row(pattern, sides))

    def find(self, name: str, change: Shape | None) -> tuple[str, bool] | None:
        """Return the part that an adapter's name means ("unet", "text" …), and whether ΔW can be of its shape.

        change -- the shape of ΔW, None where it is not known

        None where the name means no module of this family.
        """
        for prefix in prefixes_of(name, self.family.several):
            rest = plain(name[len(prefix.text) :], prefix)
            if prefix.part != NET:
                rest = rest.removeprefix("model_" if prefix.joined else "model.")
            for row in self._rows.get((prefix.part == NET, prefix.joined, _key(rest)), ()):
                if row.name.fullmatch(rest):
                    return prefix.part, self._fits(row.sides, change)
        return None

    def _fits(self, sides: tuple[int, int] | None, change: Shape | None) -> bool:
        if sides is None or not change:
            return True
        return any(change[:2] == (sides[0] * h, sides[1] * h) for h in self.family.hidden)


@lru_cache(maxsize=1)
def flows() -> tuple[Flow, ...]:
    """Return all families of FLOWS, ready to be looked up."""
    return tuple(Flow(family) for family in FLOWS)


def _key(name: str) -> str:
    """A name without its numbers."""
    return _DIGITS.sub("", name)


def _modules(text: str) -> Iterator[tuple[str, tuple[int, int] | None]]:
    for line in text.split("\n"):
        if line:
            template, *sides = line.split()
            for name in _expand(template):
                yield name, ((int(sides[0]), int(sides[1])) if sides else None)


def _expand(template: str) -> Iterator[str]:
    """Yield every name that a template means: a{b,c}d is abd and acd; braces can be nested."""
    start = template.find("{")
    if start < 0:
        yield template
        return
    depth, choices, at = 0, [], start + 1
    for end in range(start, len(template)):
        depth += {"{": 1, "}": -1}.get(template[end], 0)
        if (template[end] == "," and depth == 1) or (template[end] == "}" and depth == 0):
            choices.append(template[at:end])
            at = end + 1
            if depth == 0:
                break
    for choice, rest in product(choices, _expand(template[at:])):
        for inner in _expand(choice):
            yield template[:start] + inner + rest
