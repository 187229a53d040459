"""Would this image hit here, and if not, why: from its labels alone, without its layer."""
