"""ComfyUI: the settings of the sampler that made the picture, found in its graph from the output upwards.

The graph is in the PNG texts `prompt` and `workflow`, in a WebP in EXIF's Model and Make as "prompt:{…}".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.pictures.foreign.comfy_graph import MAX_DEPTH, Graph, Link, Node
from engine.pictures.foreign.settings import (
    MAX_LORAS,
    ForeignFile,
    ForeignLora,
    ForeignSettings,
    Hires,
    file_of,
    read_json,
    real,
    sides,
    table,
    whole,
    words,
)
from engine.pictures.foreign.weights import from_comfyui
from engine.spec.foreign_samplers import COMFY

MAX_OUTPUTS = 50  # of a graph, the last ones
EXIF = ("Model", "Make", "ImageDescription", "UserComment")
MODEL_NAMES = ("ckpt_name", "unet_name", "gguf_name", "model_name", "base_ckpt_name")
TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value", "Text", "populated_text")
GRIDS = {"KarrasScheduler": "karras", "ExponentialScheduler": "exponential", "BetaSamplingScheduler": "beta",
         "AlignYourStepsScheduler": "ays", "PolyexponentialScheduler": "polyexponential"}  # fmt: skip
PLAIN = {"VAEDecode", "VAEDecodeTiled", "VAEEncode", "SaveImage", "PreviewImage", "SaveAnimatedWEBP", "VAELoader",
         "SaveAnimatedPNG", "SaveImageWebsocket", "Reroute", "PreviewAny"}  # fmt: skip
OUTPUTS = re.compile(r"save|preview|output", re.IGNORECASE)
CHANGES = re.compile(r"upscale|detailer|controlnet|inpaint|mask|ipadapter|facerestore|sharpen", re.IGNORECASE)
GUIDES = re.compile(r"controlnet|ipadapter|gligen|unclip|style", re.IGNORECASE)  # of a condition
JOINTS = re.compile(r"delim|separ", re.IGNORECASE)  # names of the text between joined texts
_LORA = re.compile(r"lora(?:_name)?_?(\d{1,3})")


class _Ambiguous(list[str]):
    """Sentences on what the graph does not decide, each once."""

    def add(self, sentence: str) -> None:
        if sentence not in self:
            self.append(sentence)


class _Sampling(NamedTuple):
    """A sampler's node, and the nodes that say its guidance, noise levels, sampler and noise: itself, or others."""

    node: Node
    guider: Node
    sigmas: Node | None
    rule: Node | None
    noise: Node | None


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    """Read the settings in the texts of a picture; None where ComfyUI wrote no graph with a sampler."""
    found = {key: texts.get(key, "") for key in ("prompt", "workflow")}
    for tag in EXIF:
        name, colon, rest = texts.get(tag, "").partition(":")
        if colon and name.strip().lower() in found and rest.lstrip().startswith("{"):
            found[name.strip().lower()] = found[name.strip().lower()] or rest
    if not any(text.lstrip().startswith("{") for text in found.values()):
        return None
    for graph in (Graph.of_prompt(read_json(found["prompt"])), Graph.of_workflow(read_json(found["workflow"]))):
        settings = _Walk(graph).settings()
        if settings is not None:
            return settings
    return None


class _Walk:
    """Reads one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.notes = graph, _Ambiguous()
        self.unused: list[str] = []

    def settings(self) -> ForeignSettings | None:
        start = self._output()
        if start is None:
            return None
        passes = self._passes(start)
        if not passes:
            return None
        base = _parts(self.graph, passes[-1])
        node, guider = base.node, base.guider
        steps = whole(self.graph.number(base.sigmas, "steps"), 1, 10**6)
        model, loras = self._model(guider.inputs.get("model") or node.inputs.get("model"))
        positive = guider.inputs.get("positive", guider.inputs.get("conditioning"))
        prompt, negative = self._text(positive, "positive"), self._text(guider.inputs.get("negative"), "negative")
        size, strength = self._latent(base, steps)
        hires = self._hires(passes)
        guidance = real(self.graph.number(guider, "cfg"))
        if guidance is None and guider is not node and not guider.has("negative"):
            guidance = 1.0  # a guider without a negative condition does not guide
        return ForeignSettings(
            program="ComfyUI",
            names=COMFY,
            prompt=from_comfyui(prompt),
            negative=from_comfyui(negative),
            sampler=self._sampler(base.rule),
            grid=self._grid(base.sigmas),
            steps=steps,
            guidance=guidance,
            distilled=self._distilled(positive),
            seed=whole(self.graph.number(base.noise, "noise_seed", "seed")),
            size=size,
            model=model,
            vae=self._vae(start),
            loras=loras,
            clip_skip=self._clip_skip(positive),
            strength=strength,
            hires=hires,
            unused=tuple(dict.fromkeys(words(one, 60) for one in self.unused)),
            notes=tuple(self.notes),
        )

    def _output(self) -> Node | None:
        """Return the last node that saves a picture, else the last one that shows one, else the last sampler."""
        nodes = sorted(self.graph.nodes.values(), key=_order)
        showing = [node for node in nodes if OUTPUTS.search(node.kind) and node.links][-MAX_OUTPUTS:]
        above = {node.id: self._samplers(node) for node in showing}
        saving = [node for node in showing if above[node.id]]
        written = [node for node in saving if "save" in node.kind.lower()]
        chosen = written or saving
        if len({above[node.id][0].id for node in chosen}) > 1:
            self.notes.add(f"Its graph makes {len(chosen)} pictures: the settings are those of the last one.")
        return next(reversed(chosen or [node for node in nodes if _is_sampler(node)]), None)

    def _samplers(self, start: Node) -> list[Node]:
        """Return the samplers above a node, with none between."""
        return [node for node in self.graph.above(start, _is_sampler) if _is_sampler(node)]

    def _passes(self, start: Node) -> list[Node]:
        """Return the samplers that work on one latent after another, the last one first."""
        found: list[Node] = []
        above: Node | None = start
        while above is not None and len(found) < MAX_DEPTH:
            nearest = [node for node in self._samplers(above) if node not in found]
            if not nearest:
                break
            if len(nearest) > 1:
                self.notes.add(f"Its graph joins {len(nearest)} samplers: the settings are those of the nearest one.")
            found.append(nearest[0])
            between = self.graph.above(above, lambda node: _is_sampler(node) or node.kind.startswith("VAELoader"))
            self.unused += [node.kind for node in between if self._is_extra(node)]
            above = self.graph.at(nearest[0].inputs.get("latent_image", nearest[0].inputs.get("samples")))
            if above is not None and _is_sampler(above) and above not in found:
                found.append(above)
                above = self.graph.at(above.inputs.get("latent_image"))
        return found

    def _is_extra(self, node: Node) -> bool:
        """Whether a node between sampler and output changes the picture in a way that this studio does not repeat."""
        kind = node.kind
        if kind in PLAIN or _is_sampler(node) or node.has(*MODEL_NAMES, "vae_name", "lora_name"):
            return False
        return CHANGES.search(kind) is not None

    def _hires(self, passes: list[Node]) -> Hires | None:
        if len(passes) < 2:
            return None
        last, graph = _parts(self.graph, passes[0]), self.graph
        latent = graph.at(last.node.inputs.get("latent_image"))
        between = list(graph.above(latent, _is_sampler)) if latent is not None else []
        scaling = next(
            (node for node in between if "upscale" in node.kind.lower() or "scale" in node.kind.lower()), None
        )
        self.unused = [name for name in self.unused if scaling is None or name != scaling.kind]
        size = sides(graph.number(scaling, "width"), graph.number(scaling, "height"))
        denoise = real(graph.number(last.node, "denoise"), 0, 1) or real(graph.number(last.sigmas, "denoise"), 0, 1)
        steps = whole(graph.number(last.sigmas, "steps"), 1, 10**6)
        upscaler = "" if scaling is None else words(scaling.kind, 60)
        return Hires(real(graph.number(scaling, "scale_by"), 0, 100), size, steps, denoise, upscaler)

    def _latent(self, base: _Sampling, steps: int | None) -> tuple[tuple[int, int] | None, float | None]:
        """Return the size of the empty latent that a run began with; else the strength with which it changed one."""
        graph, node = self.graph, base.node
        latent = graph.at(node.inputs.get("latent_image"))
        sources = list(graph.above(latent, _is_sampler)) if latent is not None else []
        for one in sources:
            size = sides(
                graph.number(one, "width", "empty_latent_width"), graph.number(one, "height", "empty_latent_height")
            )
            if size is not None and re.search(r"empty|latent|loader", one.kind, re.IGNORECASE):
                return size, None
        if not sources:
            return None, None
        self.unused += [one.kind for one in sources if re.search(r"inpaint|noisemask", one.kind, re.IGNORECASE)]
        strength = real(graph.number(base.sigmas, "denoise"), 0, 1)
        start = whole(graph.number(node, "start_at_step"), 0, 10**6)
        if strength is None and start and steps:
            strength = max(steps - start, 0) / steps
        return None, strength

    def _model(self, value: object) -> tuple[ForeignFile | None, tuple[ForeignLora, ...]]:
        """Follow the net from the sampler to its file, with the LoRAs on the way in the order of their loading."""
        loras: list[ForeignLora] = []
        for node in self.graph.chain(value, "model"):
            loras += reversed(list(self._loras(node)))
            file = next((file_of(self.graph.number(node, name)) for name in MODEL_NAMES if name in node.inputs), None)
            if sum(name.startswith("model") for name in node.links) > 1:
                self.notes.add("Its graph merges several models: the first one is named.")
            if file is not None:
                return file, tuple(reversed(loras[:MAX_LORAS]))
            if node.kind not in PLAIN and not any("lora" in name.lower() for name in (node.kind, *node.inputs)):
                self.unused.append(node.kind)
        return None, tuple(reversed(loras[:MAX_LORAS]))

    def _loras(self, node: Node) -> Iterator[ForeignLora]:
        """Yield the LoRAs of one node: of a loader, or of a node that holds several."""
        number = self.graph.number
        if node.has("lora_name"):
            yield from _lora(number(node, "lora_name"), number(node, "strength_model", "lora_model_strength"),
                             number(node, "strength_clip", "lora_clip_strength"))  # fmt: skip
        for name, value in node.inputs.items():
            row, match = table(value), _LORA.fullmatch(name)
            if match is None:
                continue
            if row:
                if row.get("on", True):
                    yield from _lora(row.get("lora"), row.get("strength"), row.get("strengthTwo"))
            elif isinstance(value, str):
                weight = [f"{key}_{match[1]}" for key in ("lora_wt", "model_weight", "model_str", "strength")]
                yield from _lora(value, number(node, *weight), number(node, f"clip_weight_{match[1]}"))

    def _text(self, value: object, role: str) -> str:
        """Join the texts of a condition. Each node counts once; a part that cannot be followed is noted."""
        seen: set[str] = set()
        return self._texts(value, role, seen, 0)

    def _texts(self, value: object, role: str, seen: set[str], depth: int) -> str:
        node = self.graph.at(value)
        if node is None or node.id in seen or depth > MAX_DEPTH:
            return ""
        seen.add(node.id)
        if "ZeroOut" in node.kind:
            return ""
        if isinstance(node.inputs.get(role), str) and not isinstance(value, str):
            return words(node.inputs[role])
        parts = list(dict.fromkeys(filter(None, (self._string(node.inputs[n]) for n in TEXTS if n in node.inputs))))
        if parts:
            if len(parts) > 1:
                self.notes.add("Its text encoders have different texts: they are joined.")
            return ", ".join(parts)
        if GUIDES.search(node.kind):
            self.unused.append(node.kind)
        links = node.links
        if role in links:
            return self._texts(links[role], role, seen, depth + 1)
        names = [name for name in links if name.lower().startswith("cond")]
        found = list(filter(None, (self._texts(links[name], role, seen, depth + 1) for name in names)))
        if len(found) > 1 and "Concat" not in node.kind:
            self.notes.add(f"Its {role} prompt is a combination of several texts: they are joined.")
        if not names:
            self.notes.add(f"Its {role} prompt comes from the node {words(node.kind, 60)}, which is not known here.")
        return "\nBREAK\n".join(found) if "Concat" in node.kind else ", ".join(found)

    def _string(self, value: object) -> str:
        """Return a text, through nodes that hold or join texts."""
        seen: set[str] = set()
        return self._strings(value, seen, 0)

    def _strings(self, value: object, seen: set[str], depth: int) -> str:
        if not isinstance(value, Link):
            return words(value)
        node = self.graph.at(value)
        if node is None or node.id in seen or depth > MAX_DEPTH:
            return ""
        seen.add(node.id)
        known = [node.inputs[name] for name in TEXTS if name in node.inputs]
        parts = known[:1] or [v for name, v in node.inputs.items() if not JOINTS.search(name)]
        made = list(filter(None, (self._strings(p, seen, depth + 1) for p in parts if isinstance(p, str | Link))))
        if len(made) > 1:
            self.notes.add("Its prompt is joined from several nodes: check it.")
        gap = next((v for name, v in node.inputs.items() if JOINTS.search(name)), " ")
        return words((gap if isinstance(gap, str) else " ").join(made))

    def _sampler(self, rule: Node | None) -> str:
        named = words(self.graph.number(rule, "sampler_name", "sampler"), 100)
        return named or ("" if rule is None else words(rule.kind.removeprefix("Sampler"), 100))

    def _grid(self, sigmas: Node | None) -> str:
        if sigmas is None:
            return ""
        if sigmas.kind == "AlignYourStepsScheduler" and sigmas.inputs.get("model_type") == "SDXL":
            return "ays_sdxl"
        return GRIDS.get(sigmas.kind) or words(self.graph.number(sigmas, "scheduler"), 100)

    def _distilled(self, positive: object) -> float | None:
        for node in self.graph.chain(positive, "cond"):
            if node.kind == "FluxGuidance":
                return real(self.graph.number(node, "guidance"))
        return None

    def _clip_skip(self, positive: object) -> int | None:
        """Return the layer of CLIP from its end: ComfyUI counts it from −1 downwards."""
        start = self.graph.at(positive)
        encoder = (
            next((one for one in self.graph.above(start, _is_sampler) if one.has("clip")), None) if start else None
        )
        for node in (start, *self.graph.chain(encoder.inputs["clip"], "clip")) if encoder else (start,):
            layer = whole(self.graph.number(node, "stop_at_clip_layer", "clip_skip"), -64, -1)
            if layer is not None:
                return -layer
        return None

    def _vae(self, start: Node) -> ForeignFile | None:
        decoder = next((one for one in self.graph.above(start, _is_sampler) if one.has("vae")), None)
        loader = None if decoder is None else self.graph.at(decoder.inputs["vae"])
        return file_of(self.graph.number(loader, "vae_name")) if loader is not None and loader.has("vae_name") else None


def _lora(name: Any, strength: Any, text_strength: Any) -> Iterator[ForeignLora]:
    file, net, text = file_of(name), real(strength, -1000, 1000), real(text_strength, -1000, 1000)
    net = 1.0 if net is None else net
    if file is not None and file.name:
        yield ForeignLora(file, net, net if text is None else text)


def _is_sampler(node: Node) -> bool:
    if node.kind in ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced"):
        return True
    inputs = node.inputs
    return (
        "latent_image" in inputs
        and ("sampler_name" in inputs or "sampler" in inputs)
        and "detail" not in node.kind.lower()
    )


def _parts(graph: Graph, node: Node) -> _Sampling:
    guider = graph.at(node.inputs.get("guider")) or node
    sigmas: Node | None = node
    if "steps" not in node.inputs:
        start = graph.at(node.inputs.get("sigmas"))
        above = list(graph.above(start, _is_sampler)) if start is not None else []
        sigmas = next((one for one in above if one.has("steps")), start)
    rule = node if "sampler_name" in node.inputs else graph.at(node.inputs.get("sampler"))
    noise = node if node.has("seed", "noise_seed") else graph.at(node.inputs.get("noise"))
    return _Sampling(node, guider, sigmas, rule, noise)


def _order(node: Node) -> tuple[int, ...]:
    """The last of nodes by their ids: numbers, in nested graphs “12:3”."""
    return tuple(int(part) if part.isdecimal() and len(part) < 20 else 0 for part in node.id.split(":")[:10])
