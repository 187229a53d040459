"""Images that the tests put into their docker engine, all made here: no image registry is asked."""

from tests.services.base_image import base_tarball
from tests.services.cache import ROOT
from tests.services.docker_engine import DockerEngine
from tests.services.interpreters import TRITON, Interpreter, interpreter, require_python

BASE = "local/base:1"
ACTION = "local/tcv-action:1"
# The base's own Python; a wheel's files for the same minor version run in it as they are.
BASE_PYTHON = "3.11"
DEBIAN_PACKAGES = f"/usr/local/lib/python{BASE_PYTHON}/dist-packages"


def import_base(engine: DockerEngine) -> str:
    """Give the engine the small Debian with Python and return its name there."""
    engine.docker("import", str(base_tarball()), BASE)
    return BASE


def build_action(engine: DockerEngine, base: str) -> str:
    """Build the project's Dockerfile on a base that is at hand and return the image's name."""
    arguments = ["--network=host", "--build-arg", f"BASE={base}", "--tag", ACTION, str(ROOT)]
    engine.docker("build", *arguments, timeout=900)
    return ACTION


def same_python_as_base() -> Interpreter:
    """Return a Python of the base's minor version with Triton, on this machine."""
    version, python = require_python(BASE_PYTHON)
    return interpreter(python, version, [TRITON])


def add_triton(engine: DockerEngine, base: str, name: str) -> str:
    """Put Triton, without PyTorch, into the Python of the base and return the image's name."""
    packages = (
        same_python_as_base().path.parents[1] / "lib" / f"python{BASE_PYTHON}" / "site-packages"
    )
    container = engine.docker("create", base, "true").stdout.decode().strip()
    for package in sorted(packages.glob("triton*")):
        engine.docker("cp", str(package), f"{container}:{DEBIAN_PACKAGES}/")
    engine.docker("commit", container, name)
    engine.docker("rm", container)
    return name
