"""Real services and interpreters for the tests, on loopback, ended by process id."""
