"""The 2-D lab: laws in the plane that are known in closed form, so that every sampler can be watched beside the truth.

`model` (the denoisers of the data sets in engine.spec.lab_data), `field` (density and score on a grid), `trial` (runs,
the exact flow, walking chains), `coverage` (why one adds noise at many scales), `picture` (PNG and WebP), `session`
(all of it behind one door, for the window).
"""
