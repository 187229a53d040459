"""References: the grammar, canonical names, and texts that come back as they were."""

from pathlib import Path

import pytest

from tcv_action.errors import InputError
from tcv_action.oci.reference import Reference, Transport

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "name", "tag", "host"),
    [
        ("alpine", "docker.io/library/alpine", None, "registry-1.docker.io"),
        ("docker.io/alpine:3", "docker.io/library/alpine", "3", "registry-1.docker.io"),
        ("index.docker.io/a/b", "docker.io/a/b", None, "registry-1.docker.io"),
        ("user/alpine:3", "docker.io/user/alpine", "3", "registry-1.docker.io"),
        ("localhost/a", "localhost/a", None, "localhost"),
        ("localhost:5000/a:b", "localhost:5000/a", "b", "localhost:5000"),
        ("127.0.0.1:5000/a", "127.0.0.1:5000/a", None, "127.0.0.1:5000"),
        ("[::1]:5000/a:b", "[::1]:5000/a", "b", "[::1]:5000"),
        ("ghcr.io/o/p_q/r--s:v1.0-x", "ghcr.io/o/p_q/r--s", "v1.0-x", "ghcr.io"),
        ("docker:24", "docker.io/library/docker", "24", "registry-1.docker.io"),
    ],
)
def test_names_are_canonical(text: str, name: str, tag: str | None, host: str) -> None:
    reference = Reference.parse(text)

    assert (reference.name, reference.tag) == (name, tag)
    assert reference.registry_host == host
    assert reference.transport is Transport.REGISTRY
    assert not reference.explicit


@pytest.mark.parametrize(
    "text",
    [
        "docker://ghcr.io/o/r:t",
        f"docker://ghcr.io/o/r:t@{DIGEST}",
        f"docker://ghcr.io/o/r@{DIGEST}",
        "docker-daemon:docker.io/library/a:t",
        "containers-storage:localhost/a:t",
        "oci:some/folder",
        "oci:/some/folder:v1-cuda-sm90",
        "oci:/some/@folder:x",
        f"oci:/some/folder@{DIGEST}",
        "oci-archive:x.tar:tag",
        "docker-archive:x.tar",
        "docker-archive:x.tar:docker.io/library/a:t",
        "ghcr.io/o/r:t",
    ],
)
def test_text_round_trips(text: str) -> None:
    reference = Reference.parse(text)

    assert str(reference) == text
    assert Reference.parse(str(reference)) == reference


def test_paths_and_names_are_told_apart() -> None:
    layout = Reference.parse("oci:/some/folder:v1")
    archive = Reference.parse("docker-archive:dir/x.tar:a:t")

    assert (layout.path, layout.tag, layout.name) == (Path("/some/folder"), "v1", "")
    assert (archive.path, archive.name) == (Path("dir/x.tar"), "docker.io/library/a")
    assert archive.tag == "t"


def test_a_plain_name_takes_the_transport_it_is_given() -> None:
    reference = Reference.parse("a:t", plain=Transport.CONTAINERS_STORAGE)

    assert reference.transport is Transport.CONTAINERS_STORAGE
    assert str(reference) == "docker.io/library/a:t"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the name is missing"),
        ("docker://", "the name is missing"),
        ("ghcr.io/Owner/repo", "'ghcr.io/owner/repo'"),
        ("ghcr.io/o/r:" + "t" * 129, "cannot be a tag"),
        ("ghcr.io/o/r:.t", "cannot be a tag"),
        ("ghcr.io/o/r@sha256:12", "is not a digest"),
        ("ghcr.io/o/r@md5:" + "0" * 32, "is not a digest"),
        ("ghcr.io/o//r", "cannot be a repository"),
        ("ghcr.io/o/r-", "cannot be a repository"),
        ("ghcr.io/o/r x", "cannot be a repository"),
        ("ghcr.io/../r", "cannot be a repository"),
        ("-x.io/r", "cannot be a registry"),
        ("https://ghcr.io/o/r", "'https' is not a transport"),
        ("oci:", "the path is missing"),
        ("oci:x:..", "cannot be a tag"),
        ("a" * 256, "more than 255"),
    ],
)
def test_a_bad_reference_is_refused_with_advice(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        Reference.parse(text)

    assert repr(text) in caught.value.what
    assert says.lower() in str(caught.value).lower()
    assert caught.value.next_step


def test_another_tag_drops_the_digest() -> None:
    reference = Reference.parse(f"ghcr.io/o/r:a@{DIGEST}").with_tag("b")

    assert str(reference) == "ghcr.io/o/r:b"


def test_another_tag_follows_the_grammar() -> None:
    with pytest.raises(InputError, match="cannot be a tag"):
        Reference.parse("ghcr.io/o/r").with_tag("a b")


def test_another_digest_is_one() -> None:
    reference = Reference.parse("ghcr.io/o/r:a")

    assert str(reference.with_digest(DIGEST)) == f"ghcr.io/o/r:a@{DIGEST}"
    for digest in ("sha256:feed", "../../../other/manifests/x?", "", DIGEST.upper(), f"{DIGEST}\n"):
        with pytest.raises(InputError, match="is not a digest"):
            reference.with_digest(digest)


def test_a_local_store_knows_names_and_tags() -> None:
    assert Reference.parse("docker-daemon:a").tagged_name == "docker.io/library/a:latest"
    assert Reference.parse("docker-daemon:a:t").tagged_name == "docker.io/library/a:t"
    with pytest.raises(InputError, match="only a digest is given"):
        _ = Reference.parse(f"docker-daemon:a@{DIGEST}").tagged_name
