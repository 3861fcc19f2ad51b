"""Recognise adapters (LoRA, LoHa, LoKr, DoRA …) and say, from the header alone, what they fit. Needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.checkpoints.adapters.algebras import KNOWN_ONLY, MAGNITUDE, ShapeError, change_shape
from engine.checkpoints.adapters.endings import group
from engine.checkpoints.adapters.facts import Facts, read_facts
from engine.checkpoints.adapters.fit import Fit, first, fit
from engine.checkpoints.adapters.flows import Flow, flows
from engine.checkpoints.adapters.modules import Shape
from engine.checkpoints.adapters.names import NET, PEFT, Names, names_of_family, prefixes_of
from engine.checkpoints.families import families
from engine.checkpoints.header import Header

SORTS = ("DoRA", "LoHa", "LoKr", "LoRA", "difference", *KNOWN_ONLY)  # the first that occurs names the file
SAMPLE = 32  # modules
_PLAIN = (".weight", ".bias", ".scale")  # ends of a tensor that replaces one of the net


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter, as its header describes it.

    sort     -- "LoRA", "DoRA", "LoHa", "LoKr" or "difference": how ΔW is made; OFT, IA3 and GLoRA are not applied here
    families -- those that it fits best, the likeliest first; () where it fits none
    titles   -- of these families
    dialects -- in which it names modules: "kohya", "diffusers", "PEFT", "original" …
    ranks    -- its ranks, ascending
    parts    -- for each part that it changes the number of its modules
    mapped   -- how many of its tensors have names and shapes of the family
    total    -- how many tensors the file has
    why_not  -- what does not map, for the end of a sentence; "" where everything does
    unknown  -- tensors whose names fit no module of the family
    loadable -- whether the family's nets can be loaded here
    """

    sort: str
    families: tuple[str, ...]
    titles: tuple[str, ...]
    dialects: tuple[str, ...]
    ranks: tuple[int, ...]
    parts: Mapping[str, int]
    mapped: int
    total: int
    why_not: str
    loadable: bool
    unknown: tuple[str, ...] = field(repr=False)
    facts: Facts = field(repr=False)

    @property
    def family(self) -> str:
        """The likeliest family; "" where it fits none."""
        return self.families[0] if self.families else ""

    @property
    def title(self) -> str:
        """What it is and for which models."""
        return f"{self.sort} for {' or '.join(self.titles) or 'a family that is not known here'}"


class _Grouped(NamedTuple):
    """The tensors of a file by module; for each module the shape of ΔW, None where its tensors do not say it."""

    header: Header
    modules: Mapping[str, Mapping[str, str]]
    others: tuple[str, ...]
    shapes: Mapping[str, Shape | None]


class _Family(NamedTuple):
    """How well an adapter fits one family: tensors with its names, and modules with its shapes."""

    name: str
    title: str
    loadable: bool
    mapped: int
    fitting: int
    parts: Mapping[str, int]
    why_not: str
    unknown: tuple[str, ...]


def find_adapter(header: Header) -> Adapter | None:
    """Return the adapter in a file; None where less than half of its tensors are those of one."""
    modules, others = group(header.tensors)
    if not modules or 2 * len(others) > len(header.tensors):
        return None
    sort, ranks, shapes = _sort(header, modules)
    grouped = _Grouped(header, modules, tuple(others), shapes)
    facts = read_facts(header.metadata)
    best = _best(grouped._replace(modules=_sample(modules), others=()))
    best = _best(grouped, {one.name for one in best})
    best = [one for one in best if one.name in facts.families] or _marked(best, modules)
    total = len(header.tensors)
    fitted = best[0] if best else None
    if fitted is None:
        why_not = f"its modules are those of no family that is known here ({first(tuple(modules))})"
        if sort in KNOWN_ONLY:
            why_not = f"{sort} is not applied here"
        fitted = _Family("", "", False, 0, 0, {}, why_not, tuple(header.tensors))
    return Adapter(
        sort=sort,
        families=tuple(one.name for one in best),
        titles=tuple(one.title for one in best),
        dialects=_dialects(modules),
        ranks=ranks,
        parts=dict(fitted.parts),
        mapped=fitted.mapped,
        total=total,
        why_not=fitted.why_not,
        loadable=fitted.loadable,
        unknown=fitted.unknown,
        facts=facts,
    )


def fit_to(header: Header, names: Names) -> Fit:
    """Map the tensors of a file onto the modules of one model."""
    modules, others = group(header.tensors)
    return fit(modules, tuple(others), header.tensors, names)


def _sort(
    header: Header, modules: Mapping[str, Mapping[str, str]]
) -> tuple[str, tuple[int, ...], dict[str, Shape | None]]:
    """Return what the file is, its ranks, and for each module the shape of ΔW."""
    sorts: set[str] = set()
    ranks: set[int] = set()
    shapes: dict[str, Shape | None] = {}
    for name, roles in modules.items():
        own = {role: header.tensors[tensor].shape for role, tensor in roles.items()}
        sorts |= own.keys() & set(KNOWN_ONLY)
        try:
            algebra, shapes[name] = change_shape(own)
        except ShapeError:
            shapes[name] = None
            continue
        sorts.add("DoRA" if MAGNITUDE in own else algebra.name)
        if (rank := algebra.rank(own)) > 0:
            ranks.add(rank)
    return next((sort for sort in SORTS if sort in sorts), "LoRA"), tuple(sorted(ranks)), shapes


def _sample(modules: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Return about SAMPLE modules, evenly: enough to tell the families apart that are worth a full fit."""
    return dict(list(modules.items())[:: 1 + len(modules) // SAMPLE])


def _best(grouped: _Grouped, among: Container[str] | None = None) -> list[_Family]:
    """Return the families that an adapter fits best: all with the most tensors mapped, and of these the most shapes."""
    found = [_family(grouped, name) for name in families() if among is None or name in among]
    found += [_flow(grouped, flow) for flow in flows() if among is None or flow.family.name in among]
    most = max(((one.mapped, one.fitting) for one in found), default=(0, 0))
    return [one for one in found if one.mapped and (one.mapped, one.fitting) == most]


def _marked(found: list[_Family], modules: Iterable[str]) -> list[_Family]:
    """Return the families whose usual modules are there, of several that fit as well; all where that leaves none."""
    marks = {flow.family.name: flow.family.mark for flow in flows()}
    names = "\n".join(modules)
    return [one for one in found if marks.get(one.name, "") in names] or found


def _family(grouped: _Grouped, name: str) -> _Family:
    """Fit an adapter to a family whose nets can be loaded."""
    fitted = fit(grouped.modules, grouped.others, grouped.header.tensors, names_of_family(name))
    parts = Counter(change.part for change in fitted.changes)
    return _Family(
        name, families()[name].title, True, fitted.mapped, len(fitted.changes), parts, fitted.why_not(), fitted.unknown
    )


def _flow(grouped: _Grouped, flow: Flow) -> _Family:
    """Fit an adapter to a family that is known by its names alone."""
    mapped, fitting, parts = 0, 0, Counter[str]()
    unknown: list[str] = []
    for name, roles in grouped.modules.items():
        place = flow.find(name, grouped.shapes[name])
        if place is None:
            unknown += roles.values()
        else:
            mapped += len(roles)
            fitting += place[1]
            parts["transformer" if place[0] == NET else place[0]] += 1
    for name in grouped.others:
        end = next((end for end in _PLAIN if name.endswith(end)), "")
        if end and flow.find(name.removesuffix(end), None):
            mapped += 1
        else:
            unknown.append(name)
    total = len(grouped.header.tensors)
    why_not = f"{len(unknown)} of its {total} tensors fit no module ({first(tuple(unknown))})" if unknown else ""
    return _Family(flow.family.name, flow.family.title, False, mapped, fitting, parts, why_not, tuple(unknown))


def _dialects(modules: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The dialects of the modules' names, the commonest first, and PEFT where the tensors' names are its own."""
    counts = Counter(prefixes_of(name, False)[0].dialect for name in modules)
    counts[PEFT] += any(".lora_A" in tensor for roles in modules.values() for tensor in roles.values())
    return tuple(dialect for dialect, count in counts.most_common() if count)
