"""The graph of nodes that ComfyUI writes: `prompt`, as it ran, or `workflow`, as its editor shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.pictures.foreign.settings import rows, table, whole, words

MAX_NODES = 5000
MAX_DEPTH = 64  # links that are followed one after another
BYPASSED, MUTED = 4, 2  # modes of a node in the editor
REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
# The values of a node in the editor's order, where it lists them without names; None: a value that is not used.
WIDGETS: dict[str, tuple[str | None, ...]] = {
    "KSampler": ("seed", None, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", None, "steps", "cfg", "sampler_name", "scheduler", "start_at_step",
                         "end_at_step", "return_with_leftover_noise"),
    "SamplerCustom": ("add_noise", "noise_seed", None, "cfg"),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "VAELoader": ("vae_name",),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "RandomNoise": ("noise_seed", None),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "KarrasScheduler": ("steps", "sigma_max", "sigma_min", "rho"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "LatentUpscaleBy": ("upscale_method", "scale_by"),
    "LatentUpscale": ("upscale_method", "width", "height", "crop"),
}  # fmt: skip


class Link(NamedTuple):
    """An output of a node."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Node:
    """id, kind -- its name in the graph, its class; inputs -- values and Links by name"""

    id: str
    kind: str
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def links(self) -> dict[str, Link]:
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}

    def has(self, *names: str) -> bool:
        return any(name in self.inputs for name in names)


class Graph:
    """Nodes by their id. Walks visit each node once, so that a graph with a cycle ends too."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes

    @classmethod
    def of_prompt(cls, data: object) -> Graph:
        """Read `prompt`: an object of {class_type, inputs} by id; a link is [id, slot]."""
        nodes: dict[str, Node] = {}
        for key, value in list(table(data).items())[:MAX_NODES]:
            node = table(value)
            kind = words(node.get("class_type"), 200)
            if kind:
                inputs = {str(name): _link(one) or one for name, one in table(node.get("inputs")).items()}
                nodes[key] = Node(key, kind, inputs)
        return cls(nodes)

    @classmethod
    def of_workflow(cls, data: object) -> Graph:
        """Read `workflow`: a list of nodes with their values in a fixed order, and a list of links."""
        sources: dict[int, Link] = {}
        for one in rows(table(data).get("links"))[: 4 * MAX_NODES]:
            row = [one.get("id"), one.get("origin_id"), one.get("origin_slot")] if isinstance(one, dict) else rows(one)
            number, slot = (whole(row[0]), whole(row[2])) if len(row) > 2 else (None, None)
            if number is not None and slot is not None and isinstance(row[1], int | str):
                sources[number] = Link(str(row[1]), slot)
        found = [table(one) for one in rows(table(data).get("nodes"))[:MAX_NODES]]
        nodes = {str(one.get("id")): Node(str(one.get("id")), _kind(one), _inputs(one, sources)) for one in found}
        return cls({key: node for key, node in nodes.items() if node.kind})

    def at(self, value: object) -> Node | None:
        """Return the node that a value links to; None for no link. Reroutes and bypassed nodes are passed."""
        for _ in range(MAX_DEPTH):
            if not isinstance(value, Link):
                return None
            node = self.nodes.get(value.node)
            if node is None or node.kind != REROUTE:
                return node
            value = next(iter(node.links.values()), None)
        return None

    def above(self, start: Node, stop: Callable[[Node], bool] = lambda node: False) -> Iterator[Node]:
        """Yield a node and all that it depends on, the nearest first; what lies above a node of `stop` is left out."""
        queue, seen = deque([start]), {start.id}
        while queue:
            node = queue.popleft()
            yield node
            if stop(node):
                continue
            for link in node.links.values():
                source = self.nodes.get(link.node)
                if source is not None and source.id not in seen:
                    seen.add(source.id)
                    queue.append(source)

    def chain(self, value: object, start: str) -> Iterator[Node]:
        """Yield the nodes along inputs whose names begin with `start`, such as "model": the first one of each node."""
        seen: set[str] = set()
        node = self.at(value)
        while node is not None and node.id not in seen:
            seen.add(node.id)
            yield node
            node = self.at(next((link for name, link in node.links.items() if name.startswith(start)), None))

    def number(self, node: Node | None, *names: str) -> Any:
        """Return the number or text of the first of these inputs, through nodes that only hold one; None without."""
        if node is None:
            return None
        value = next((node.inputs[name] for name in names if name in node.inputs), None)
        for _ in range(MAX_DEPTH):
            if not isinstance(value, Link):
                return value
            source = self.at(value)
            if source is None:
                return None
            scalars = [one for one in source.inputs.values() if isinstance(one, int | float | str | Link)]
            known = (*names, "value", "int", "float", "number", "seed", "Number", "string", "text")
            value = next((source.inputs[name] for name in known if name in source.inputs), None)
            if value is None and len(scalars) == 1:
                value = scalars[0]
        return None


def _link(value: object) -> Link | None:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
        slot = whole(value[1], 0, 1000) if not isinstance(value[1], str) else None
        return None if slot is None or isinstance(value[0], bool) else Link(str(value[0]), slot)
    return None


def _kind(node: Mapping[str, Any]) -> str:
    """Return the class of an editor's node; a bypassed one only passes on, a muted one is none."""
    mode = whole(node.get("mode"), 0, 100)
    return "" if mode == MUTED else REROUTE if mode == BYPASSED else words(node.get("type"), 200)


def _inputs(node: Mapping[str, Any], sources: Mapping[int, Link]) -> dict[str, Any]:
    values = node.get("widgets_values")
    made: dict[str, Any] = dict(values) if isinstance(values, dict) else {}
    kind = words(node.get("type"), 200)
    listed = [table(one) for one in rows(node.get("inputs"))[:200]]
    if isinstance(values, list):
        names: tuple[str | None, ...] = WIDGETS.get(kind, ())
        if kind == PRIMITIVE:
            names = ("value",)
        elif not names:  # newer editors name the values among the inputs
            names = tuple(words(table(one.get("widget")).get("name"), 100) or None for one in listed if "widget" in one)
        made |= {name: value for name, value in zip(names, values, strict=False) if name is not None}
    for one in listed:
        number, name = whole(one.get("link")), words(one.get("name"), 200)
        if number is not None and number in sources and name:
            made[name] = sources[number]
    return made
