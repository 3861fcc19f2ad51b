"""What the folded sections of the settings panel say in their headings: each setting that changes the picture."""

from __future__ import annotations

from app.core.request.draft_protocol import EditableDraft
from app.ui.request.sampler_picker import title_of_spacing
from engine.spec.draft import Draft


def describe_negative(draft: Draft) -> str:
    """The negative prompt, and whether it has any effect."""
    words = draft.negative.strip()
    return f"{words} (no effect at guidance 1)" if words and draft.guidance == 1 else words


def describe_advanced(source: EditableDraft) -> str:
    """The advanced settings that are not the model's own, in few words; "" for none."""
    draft, model = source.current, source.model
    found = []
    if draft.spacing != model.defaults["spacing"]:
        found.append(title_of_spacing(draft.spacing))
    found += [f"{name.replace('_', ' ')} {value:g}" for name, value in draft.options]
    if draft.guidance_interval is not None:
        low, high = draft.guidance_interval
        found.append(f"guided at σ {low:g} to {high:g}")
    if draft.threshold != "none":
        found.append(f"dynamic threshold {draft.quantile:g}" if draft.threshold == "dynamic" else "static threshold")
    if draft.temperature != 1:
        found.append(f"temperature {draft.temperature:g}")
    if draft.truncation:
        found.append(f"x_T truncated at {draft.truncation:g}")
    if draft.enlarge and draft.level is not None:
        found.append(f"second stage at {draft.level:g}")
    if draft.enlarge and draft.truncated:
        found.append("first stage stops early")
    if draft.vae is not None:
        found.append("the model's own VAE" if isinstance(draft.vae, str) else f"VAE {draft.vae.name}")
    if draft.clip_skip is not None:
        found.append(f"clip skip {draft.clip_skip}")
    if draft.distilled is not None:
        found.append(f"distilled guidance {draft.distilled:g}")
    if draft.precision is not None:
        found.append(draft.precision)
    return ", ".join(found)
