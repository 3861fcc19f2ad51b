"""Adapters (LoRA and its kin), described from their headers alone: dialect, kind, family, fit. Needs no torch."""
