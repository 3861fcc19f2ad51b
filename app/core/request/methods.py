"""The methods of a draft: a new picture, or one of three ways to remake part of the artwork."""

from __future__ import annotations

NEW, FILL, REPAINT, REWORK = "new", "replacement", "repaint", "img2img"
REPAINTS = "ddpm"  # the sampler of RePaint where the chosen one draws no noise
STRENGTHS = {REWORK: 0.6}  # to begin with, where it is not 1
