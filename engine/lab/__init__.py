"""The 2-D lab: data in the plane whose law is known in closed form, to compare every sampler with the exact flow.

`model` (the denoisers of the data sets in engine.spec.lab_data), `field` (density and score on a grid), `trial` (runs,
the exact flow, Langevin chains), `coverage` (why one adds noise at many scales), `picture` (PNG and WebP), `session`
(the interface for the window).
"""
