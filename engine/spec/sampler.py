"""From the name of a sampler in settings to its rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.rules import RULES, menu
from engine.spec.validation import RequestError

if TYPE_CHECKING:
    from engine.types import Rule


def rule_of(name: str, options: Iterable[tuple[str, float]] = ()) -> Rule:
    """Return the sampler with its options set. Raises RequestError for an unknown name or option."""
    rule = RULES.get(name)
    if rule is None:
        raise RequestError(f"There is no sampler “{name}”: choose one of {', '.join(menu())}.")
    try:
        return rule.with_options(**dict(options))
    except ValueError as error:
        raise RequestError(str(error)) from error
