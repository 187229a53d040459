"""Old versions of a package: which may go."""
