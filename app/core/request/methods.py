"""The methods that a draft can ask for: what a run makes, of the artwork or apart from it."""

from __future__ import annotations

NEW, FILL, REPAINT, REWORK = "new", "replacement", "repaint", "img2img"
STRENGTHS = {REWORK: 0.6}  # to begin with, where it is not 1
