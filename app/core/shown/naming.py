"""How a picture is spoken of, in few words: in a title, a tip or a line of the status bar."""

from __future__ import annotations

from engine.spec.guides import ClipGuide
from engine.spec.request import Request

LONGEST = 80  # characters of a person's text in a sentence


def shorten(text: str, longest: int = LONGEST) -> str:
    """The text in one line, cut with an ellipsis where it is longer: no label grows with what a person writes."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1].rstrip()}…"


def title_of(request: Request) -> str:
    """Return the title of a picture: “red apple”, Ankle Boot, or a general one without prompt and label.

    Without a prompt it is the text of CLIP's aims.
    """
    if request.prompt:
        return f"“{shorten(request.prompt)}”"
    steered = (aim.text for guide in request.guides if isinstance(guide, ClipGuide) for aim in guide.aims)
    if text := next(filter(None, steered), ""):
        return f"“{shorten(text)}”"
    return shorten(request.label.title()) if request.label else "a picture of any kind"
