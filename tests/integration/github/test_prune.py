"""`tcv prune` on a real registry's manifests: what stays can still be pulled, whole."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.images import FILES, sample_image
from tests.services.cache import ROOT
from tests.services.command import Ended, tcv
from tests.services.fault_proxy import FaultProxy
from tests.services.registry import Registry
from tests.services.small_github import SmallGitHub

from tcv_action.oci.digest import describe
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import IndexEntry, build_index
from tcv_action.oci.media_types import OCI_INDEX, OCI_MANIFEST, MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import Credentials, RegistryAccess
from tcv_action.stores.registry.store import RegistryStore

pytestmark = pytest.mark.registry
TOKEN = "a-Token-4-tests"


@dataclass(slots=True, kw_only=True)
class Shop:
    """A package in a registry, and the GitHub that counts its versions."""

    reference: Reference
    store: RegistryStore
    github: SmallGitHub
    folder: Path
    digests: dict[str, str] = field(default_factory=dict)

    def image(self, name: str, *tags: str, days: float, row: MediaTypes = MediaTypes.OCI) -> str:
        """Push an image of its own, and give its digest."""
        made = sample_image(
            self.folder / name, row, files={**FILES, "io.triton.cache/name": name.encode()}
        )
        self._push(made, tags)
        return self.known(name, made.digest, *tags, days=days)

    def index(self, name: str, *tags: str, days: float, joins: list[str]) -> str:
        """Join images that are there to an index under the tags."""
        images = [self.store.read(self.at(self.digests[one])) for one in joins]
        made = build_index([IndexEntry(descriptor=one.descriptor) for one in images])
        for tag in tags or ("passing",):
            self.store.write_index(made, images, self.reference.with_tag(tag))
        return self.known(name, made.digest, *tags, days=days)

    def raw(self, name: str, content: dict[str, object], *tags: str, kind: str, days: float) -> str:
        """Put a manifest as another tool would."""
        data = json.dumps(content).encode()
        digest = describe(data, kind).digest
        for tag in tags or (digest,):
            url = f"http://{self.reference.domain}/v2/{self.reference.repository}/manifests/{tag}"
            headers = {"Content-Type": kind}
            request = urllib.request.Request(url, data=data, headers=headers, method="PUT")
            urllib.request.urlopen(request).close()
        return self.known(name, digest, *tags, days=days)

    def known(self, name: str, digest: str, *tags: str, days: float) -> str:
        """Have GitHub count the version."""
        created = datetime.now(UTC) - timedelta(days=days)
        self.github.add_version(digest, *tags, created=created.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.digests[name] = digest
        return digest

    def at(self, digest: str) -> Reference:
        return self.reference.with_digest(digest)

    def _push(self, image: OciImage, tags: tuple[str, ...]) -> None:
        self.store.write(image, self.at(image.digest))
        for tag in tags:
            self.store.write(image, self.reference.with_tag(tag))

    def names(self, digests: list[str]) -> list[str]:
        """Return the names of versions, in the digests' order."""
        return [name for one in digests for name, digest in self.digests.items() if one == digest]

    @property
    def left(self) -> set[str]:
        """The names of the versions that GitHub still has."""
        return set(self.names([str(one["name"]) for one in self.github.versions.values()]))

    def empty_registry(self) -> None:
        """Take from the registry what GitHub has no more, as GitHub's own does."""
        left = {one["name"] for one in self.github.versions.values()}
        for digest in set(self.digests.values()) - left:
            url = (
                f"http://{self.reference.domain}/v2/{self.reference.repository}/manifests/{digest}"
            )
            urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()


@pytest.fixture
def shop(
    registry: Registry, small_github: SmallGitHub, tmp_path: Path, request: pytest.FixtureRequest
) -> Shop:
    name = registry.name(f"octo/{request.node.name.partition('[')[0].lower()}")
    return Shop(
        reference=Reference.parse(name),
        store=RegistryStore(RegistryAccess()),
        github=small_github,
        folder=tmp_path,
    )


@pytest.fixture
def releases(shop: Shop) -> Shop:
    """Give two releases of two targets, with an attestation each, and what was left over."""
    for number, days in ((1, 40), (2, 20)):
        cuda, hip = f"cuda{number}", f"hip{number}"
        shop.image(cuda, f"v{number}-cuda-sm90", days=days)
        shop.image(hip, f"v{number}-hip-gfx942", days=days, row=MediaTypes.DOCKER)
        index = shop.index(f"index{number}", f"v{number}", days=days, joins=[cuda, hip])
        attest(shop, f"{number}", index, days=days)
    shop.image("dangling", days=5)
    shop.image("fresh", days=0.1)
    shop.index("lost", days=10, joins=["cuda2"])
    return shop


def attest(shop: Shop, number: str, subject: str, *, days: float) -> None:
    """Refer to the subject as an attestation does where a registry has no referrers API."""
    config = shop.store.read(shop.at(shop.digests[f"cuda{number}"])).config_descriptor
    blob = {"mediaType": config.media_type, "digest": config.digest, "size": config.size}
    size = len(shop.store.read_manifest(shop.at(subject)))
    statement: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "config": blob,
        "layers": [],
        "subject": {"mediaType": OCI_INDEX, "digest": subject, "size": size},
    }
    digest = shop.raw(f"statement{number}", statement, kind=OCI_MANIFEST, days=days)
    size = len(json.dumps(statement))
    joined = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": size}]
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": joined}
    tag = subject.replace(":", "-")
    shop.raw(f"referrers{number}", content, tag, kind=OCI_INDEX, days=days)


def prune(shop: Shop, *options: str, url: str = "", **environ: str) -> Ended:
    ended = tcv(
        "prune",
        shop.reference.name,
        *options,
        environ={"GITHUB_API_URL": url or shop.github.url, "GITHUB_TOKEN": TOKEN, **environ},
    )
    assert TOKEN not in ended.out + ended.err
    return ended


OLD = {"cuda1", "hip1", "index1", "statement1", "referrers1"}
LOST = {"dangling", "lost"}


def test_it_shows_and_deletes_nothing(releases: Shop) -> None:
    there = releases.left
    ended = prune(releases, "--keep-last", "1").ok()

    assert releases.left == there
    rows = [line.split() for line in ended.out.splitlines()]
    assert sum(row[:2] == ["may", "go"] for row in rows if row) == len(OLD | LOST)
    assert f"{len(OLD | LOST)} may go; --yes deletes them." in ended.out
    assert "goes with v1" in ended.out
    assert "needed by v2" in ended.out


@pytest.mark.tools
def test_what_stays_can_be_pulled_whole(
    releases: Shop, tool: Callable[[str], str], tmp_path: Path
) -> None:
    there = releases.left
    prune(releases, "--keep-last", "1", "--yes").ok()
    assert releases.left == there - OLD - LOST
    releases.empty_registry()

    copy = (tool("skopeo"), "copy", "--all", "--src-tls-verify=false", "--insecure-policy")
    for tag in ("v2", releases.digests["index2"].replace(":", "-")):
        source = f"docker://{releases.reference.name}:{tag}"
        subprocess.run([*copy, source, f"dir:{tmp_path / tag}"], check=True, capture_output=True)
    again = prune(releases, "--keep-last", "1", "--json").ok().json
    assert again["going"] == 0


def test_the_index_goes_first(releases: Shop, faulty_github: FaultProxy) -> None:
    prune(releases, "--older-than", "30", "--yes", url=faulty_github.url).ok()
    deleted = [int(one.path.rpartition("/")[2]) for one in faulty_github.requests("DELETE")]
    digests = list(releases.digests.values())
    order = releases.names([digests[number - 500] for number in deleted])

    assert set(order) == OLD
    assert order[0] == "index1"
    assert order.index("referrers1") < order.index("statement1")


def test_without_rules_tags_stay(releases: Shop) -> None:
    document = prune(releases, "--json").ok().json

    going = releases.names([one["digest"] for one in document["versions"] if one["goes"]])
    assert set(going) == LOST
    assert document["deleted"] == 0


def test_a_kept_tag_keeps_all_of_it(releases: Shop) -> None:
    there = releases.left
    prune(releases, "--keep-last", "0", "--keep-tag", "v1", "--yes").ok()

    assert OLD | {"fresh"} == releases.left
    assert releases.left < there


def test_a_version_that_cannot_go_keeps_its_parts(
    releases: Shop, faulty_github: FaultProxy
) -> None:
    number = list(releases.digests).index("index1") + 500
    message = {"message": "Publicly visible versions with many downloads cannot be deleted."}
    faulty_github.answer("DELETE", f"/versions/{number}$", status=400, body=message)
    ended = prune(releases, "--keep-last", "1", "--yes", "--json", url=faulty_github.url)

    assert ended.code == 5
    assert "many downloads" in ended.err
    assert releases.left >= OLD
    assert not LOST & releases.left
    assert ended.json["deleted"] == len(LOST)
    reasons = {one["id"]: one["reason"] for one in ended.json["versions"]}
    assert "400" in reasons[number]
    assert "needed by one that could not be deleted" in reasons.values()


def test_what_was_tagged_meanwhile_stays(releases: Shop, faulty_github: FaultProxy) -> None:
    number = list(releases.digests).index("dangling") + 500
    tagged = dict(releases.github.versions[number])
    tagged["metadata"] = {"container": {"tags": ["now"]}}
    faulty_github.answer("GET", f"/versions/{number}$", status=200, body=tagged)
    ended = prune(releases, "--yes", url=faulty_github.url).ok()

    assert "dangling" in releases.left
    assert "got another tag meanwhile" in ended.out


def test_what_is_gone_already_is_no_failure(releases: Shop, faulty_github: FaultProxy) -> None:
    faulty_github.answer("DELETE", "/versions/", status=404, body={"message": "x"}, times=None)

    assert prune(releases, "--yes", url=faulty_github.url).code == 0


def test_a_manifest_that_is_missing_stops_it_before_anything_goes(shop: Shop) -> None:
    shop.image("there", days=9)
    shop.known("missing", "sha256:" + "1" * 64, days=9)
    ended = prune(shop, "--yes")

    assert ended.code == 5
    assert shop.left == {"there", "missing"}


@pytest.mark.parametrize("organization", [True, False])
def test_many_pages_of_either_kind_of_owner(shop: Shop, *, organization: bool) -> None:
    shop.github.page = 3
    if organization:
        shop.github.organizations.add("octo")
    for count in range(7):
        shop.image(f"image{count}", f"v{count}", days=10 - count)
    document = prune(shop, "--keep-last", "2", "--json").ok().json

    kept = [one["tags"] for one in document["versions"] if not one["goes"]]
    assert kept == [["v6"], ["v5"]]
    assert len(document["versions"]) == 7


def test_on_github_it_leaves_outputs_and_a_summary(shop: Shop, tmp_path: Path) -> None:
    shop.image("old", "v1", days=10)
    (tmp_path / "output").touch()
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    prune(shop, "--keep-last", "0", "--keep-tag", "w*", "--yes", **environ).ok()

    assert shop.left == set()
    outputs = (tmp_path / "output").read_text()
    assert "going" in outputs
    assert '"deleted": 1' in outputs
    assert "| deleted |" in (tmp_path / "summary.md").read_text()


def test_the_action_hands_its_inputs_on(shop: Shop, tmp_path: Path) -> None:
    for count in range(4):
        shop.image(f"image{count}", f"v{count}", days=10 - count)
    document = as_action(shop, tmp_path, {"keep-last": "1", "keep-tags": "v0\n*2\n"})
    assert (document["going"], document["deleted"]) == (1, 0)

    as_action(shop, tmp_path, {"older-than": "8.5", "delete": "true"})
    assert shop.left == {"image2", "image3"}


def as_action(shop: Shop, folder: Path, inputs: dict[str, str]) -> Any:
    """Run the action's step as the runner does, with this Python's tcv; return its output."""
    action = yaml.safe_load((ROOT / "prune" / "action.yml").read_text())
    (step,) = action["runs"]["steps"]
    known = {name: one.get("default", "") for name, one in action["inputs"].items()}
    known |= {"github-token": TOKEN, "image": shop.reference.name, **inputs}
    given = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: known[match[1]], text)
        for name, text in step["env"].items()
    }
    install = folder / "setup" / "install"
    install.parent.mkdir(exist_ok=True)
    tcv_here = folder / "tcv"
    tcv_here.write_text(f'#!/bin/sh\nexec {sys.executable} -m tcv_action "$@"\n')
    install.write_text(f"#!/bin/sh\necho {tcv_here}\n")
    for script in (install, tcv_here):
        script.chmod(0o755)
    output = folder / "output"
    output.write_text("")
    runner = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": shop.github.url,
        "GITHUB_ACTION_PATH": str(folder / "prune"),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": "",
    }
    (folder / "prune").mkdir(exist_ok=True)
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={**os.environ, **runner, **given},
        check=True,
    )
    (line,) = (one for one in output.read_text().splitlines() if one.startswith("{"))
    return json.loads(line)


def test_the_token_signs_in_to_the_registry(
    registry_with_login: Registry, small_github: SmallGitHub, tmp_path: Path
) -> None:
    login = registry_with_login
    credentials = Credentials(username=login.username, password=login.password)
    shop = Shop(
        reference=Reference.parse(login.name("octo/closed")),
        store=RegistryStore(RegistryAccess(credentials=credentials)),
        github=small_github,
        folder=tmp_path,
    )
    shop.image("one", "v1", days=3)
    environ = {"DOCKER_CONFIG": str(tmp_path), "GITHUB_ACTOR": login.username}
    url = small_github.url

    refused = prune(shop, url=url, **environ)
    assert refused.code == 5
    document = prune(shop, "--json", url=url, **environ | {"GITHUB_TOKEN": login.password})
    assert document.ok().json["going"] == 0


@pytest.mark.parametrize(
    ("name", "environ", "message"),
    [
        ("ghcr.io/octo/kernels:v1", {}, "is not the name of a package"),
        ("oci:folder", {}, "is not the name of a package"),
        ("ghcr.io/octo/kernels", {"GITHUB_TOKEN": ""}, "There is no token"),
        ("docker.io/octo/kernels", {"GITHUB_API_URL": ""}, "not in the registry of the GitHub"),
        ("ghcr.io/octo/kernels", {"GITHUB_API_URL": "https://x.example/api/v3"}, "GITHUB_API_URL"),
        ("ghcr.io.evil.example/o/k", {"GITHUB_API_URL": ""}, "not in the registry of the GitHub"),
    ],
)
def test_what_cannot_be_is_refused(name: str, environ: dict[str, str], message: str) -> None:
    ended = tcv("prune", name, "--yes", environ={"GITHUB_TOKEN": TOKEN, **environ})

    assert ended.code == 2
    assert message in ended.err
    assert TOKEN not in ended.err


def test_a_silent_api_is_said(shop: Shop) -> None:
    ended = prune(shop, url="http://127.0.0.1:9")

    assert ended.code == 5
    assert "GITHUB_API_URL" in ended.err
