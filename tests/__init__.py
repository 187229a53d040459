"""The tests, a real package because actions-toolkit installs a top-level `tests` of its own."""
