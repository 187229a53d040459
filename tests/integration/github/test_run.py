"""What `tcv run` asks of GitHub: labels and a comment, and neither can fail it."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.services.command import Ended, tcv
from tests.services.fault_proxy import FaultProxy
from tests.services.registry import Registry
from tests.services.small_github import SmallGitHub

pytestmark = pytest.mark.registry
TOKEN = "a-Token-4-tests"
PREFIX = "org.opencontainers.image."
FACTS = {
    "description": "Kernels that we launch",
    "license": {"spdx_id": "Apache-2.0"},
    "html_url": "https://github.com/octo/project",
}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Give a cache folder with one entry."""
    entry = tmp_path / "cache" / ("B" * 52)
    entry.mkdir(parents=True)
    target = {"backend": "cuda", "arch": 90, "warp_size": 32}
    (entry / "k.json").write_text(json.dumps({"hash": "0" * 64, "target": target}))
    (entry / "k.cubin").write_bytes(b"\0" * 64)
    (entry / "__grp__k.json").write_text('{"child_paths": {"k.cubin": "/x/k.cubin"}}')
    return entry.parent


@pytest.fixture
def environ(faulty_github: FaultProxy, tmp_path: Path) -> dict[str, str]:
    """Give what the runner sets in a job for a pull request."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return {
        "GITHUB_API_URL": faulty_github.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "octo/project",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SHA": "0123456789abcdef",
        "GITHUB_EVENT_PATH": str(event),
    }


@pytest.fixture
def name(registry: Registry, request: pytest.FixtureRequest) -> str:
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return registry.name(f"github/{test}")


def run(cache: Path, name: str, environ: Mapping[str, str], *options: str) -> Ended:
    folder = cache.parent
    ended = tcv(
        "run", "--cache-dir", cache, "-i", name, *options, cwd=folder, environ=environ
    )  # fmt: skip
    assert TOKEN not in ended.out + ended.err
    return ended.ok()


def labels(cache: Path) -> dict[str, str]:
    outputs = json.loads((cache.parent / "tcv-out" / "outputs.json").read_text())
    return {
        label.removeprefix(PREFIX): text
        for label, text in outputs["labels"].items()
        if label.startswith(PREFIX)
    }


def test_facts_of_the_repository_are_labels(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    small_github.repository = FACTS
    ended = run(cache, name, environ, "--label", f"{PREFIX}licenses=MIT")

    found = labels(cache)
    assert found["description"] == "Kernels that we launch"
    assert found["url"] == found["source"] == "https://github.com/octo/project"
    assert found["revision"] == "0123456789abcdef"
    assert found["licenses"] == "MIT", "a label that was given wins"
    assert "Left out" not in ended.err
    assert small_github.comments == {}


def test_the_comment_is_made_and_kept_up(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    run(cache, name, environ, "--comment")
    (first,) = small_github.comments.values()
    assert first["body"].splitlines()[1].startswith("## ✅ Triton cache: 1 kernel for 1 target")
    assert f"`{name}:latest-cuda-sm90`" in first["body"]
    assert "https://github.com/octo/project/actions/runs/42" in first["body"]
    assert "<details>" not in first["body"]

    shutil.copytree(cache / ("B" * 52), cache / ("C" * 52))
    run(cache, name, environ, "--comment")
    (second,) = small_github.comments.values()
    assert "2 kernels" in second["body"]


def test_a_failed_run_comments_too(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    shutil.rmtree(cache / ("B" * 52))
    ended = tcv(
        "run", "--cache-dir", cache, "-i", name, "-t", "cuda:90", "--comment",
        cwd=cache.parent, environ=environ,
    )  # fmt: skip

    assert ended.code == 3
    (comment,) = small_github.comments.values()
    assert "❌" in comment["body"]


def test_inputs_of_the_action_do_the_same(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    del environ["GITHUB_TOKEN"]
    run(cache, name, {**environ, "INPUT_GITHUB-TOKEN": TOKEN, "INPUT_COMMENT": "true"})

    assert len(small_github.comments) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401},
        {"status": 403, "body": {"message": "Resource not accessible by integration"}},
        {"status": 403, "headers": {"retry-after": "3600"}},
        {"status": 404},
        {"status": 422},
        {"status": 500},
        {"drop": True},
    ],
    ids=["401", "403", "limit", "404", "422", "500", "drop"],
)
def test_an_api_that_fails_does_not_fail_the_run(
    faulty_github: FaultProxy,
    cache: Path,
    name: str,
    environ: dict[str, str],
    fault: dict[str, object],
) -> None:
    for verb in ("GET", "POST"):
        faulty_github.answer(verb, "", times=None, **fault)
    ended = run(cache, name, environ, "--comment")

    said = [line.strip() for line in ended.err.splitlines() if "Left out" in line]
    assert len(said) == 2
    assert said[0].startswith("Left out the labels description and licenses: GitHub's API ")
    assert said[1].startswith("Left out the comment: GitHub's API ")
    assert labels(cache)["source"] == "https://github.com/octo/project"


def test_without_a_token_the_run_says_what_is_left_out(
    faulty_github: FaultProxy, cache: Path, name: str, environ: dict[str, str]
) -> None:
    del environ["GITHUB_TOKEN"]
    ended = run(cache, name, environ, "--comment")

    assert "Left out the labels description and licenses: there is no github-token." in ended.err
    assert "Left out the comment: there is no github-token." in ended.err
    assert faulty_github.asked == []


def test_without_a_pull_request_there_is_no_comment(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    Path(environ["GITHUB_EVENT_PATH"]).write_text("{}")
    ended = run(cache, name, environ, "--comment")

    assert "Left out the comment: this is no pull request." in ended.err
    assert small_github.comments == {}


def test_away_from_github_nothing_is_asked_or_said(
    faulty_github: FaultProxy, cache: Path, name: str
) -> None:
    ended = run(cache, name, {"GITHUB_API_URL": faulty_github.url, "GITHUB_TOKEN": TOKEN})

    assert faulty_github.asked == []
    assert "Left out" not in ended.err


def test_a_dry_run_asks_nothing(
    faulty_github: FaultProxy, cache: Path, name: str, environ: dict[str, str]
) -> None:
    run(cache, name, environ, "--dry-run")

    assert faulty_github.asked == []


def test_a_dry_run_comments_where_that_is_asked_for(
    small_github: SmallGitHub, faulty_github: FaultProxy, cache: Path, name: str,
    environ: dict[str, str],
) -> None:  # fmt: skip
    run(cache, name, environ, "--dry-run", "--comment")

    assert len(small_github.comments) == 1
    assert all("/issues/7/comments" in one.path for one in faulty_github.asked)


def test_legs_of_a_matrix_have_a_comment_each(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    run(cache, name, environ, "-t", "cuda:90", "--comment")
    document = cache / ("B" * 52) / "k.json"
    document.write_text(document.read_text().replace("90", "80"))
    run(cache, name, environ, "-t", "cuda:80", "--comment")

    assert len(small_github.comments) == 2


def test_the_comment_of_a_failure_is_the_same_one(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    run(cache, name, environ, "--comment")
    shutil.rmtree(cache / ("B" * 52))
    failed = tcv(
        "run", "--cache-dir", cache, "-i", name, "--comment", cwd=cache.parent, environ=environ
    )

    assert failed.code == 3
    (comment,) = small_github.comments.values()
    assert "❌" in comment["body"]


def test_a_matrix_comments_once_where_it_is_merged(
    small_github: SmallGitHub, cache: Path, name: str, environ: dict[str, str]
) -> None:
    run(cache, name, environ)
    command = ("merge", "-i", f"{name}:all", cache.parent / "tcv-out", "--comment")
    for _ in range(2):
        tcv(*command, cwd=cache.parent, environ=environ).ok()

    (comment,) = small_github.comments.values()
    assert "cuda:90" in comment["body"]
