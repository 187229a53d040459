"""Images that the tests put into their docker engine, all made here: no image registry is asked."""

from tests.services.base_image import base_tarball
from tests.services.cache import ROOT
from tests.services.docker_engine import DockerEngine

BASE = "local/base:1"
ACTION = "local/tcv-action:1"


def import_base(engine: DockerEngine) -> str:
    """Give the engine the small Debian with Python and return its name there."""
    engine.docker("import", str(base_tarball()), BASE)
    return BASE


def build_action(engine: DockerEngine, base: str) -> str:
    """Build the project's Dockerfile on a base that is at hand and return the image's name."""
    arguments = ["--network=host", "--build-arg", f"BASE={base}", "--tag", ACTION, str(ROOT)]
    engine.docker("build", *arguments, timeout=900)
    return ACTION
