"""Triton's cache: targets, entries, group files, keys; filling it and proving it."""
