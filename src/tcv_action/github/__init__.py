"""GitHub: the runner's protocol and the API."""
