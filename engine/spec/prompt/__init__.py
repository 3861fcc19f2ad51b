"""The prompt language: weights, chunks, choices and wildcards. Needs no torch."""
