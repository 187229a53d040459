"""OCI images: references, digests, deterministic layers, manifests, layouts on disk."""
