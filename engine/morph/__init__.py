"""Morphs: one picture becomes another along the deterministic flow. `settings` says what, `render` does it."""
