"""Morphs: films from picture to picture along the deterministic flow. engine.spec.morph has the settings."""
