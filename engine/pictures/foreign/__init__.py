"""Settings in the pictures of other studios: one file for each program, listed in programs.py. Needs no torch."""
