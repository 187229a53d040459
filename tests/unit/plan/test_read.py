"""tcv.yml, read strictly: what holds, and what is refused with its line."""

from pathlib import Path

import pytest

from tcv_action.errors import InputError
from tcv_action.plan import Leg, read_legs
from tcv_action.triton.target import Target


def read(tmp_path: Path, text: str) -> tuple[Leg, ...]:
    path = tmp_path / "tcv.yml"
    path.write_text(text)
    return read_legs(path)


def refused(tmp_path: Path, text: str) -> list[str]:
    """Return what is said of a file, a text a line, without the path."""
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    return [line.removeprefix(f"{tmp_path / 'tcv.yml'}:") for line in error.value.what.splitlines()]


def test_a_target_takes_what_the_top_says(tmp_path: Path) -> None:
    cuda, hip = read(
        tmp_path,
        """
image: ghcr.io/me/kernels:v1
script: warmup.py
arguments: [--size, "4 096"]
runs-on: ubuntu-24.04
timeout: 600
verify: false
labels: {team: kernels, tier: "1"}
targets:
  - cuda:90
  - target: hip:gfx942
    runs-on: [self-hosted, mi300]
    timeout: 900
""",
    )

    assert cuda.target == Target.parse("cuda:90")
    assert cuda.runs_on == "ubuntu-24.04"
    assert cuda.settings == {
        "image": "ghcr.io/me/kernels:v1",
        "script": "warmup.py",
        "arguments": "--size '4 096'",
        "timeout": "600",
        "verify": "false",
        "labels": "team=kernels\ntier=1",
    }
    assert hip.runs_on == ["self-hosted", "mi300"]
    assert hip.settings == {**cuda.settings, "timeout": "900"}


def test_a_targets_own_cache_replaces_the_script(tmp_path: Path) -> None:
    legs = read(
        tmp_path,
        "script: a.py\narguments: [x]\ntargets:\n- cuda:90\n- {target: cuda:80, cache-dir: c}\n",
    )

    assert [set(leg.settings) for leg in legs] == [{"script", "arguments"}, {"cache-dir"}]


def test_a_targets_own_image_replaces_the_container(tmp_path: Path) -> None:
    cuda, hip = read(
        tmp_path,
        """
container: {image: serving:1, options: --gpus all, env: {A: b}, volumes: [/models]}
targets:
  - cuda:90
  - {target: hip:gfx942, warmup-image: rocm:1}
""",
    )

    assert cuda.container == {
        "image": "serving:1",
        "options": "--gpus all",
        "env": {"A": "b"},
        "volumes": ["/models"],
    }
    assert hip.container is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tags: [1.10]", 'tags: 1.10 is read as a number. Write "1.10".'),
        ("tags: 010", 'tags: 010 is read as a number. Write "010".'),
        ("tags: [on]", 'tags: on is read as true or false. Write "on".'),
        ("tags: 2026-01-31", 'tags: 2026-01-31 is read as a date. Write "2026-01-31".'),
        ("tags: ['{shaa}']", "'shaa', which is not known here"),
        ("tags: ['a b']", "is not one that registries take"),
        ("python: 3.10", 'python: 3.10 is read as a number. Write "3.10".'),
        ("labels: {version: 1.10}", 'labels.version: 1.10 is read as a number. Write "1.10".'),
        ("runs-on: [gpu, 8]", 'runs-on: 8 is read as a number. Write "8".'),
        ("image:", "image is empty"),
        ("image: [a]", "image is a list, and must be text."),
        ("image: 'oci:folder:tag'", "is no name in a registry"),
        ("image: a@sha256:0", "a@sha256:0"),
        ("iamge: a", "There is no key 'iamge' here. Perhaps you meant 'image'."),
        ("warmup_image: a", "Perhaps you meant 'warmup-image'."),
        ("registry-password: a", "There is no key 'registry-password' here."),
        ("python: a\npython: b", "The key 'python' stands here and in line 1: keep one."),
        ("script: a\ncache-dir: b", "Give either script or cache-dir, and not both."),
        ("script: 'a \"b'", "cannot be split as a shell would"),
        ("script: |\n  a\n  b", "more than one line"),
        ("timeout: '5'", "timeout must be a number from 1 on, without quotes."),
        ("timeout: 010", "timeout must be a number"),
        ("min-hit-rate: 101", "min-hit-rate must be a number from 0 to 100"),
        ("min-entries: 1.5", "min-entries must be a whole number"),
        ("verify: yes", "verify must be true or false, without quotes."),
        ("warmup-in: hots", "'hots' is not one of auto, host, container, compile-only."),
        ("container: {options: x}", "container has no image."),
        ("warmup-setup: []", "warmup-setup is empty"),
        ("python: !x a", "has the tag '!x'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    (found,) = refused(tmp_path, f"{text}\ntargets: [cuda:90]\n")

    number, _, message = found.partition(": ")
    assert said in message
    assert number == ("2" if "python: b" in text or "\ncache-dir" in text else "1")


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ("", "There are no targets"),
        ("targets: []", "targets must be a list"),
        ("targets: cuda:90", "targets must be a list"),
        ("targets: [90]", '90 does not say the backend. Write "cuda:90".'),
        ("targets: [cuda]", "The target 'cuda' is not one that Triton knows."),
        ("targets: [cuda:90, cuda:sm90]", "The target 'cuda:90' is there already."),
        ("targets: [{runs-on: a}]", "This entry has no key 'target'"),
        ("targets: [{target: cuda:90, image: a}]", "There is no key 'image' here."),
        ("targets: [[cuda:90]]", "A target is a list, and must be a mapping"),
    ],
)
def test_what_is_wrong_with_targets_is_said(tmp_path: Path, targets: str, said: str) -> None:
    (found,) = refused(tmp_path, f"python: a\n{targets}\n")

    assert said in found


def test_everything_wrong_is_said_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    found = refused(tmp_path, "tags: [1.10]\niamge: a\ntargets:\n  - 90\n  - hip:x\n")

    assert [line.split(":")[0] for line in found] == ["1", "2", "4", "5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds nothing"),
        ("a: [", "tcv.yml:1:"),
        ("- a", "must be a mapping"),
        ("a: b\n---\nc: d", "found another document"),
        ("\x00", "no YAML"),
        ("[" * 5000, "no YAML"),
        ("&a [*a]", "must be a mapping"),
        ("a: *b", "undefined alias"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in line or said in f"tcv.yml:{line}" for line in refused(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: No such file"):
        read_legs(tmp_path / "tcv.yml")
