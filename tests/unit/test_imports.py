"""The direction of the arrows, read off the imports, and what a start-up may cost."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

STAGES = (
    *("preflight*", "restore*", "image*", "frameworks*", "stores*"),
    *("gpus*", "triton*", "oci*", "errors"),
)
# What each room may import, as patterns of modules below `tcv_action`; a room may always import
# itself and the ground. A module belongs to the first room whose pattern it fits.
GROUND = ("__init__", "strict_json", "visible")
ARROWS = {
    "strict_json": (),
    "visible": (),
    "errors": (),
    "progress": ("errors",),
    "triton*": ("errors",),
    "oci*": ("errors",),
    "stores*": ("oci*", "errors"),
    "gpus*": ("triton.target", "errors"),
    "frameworks*": ("triton*", "errors"),
    "image*": ("frameworks*", "triton*", "oci*", "errors"),
    "restore*": ("image*", "frameworks*", "triton*", "oci*", "errors"),
    "preflight*": ("image*", "gpus*", "triton*", "oci*", "errors"),
    "diff*": ("triton*", "errors"),
    "github*": ("errors",),
    "prune*": ("github.version", "oci*", "errors"),
    "report*": ("preflight*", "gpus*", "triton*", "oci*", "errors"),
    "proving": ("triton*", "errors"),
    "warming": ("gpus*", "triton*", "errors"),
    "container*": ("stores.access", "triton*", "errors"),
    "merge": ("image*", "triton*", "oci*", "errors"),
    "choose": ("image*", "stores*", "triton*", "oci*", "errors"),
    "here": ("preflight.machine", "frameworks.detect", "gpus*", "triton*", "errors"),
    "api*": (*STAGES, "choose", "here", "workplace"),
    "workplace": ("oci.disk", "errors"),
    "inputs*": ("triton.target", "oci.reference", "errors"),
    "tag_rules": ("errors",),
    "tags*": ("triton.target", "oci.reference", "errors"),
    "plan*": ("inputs", "tags", "triton.target", "oci.reference", "errors"),
    "__init__": (),
    "__main__": ("*",),
    "commands*": ("*",),
}
# What the order of work is written in: it knows the stages, never the edge.
ORDER_OF_WORK = ("run", "pipeline", "job", "leg", "stages", "joining")
EDGE = ("__main__", "commands*", "inputs*", "github*")

OWNERS = {
    "oras": ("stores.registry*",),
    "requests": ("stores.registry*", "stores.docker*", "container*"),
    "docker": ("stores.docker*", "stores.local", "stores.credentials*", "container*"),
    "actions_toolkit": ("github.workflow",),
    "github": ("github.api",),
    "yaml": ("plan.*", "gpus.stub"),
    "rich": ("commands*",),
    "click": ("commands*", "__main__"),
}
HEAVY = {"oras", "docker", "github", "yaml", "requests", "urllib3", "jsonschema", "triton", "torch"}
NO_DRAWER = {"utils", "util", "helpers", "common", "constants", "misc"}


def modules() -> list[str]:
    """Return every module of the package, without the package's name: `oci.layout`."""
    package = SOURCE / "tcv_action"
    paths = (path.relative_to(package).with_suffix("") for path in package.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


@cache
def imports(module: str) -> frozenset[str]:
    """Return the absolute names that a module imports, wherever in the file it does."""
    path = SOURCE / "tcv_action" / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return frozenset(_imported(ast.parse(file.read_text())))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # `from package import module` and `from module import name` look alike.
            yield from (_module_of(node.module, alias.name) for alias in node.names)


def _module_of(source: str, name: str) -> str:
    candidate = SOURCE / f"{source}.{name}".replace(".", "/")
    is_module = candidate.is_dir() or candidate.with_suffix(".py").exists()
    return f"{source}.{name}" if is_module else source


def own_imports(module: str) -> list[str]:
    """Return what a module imports of ours, without the package's name."""
    ours = (name for name in imports(module) if name.partition(".")[0] == "tcv_action")
    return sorted(name.partition(".")[2] or "__init__" for name in ours)


def fits(module: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether the module fits one of the patterns."""
    return any(fnmatch(module, pattern) for pattern in patterns)


def may_import(module: str, imported: str) -> bool:
    """Tell whether the arrow from one module to the other runs down the table."""
    if fits(module, ORDER_OF_WORK):
        return not fits(imported, EDGE)
    room = next((pattern for pattern in ARROWS if fits(module, (pattern,))), None)
    assert room is not None, f"{module} stands in no room: give it one in ARROWS"
    return fits(imported, (room, *GROUND, *ARROWS[room]))


@pytest.mark.parametrize("module", modules())
def test_arrows_run_down_the_table(module: str) -> None:
    wrong = [imported for imported in own_imports(module) if not may_import(module, imported)]

    assert not wrong, f"{module} must not know {wrong}"


def test_an_arrow_that_runs_up_is_seen() -> None:
    assert not may_import("oci.layout", "triton.target")
    assert not may_import("stores.registry", "triton.cache")
    assert not may_import("pipeline", "commands.run")
    assert may_import("gpus.nvidia", "triton.target")


@pytest.mark.parametrize("module", modules())
def test_a_package_has_one_owner(module: str) -> None:
    top_level = {name.partition(".")[0] for name in imports(module)}
    wrong = [name for name in top_level & OWNERS.keys() if not fits(module, OWNERS[name])]

    assert not wrong, f"{module} must leave {wrong} to {[OWNERS[name] for name in wrong]}"


def test_the_probe_stands_alone() -> None:
    probes = [module for module in modules() if module.rpartition(".")[2].startswith("probe")]
    foreign = {
        module: names
        for module in probes
        if (names := {n.partition(".")[0] for n in imports(module)} - PROBE_MAY_IMPORT)
    }

    assert not foreign


# The probe runs in the user's interpreter: standard library, and what the user has there.
PROBE_MAY_IMPORT = {*sys.stdlib_module_names, "triton", "torch", "sitecustomize"}


def test_no_module_is_a_drawer() -> None:
    parts = {part for module in modules() for part in module.split(".")}

    assert not parts & NO_DRAWER


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_a_start_up_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from tcv_action.__main__ import main\n"
        f"sys.argv = ['tcv', *{arguments!r}]\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not HEAVY & set(done.stderr.split())


def test_importing_the_entry_point_loads_nothing_heavy() -> None:
    code = "import sys, tcv_action.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not HEAVY & set(done.stdout.split())
