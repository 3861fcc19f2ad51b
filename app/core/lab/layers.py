"""What of the lab's plane can be shown: a title and a tip for each layer."""

from __future__ import annotations

LAYERS: dict[str, tuple[str, str]] = {
    "density": ("Density", "The law of the noised data at this level"),
    "score": ("Score", "Arrows along the score: where a small step gains the most probability"),
    "particles": ("Particles", "The states of the run, or the chains that walk"),
    "estimates": ("Estimates", "x̂₀ of every particle: where the model thinks that it will end"),
    "paths": ("Paths", "How the sampler brought its particles here"),
    "flow": ("Exact flow", "The probability flow from the same starts"),
    "seen": ("Training data", "Noised samples; the plane where there is none near is hatched"),
    "scaled": ("Zoom with σ", "Show x/√(1+σ²), so that all levels fill the frame; else the frame stands still"),
}
