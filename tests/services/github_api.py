"""GitHub's API as its own OpenAPI description has it: requests are checked, answers are examples."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.npm import node_modules
from tests.services.process import free_port, running
from tests.services.tools import require_tool

MOCK = "@stoplight/prism-cli@5.14.2"
DESCRIPTION = "@octokit/openapi@23.0.2"


@contextmanager
def running_github_api(folder: Path) -> Iterator[str]:
    """Run the mock and give its address, as GITHUB_API_URL wants it."""
    packages = node_modules(MOCK, DESCRIPTION)
    description = packages / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    port = free_port()
    command = [
        *(require_tool("node"), str(packages / "@stoplight" / "prism-cli" / "dist" / "index.js")),
        *("mock", "--host", "127.0.0.1", "--port", str(port), str(description)),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, ready=lambda: _answers(url), log=folder / "github-api.log"):
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/meta", timeout=30):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
