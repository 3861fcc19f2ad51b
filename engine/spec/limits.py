"""The largest values that a Request and a model's config may hold."""

from __future__ import annotations

MAX_GUIDANCE = 100.0  # and its negative
MAX_LEVEL = 1.0  # the highest noise level that second stages are trained at
MAX_NAME = 300  # characters of a model's, a label's or a sampler's name
MAX_SIGMA = 1e9
MAX_STEPS = 1000
DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}  # to compute in, with their bytes
