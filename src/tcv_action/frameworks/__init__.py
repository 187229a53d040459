"""Caches of frameworks that have Triton caches inside: vLLM's and PyTorch Inductor's."""
