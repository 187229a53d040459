"""How pytest-xdist spreads the tests: whole files, and all that need the docker engine together."""

import re
from functools import cache

from xdist.scheduler import LoadFileScheduling

from tests.services.cache import ROOT

ENGINE = re.compile(r"\b(docker_engine|base_image|triton_image|action_image|action_with_triton)\b")


class OneEngine(LoadFileScheduling):  # type: ignore[misc, no-any-unimported]
    """One worker starts the engine, and builds its images, for all."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "docker" if needs_engine(file) else file


@cache
def needs_engine(file: str) -> bool:
    """Tell whether a test file, a path below the root, names a fixture of the engine."""
    return ENGINE.search((ROOT / file).read_text()) is not None
