"""Registries, over the distribution API. The only room that knows oras."""
