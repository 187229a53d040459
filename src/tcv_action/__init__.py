"""Compile Triton kernels once, ship the cache as an OCI image, prove that every kernel hits."""

__version__ = "0.1.0"
