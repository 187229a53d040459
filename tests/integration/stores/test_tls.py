"""Registries that speak TLS: certificates, and what is never sent without them."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.images import same_content
from tests.integration.stores.faulty_registry import Fault, FaultyRegistry, faulty_registry

from tcv_action.errors import StoreError
from tcv_action.oci.image import OciImage
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import Credentials, Patience, RegistryAccess
from tcv_action.stores.registry.session import Repository, Session
from tcv_action.stores.registry.sign_in import SignIn
from tcv_action.stores.registry.store import RegistryStore


@pytest.fixture
def secure(tmp_path: Path, tool: Callable[[str], str]) -> Iterator[FaultyRegistry]:
    """A registry with a certificate that nobody trusts."""
    pem = str(tmp_path / "own.pem")
    command = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += [*names, "-keyout", pem, "-out", f"{pem}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    whole = tmp_path / "whole.pem"
    whole.write_bytes(Path(pem).read_bytes() + Path(f"{pem}.crt").read_bytes())
    with faulty_registry(whole) as registry:
        yield registry


@pytest.fixture
def reference(secure: FaultyRegistry) -> Reference:
    return Reference.parse(f"docker://{secure.host}/o/r:t")


def session(host: str, scheme: str, *, verify: bool) -> Session:
    sign_in = SignIn(None, host=host, repository="o/r", actions="pull")
    place = Repository(host, "o/r")
    return Session(
        sign_in, place, scheme=scheme, verify=verify, insecure=False, patience=Patience()
    )


def test_a_loopback_registry_may_speak_tls(
    secure: FaultyRegistry, reference: Reference, oci_image: OciImage
) -> None:
    store = RegistryStore(RegistryAccess())

    store.write(oci_image, reference)

    assert same_content(store.read(reference), oci_image)
    assert secure.manifests["o/r:t"][1] == oci_image.manifest


def test_a_certificate_that_nobody_trusts_is_refused(secure: FaultyRegistry) -> None:
    with pytest.raises(StoreError, match="certificate verify failed") as caught:
        session(secure.host, "https", verify=True).contact(5)

    assert "--insecure" in caught.value.next_step
    assert secure.requests == []


def test_a_registry_that_speaks_no_tls_is_said(faulty: FaultyRegistry) -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        session(faulty.host, "https", verify=True).contact(5)

    assert "TLS" in caught.value.cause


def test_a_password_is_not_sent_where_it_could_be_read(
    secure: FaultyRegistry, reference: Reference, oci_image: OciImage
) -> None:
    # The realm that this registry names is plain HTTP.
    secure.wants_token = True
    credentials = Credentials(username="u", password="p")

    with pytest.raises(StoreError, match="wants the sign-in sent to 'http://"):
        RegistryStore(RegistryAccess(credentials=credentials)).write(oci_image, reference)

    assert not secure.asked("GET", "^/token")


def test_bytes_are_not_sent_where_they_could_be_changed(
    secure: FaultyRegistry, faulty: FaultyRegistry, reference: Reference, oci_image: OciImage
) -> None:
    secure.upload_host = faulty.host

    with pytest.raises(StoreError, match="sends the upload to 'http://"):
        RegistryStore(RegistryAccess()).write(oci_image, reference)

    assert faulty.requests == []


@pytest.mark.parametrize("path", ["^/v2/$", "/manifests/", "/blobs/sha256:"])
def test_a_redirect_that_leaves_tls_is_not_followed(
    secure: FaultyRegistry,
    faulty: FaultyRegistry,
    reference: Reference,
    oci_image: OciImage,
    path: str,
) -> None:
    RegistryStore(RegistryAccess()).write(oci_image, reference)
    there = {"Location": f"http://{faulty.host}/"}
    secure.faults = [Fault(method="GET", path=path, status=307, headers=there)]

    with pytest.raises(StoreError, match=f"to 'http://{faulty.host}/'") as caught:
        RegistryStore(RegistryAccess()).read(reference)

    assert "--insecure" in caught.value.next_step
    assert faulty.requests == []


def test_a_redirect_may_leave_tls_where_that_is_allowed(
    secure: FaultyRegistry, faulty: FaultyRegistry, reference: Reference, oci_image: OciImage
) -> None:
    store = RegistryStore(RegistryAccess(insecure=True))
    store.write(oci_image, reference)
    faulty.blobs = secure.blobs
    secure.blob_host = faulty.host

    assert same_content(store.read(reference), oci_image)


def test_insecure_reaches_both_kinds(
    secure: FaultyRegistry, faulty: FaultyRegistry, oci_image: OciImage
) -> None:
    access = replace(RegistryAccess(), insecure=True)

    for registry in (secure, faulty):
        named = Reference.parse(f"docker://{registry.host}/o/r:t")
        RegistryStore(access).write(oci_image, named)
        assert "o/r:t" in registry.manifests
