"""How a registry that breaks, refuses or misleads is met."""

import base64
import json
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from tests.images import image_of_layer, layer_bytes, same_content
from tests.integration.stores.faulty_registry import Fault, FaultyRegistry

from tcv_action.errors import StoreError
from tcv_action.oci.config import ImageConfig
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import Credentials, Patience, RegistryAccess
from tcv_action.stores.registry.store import RegistryStore

BLOB_GET = r"/blobs/sha256:"
UPLOAD = r"/blobs/uploads/"
MANIFEST = r"/manifests/"


class Waits:
    """A patience that notes its pauses and does not make them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.now = 0.0

    def patience(self) -> Patience:
        return Patience(clock=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def store(waits: Waits) -> RegistryStore:
    return RegistryStore(RegistryAccess(patience=waits.patience()))


def reference(registry: FaultyRegistry, tag: str = "t") -> Reference:
    return Reference.parse(f"docker://{registry.host}/o/r:{tag}")


def big_image(tmp_path: Path, size: int) -> OciImage:
    layout = Layout.create(tmp_path / "big")
    layer = layout.put_bytes(os.urandom(size), MediaTypes.OCI.layer)
    config = ImageConfig(architecture="amd64", diff_ids=(layer.digest,))
    return image_of_layer(layout, layer, config, MediaTypes.OCI)


def test_a_whole_round(store: RegistryStore, faulty: FaultyRegistry, image: OciImage) -> None:
    pushed = store.write(image, reference(faulty))

    kind, manifest = faulty.manifests["o/r:t"]
    assert (kind, manifest) == (image.descriptor.media_type, image.manifest)
    assert pushed.digest == image.digest
    assert pushed.uploaded_bytes == len(image.manifest) + sum(map(len, faulty.blobs.values()))
    assert same_content(store.read(reference(faulty)), image)


def test_what_is_there_is_not_sent_again(
    store: RegistryStore, faulty: FaultyRegistry, image: OciImage
) -> None:
    store.write(image, reference(faulty))
    faulty.requests.clear()

    again = store.write(image, reference(faulty))

    assert again.uploaded_bytes == 0
    assert [(r.method, r.path) for r in faulty.requests] == [("HEAD", "/v2/o/r/manifests/t")]


def test_a_second_tag_sends_the_manifest_alone(
    store: RegistryStore, faulty: FaultyRegistry, image: OciImage
) -> None:
    store.write(image, reference(faulty))
    faulty.requests.clear()

    second = store.write(image, reference(faulty, "latest"))

    assert second.uploaded_bytes == len(image.manifest)
    assert not faulty.asked("POST")


class TestSignIn:
    """The dance of 401, challenge and token."""

    def access(self, waits: Waits, *, password: str = "p") -> RegistryAccess:  # noqa: S107
        credentials = Credentials(username="u", password=password)
        return RegistryAccess(credentials=credentials, patience=waits.patience())

    @pytest.fixture(autouse=True)
    def strict(self, faulty: FaultyRegistry) -> None:
        faulty.wants_token = True
        faulty.password = base64.b64encode(b"u:p").decode()

    def test_the_first_token_may_push(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

        (token,) = faulty.asked("GET", "^/token")
        assert "scope=repository%3Ao%2Fr%3Apull%2Cpush" in token.path
        assert not [r for r in faulty.requests if r.method != "GET" and not r.signed]

    def test_reading_asks_for_no_more_than_pull(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        RegistryStore(self.access(waits)).write(oci_image, reference(faulty))
        faulty.requests.clear()

        layer_bytes(RegistryStore(self.access(waits)).read(reference(faulty)))

        (token,) = faulty.asked("GET", "^/token")
        assert token.path.endswith("scope=repository%3Ao%2Fr%3Apull")

    def test_a_token_that_ran_out_is_renewed_once(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        store = RegistryStore(self.access(waits))
        store.write(oci_image, reference(faulty))
        faulty.tokens.clear()

        store.write(oci_image, reference(faulty, "later"))

        assert "o/r:later" in faulty.manifests
        assert len(faulty.asked("GET", "^/token")) == 2

    def test_a_token_that_runs_out_before_the_bytes_is_renewed(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        faulty.faults = [
            Fault(
                method="PUT",
                path=UPLOAD,
                status=401,
                headers={
                    "WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token",service="tests"'
                },
            )
        ]

        RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

        assert "o/r:t" in faulty.manifests

    def test_a_wrong_password_is_said_at_once(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        store = RegistryStore(self.access(waits, password="wrong"))

        with pytest.raises(StoreError, match="401 \\(no such user\\)") as caught:
            store.write(oci_image, reference(faulty))

        assert "docker login" in caught.value.next_step
        assert "wrong" not in str(caught.value)
        assert waits.pauses == []

    @pytest.mark.parametrize(
        "token", ["abc\r\nX: secret", "abc secret", "secret\u20ac", "", 5, None]
    )
    def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage, token: object
    ) -> None:
        body = json.dumps({"token": token}).encode()
        faulty.faults = [Fault(method="GET", path="^/token", status=200, body=body)]

        with pytest.raises(StoreError, match="gave no token that can be used") as caught:
            RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("realm", ["", "/token", "token", "http://[bad/token", "file:///token"])
    def test_a_sign_in_service_without_an_address_is_said(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage, realm: str
    ) -> None:
        challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="tests"'}
        faulty.faults = [Fault(method="GET", path="^/v2/$", status=401, headers=challenge, times=9)]

        with pytest.raises(StoreError, match=re.escape(f"sent to {realm!r}")) as caught:
            RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

        assert caught.value.cause.startswith("That is no whole address")

    @pytest.mark.parametrize("status", [200, 403])
    def test_an_answer_nested_without_end_is_refused(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage, status: int
    ) -> None:
        faulty.faults = [Fault(method="GET", path="^/token", status=status, body=b"[" * 60000)]

        with pytest.raises(StoreError, match="sign"):
            RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

    def test_an_identity_token_of_docker_s_configuration_signs_in(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage, tmp_path: Path
    ) -> None:
        faulty.refresh_token = "long-lived"
        auths = {faulty.host: {"auth": "", "identitytoken": "long-lived"}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
        access = RegistryAccess(docker_config=tmp_path, patience=waits.patience())

        RegistryStore(access).write(oci_image, reference(faulty))

        (asked,) = faulty.asked("POST", "^/token")
        assert asked.fields["grant_type"] == "refresh_token"
        assert asked.fields["scope"] == "repository:o/r:pull,push"

    def test_a_credential_helper_signs_in(
        self,
        waits: Waits,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        helper = tmp_path / "docker-credential-tests"
        helper.write_text('#!/bin/sh\necho \'{"Username":"u","Secret":"p"}\'\n')
        helper.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        helpers = {"credHelpers": {faulty.host: "tests"}}
        (tmp_path / "config.json").write_text(json.dumps(helpers))
        access = RegistryAccess(docker_config=tmp_path, patience=waits.patience())

        RegistryStore(access).write(oci_image, reference(faulty))

        assert "o/r:t" in faulty.manifests

    def test_a_missing_helper_is_said(
        self, faulty: FaultyRegistry, oci_image: OciImage, tmp_path: Path
    ) -> None:
        (tmp_path / "config.json").write_text(json.dumps({"credsStore": "not-here"}))
        store = RegistryStore(RegistryAccess(docker_config=tmp_path))

        with pytest.raises(StoreError, match="docker-credential-not-here"):
            store.write(oci_image, reference(faulty))

    def test_credentials_stay_with_their_registry(
        self, waits: Waits, faulty: FaultyRegistry, oci_image: OciImage, tmp_path: Path
    ) -> None:
        access = replace(self.access(waits), domain="ghcr.io", docker_config=tmp_path)

        with pytest.raises(StoreError, match="401"):
            RegistryStore(access).write(oci_image, reference(faulty))

        assert not any(request.signed for request in faulty.requests)

    @pytest.mark.parametrize("chunked", [False, True])
    def test_no_token_goes_to_another_host_that_takes_the_upload(
        self,
        waits: Waits,
        faulty: FaultyRegistry,
        elsewhere: FaultyRegistry,
        oci_image: OciImage,
        chunked: bool,
    ) -> None:
        elsewhere.uploads = faulty.uploads
        elsewhere.blobs = faulty.blobs
        elsewhere.only_chunks = chunked
        faulty.upload_host = elsewhere.upload_host = elsewhere.host

        RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

        assert elsewhere.asked("PATCH" if chunked else "PUT")
        assert not any(request.signed for request in elsewhere.requests)

    def test_no_token_goes_to_another_host_that_has_the_blobs(
        self,
        waits: Waits,
        faulty: FaultyRegistry,
        elsewhere: FaultyRegistry,
        oci_image: OciImage,
    ) -> None:
        store = RegistryStore(self.access(waits))
        store.write(oci_image, reference(faulty))
        elsewhere.blobs = faulty.blobs
        faulty.blob_host = elsewhere.host

        assert same_content(store.read(reference(faulty)), oci_image)

        assert elsewhere.asked("GET")
        assert not any(request.signed for request in elsewhere.requests)

    def test_a_netrc_does_not_sign_in(
        self,
        waits: Waits,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

        RegistryStore(self.access(waits)).write(oci_image, reference(faulty))

        assert "o/r:t" in faulty.manifests


class TestTrouble:
    """Answers that a second attempt may better, within a bound."""

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "^/v2/$"),
            ("HEAD", MANIFEST),
            ("HEAD", BLOB_GET),
            ("POST", UPLOAD),
            ("PUT", UPLOAD),
            ("PUT", MANIFEST),
        ],
    )
    def test_a_passing_trouble_passes(
        self,
        store: RegistryStore,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        method: str,
        path: str,
        status: int,
    ) -> None:
        faulty.faults = [Fault(method=method, path=path, status=status)]

        store.write(oci_image, reference(faulty))

        assert faulty.manifests["o/r:t"][1] == oci_image.manifest

    def test_a_lasting_trouble_ends_within_the_bound(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage, waits: Waits
    ) -> None:
        faulty.faults = [Fault(method="PUT", path=MANIFEST, status=500, times=99)]

        with pytest.raises(StoreError, match="answers 500"):
            store.write(oci_image, reference(faulty))

        assert 1 < sum(waits.pauses) <= 7

    def test_retry_after_is_kept(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage, waits: Waits
    ) -> None:
        faulty.faults = [
            Fault(method="HEAD", path=MANIFEST, status=429, headers={"Retry-After": "3"})
        ]

        store.write(oci_image, reference(faulty))

        assert waits.pauses == [3.0]

    def test_retry_after_beyond_the_bound_is_not_waited_for(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage, waits: Waits
    ) -> None:
        faulty.faults = [
            Fault(method="HEAD", path=MANIFEST, status=429, headers={"Retry-After": "60"})
        ]

        with pytest.raises(StoreError, match="Wait 60 s"):
            store.write(oci_image, reference(faulty))

        assert waits.pauses == []

    def test_retry_after_as_a_date_is_kept(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage, waits: Waits
    ) -> None:
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=6), usegmt=True)
        faulty.faults = [
            Fault(method="HEAD", path=MANIFEST, status=429, headers={"Retry-After": later})
        ]

        store.write(oci_image, reference(faulty))

        assert len(waits.pauses) == 1
        assert 1 <= waits.pauses[0] <= 6

    def test_retry_after_that_is_no_number_is_passed_over(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage, waits: Waits
    ) -> None:
        faulty.faults = [
            Fault(
                method="HEAD", path=MANIFEST, status=429, headers={"Retry-After": "\xb2"}, times=99
            )
        ]

        with pytest.raises(StoreError, match="answers 429") as caught:
            store.write(oci_image, reference(faulty))

        assert waits.pauses[0] < 1
        assert caught.value.next_step.startswith("Wait a while")

    @pytest.mark.parametrize("address", ["http://[bad/", "http://.a..b/x", "http://h:x/"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *(("GET", "^/v2/$"), ("HEAD", MANIFEST), ("HEAD", BLOB_GET)),
            *(("POST", UPLOAD), ("PUT", UPLOAD), ("PUT", MANIFEST)),
        ],
    )
    def test_a_redirect_to_what_is_no_address_is_said(
        self,
        store: RegistryStore,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        method: str,
        path: str,
        address: str,
    ) -> None:
        there = {"Location": address}
        faulty.faults = [Fault(method=method, path=path, status=307, headers=there, times=99)]

        with pytest.raises(StoreError):
            store.write(oci_image, reference(faulty))

    @pytest.mark.parametrize(
        "address", ["http://[bad", "http://.a..b/x", "http://h:x/", "ftp://h/x"]
    )
    def test_an_upload_to_what_is_no_address_is_said(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage, address: str
    ) -> None:
        faulty.faults = [
            Fault(method="POST", path=UPLOAD, status=202, headers={"Location": address})
        ]

        with pytest.raises(StoreError):
            store.write(oci_image, reference(faulty))

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_no_is_not_asked_twice(
        self,
        store: RegistryStore,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        waits: Waits,
        status: int,
    ) -> None:
        faulty.faults = [Fault(method="HEAD", path=MANIFEST, status=status, times=99)]

        with pytest.raises(StoreError, match=f"answers {status}") as caught:
            store.write(oci_image, reference(faulty))

        assert "says no" in caught.value.cause
        assert "--registry-username" in caught.value.next_step
        assert waits.pauses == []

    def test_a_connection_that_breaks_mid_upload_is_made_again(
        self, store: RegistryStore, faulty: FaultyRegistry, tmp_path: Path
    ) -> None:
        big = big_image(tmp_path, 3 << 20)
        faulty.faults = [Fault(method="PUT", path=UPLOAD, reset_after=1 << 20)]

        store.write(big, reference(faulty))

        assert same_content(store.read(reference(faulty)), big)

    def test_a_connection_that_always_breaks_is_given_up(
        self, store: RegistryStore, faulty: FaultyRegistry, tmp_path: Path
    ) -> None:
        faulty.faults = [
            Fault(method=method, path=UPLOAD, reset_after=1 << 10, times=99)
            for method in ("PUT", "PATCH")
        ]

        with pytest.raises(StoreError, match="cannot be reached"):
            store.write(big_image(tmp_path, 3 << 20), reference(faulty))

        assert not faulty.manifests

    def test_a_registry_that_takes_only_chunks_gets_chunks(
        self, store: RegistryStore, faulty: FaultyRegistry, tmp_path: Path
    ) -> None:
        big = big_image(tmp_path, 20 << 20)
        faulty.only_chunks = True
        faulty.smallest_chunk = 9 << 20

        store.write(big, reference(faulty))

        sizes = [int(r.headers["Content-Length"]) for r in faulty.asked("PATCH")]
        assert sizes[:2] == [9 << 20, 9 << 20]
        assert same_content(store.read(reference(faulty)), big)

    def test_a_smallest_chunk_beyond_all_memory_is_not_made(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        faulty.only_chunks = True
        faulty.smallest_chunk = 10**30

        store.write(oci_image, reference(faulty))

        assert faulty.asked("PATCH")
        assert same_content(store.read(reference(faulty)), oci_image)

    def test_too_large_is_said(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        faulty.faults = [
            Fault(method=m, path=UPLOAD, status=413, times=99) for m in ("PUT", "PATCH")
        ]

        with pytest.raises(StoreError, match="takes no blobs of this size"):
            store.write(oci_image, reference(faulty))

    @pytest.mark.parametrize("status", [200, 307, 308])
    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", UPLOAD), ("PUT", UPLOAD), ("PATCH", UPLOAD), ("PUT", MANIFEST)],
    )
    def test_only_an_answer_that_says_so_means_stored(
        self,
        store: RegistryStore,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        method: str,
        path: str,
        status: int,
    ) -> None:
        faulty.only_chunks = method == "PATCH"
        location = {"Location": f"http://{faulty.host}/elsewhere/"}
        faulty.faults = [Fault(method=method, path=path, status=status, headers=location)]

        with pytest.raises(StoreError, match=f"answers {status}"):
            store.write(oci_image, reference(faulty))

        assert not faulty.manifests

    def test_a_manifest_kept_under_another_digest_is_noticed(
        self, store: RegistryStore, faulty: FaultyRegistry, oci_image: OciImage
    ) -> None:
        other = {"Docker-Content-Digest": f"sha256:{'0' * 64}"}
        faulty.faults = [Fault(method="PUT", path=MANIFEST, status=201, headers=other)]

        with pytest.raises(StoreError, match="0000"):
            store.write(oci_image, reference(faulty))


class TestReading:
    """What is downloaded is what the digests name, or an error."""

    @pytest.fixture(autouse=True)
    def filled(self, store: RegistryStore, faulty: FaultyRegistry, tmp_path: Path) -> OciImage:
        image = big_image(tmp_path, 3 << 20)
        store.write(image, reference(faulty))
        return image

    def layer(self, image: OciImage) -> str:
        return image.layers[0].digest

    def test_a_changed_layer_is_refused(
        self, store: RegistryStore, faulty: FaultyRegistry, filled: OciImage
    ) -> None:
        faulty.faults = [Fault(method="GET", path=self.layer(filled), wrong_byte=True)]

        with pytest.raises(StoreError, match="with the digest"):
            layer_bytes(store.read(reference(faulty)))

    def test_a_changed_config_is_refused(
        self, store: RegistryStore, faulty: FaultyRegistry, filled: OciImage
    ) -> None:
        config = filled.config_descriptor.digest
        faulty.faults = [Fault(method="GET", path=config, wrong_byte=True)]

        with pytest.raises(StoreError, match="with the digest"):
            store.read(reference(faulty))

    @pytest.mark.parametrize("by_digest", [False, True])
    def test_a_changed_manifest_is_refused(
        self, store: RegistryStore, faulty: FaultyRegistry, filled: OciImage, by_digest: bool
    ) -> None:
        faulty.names_digests = not by_digest
        other = filled.manifest.replace(b'"size":', b'"size": ')
        for name in ("o/r:t", f"o/r:{filled.digest}"):
            faulty.manifests[name] = (filled.descriptor.media_type, other)
        named = reference(faulty).with_digest(filled.digest)

        with pytest.raises(StoreError, match="with the digest"):
            store.read(named)

    def test_a_download_that_breaks_goes_on_where_it_broke(
        self, store: RegistryStore, faulty: FaultyRegistry, filled: OciImage
    ) -> None:
        faulty.faults = [Fault(method="GET", path=self.layer(filled), body_limit=1 << 20)]

        assert same_content(store.read(reference(faulty)), filled)

    def test_a_download_that_always_breaks_is_given_up(
        self, store: RegistryStore, faulty: FaultyRegistry, filled: OciImage
    ) -> None:
        faulty.faults = [Fault(method="GET", path=self.layer(filled), body_limit=9, times=99)]

        with pytest.raises(StoreError, match="broke a download off"):
            layer_bytes(store.read(reference(faulty)))

    def test_an_endless_manifest_is_refused(
        self, store: RegistryStore, faulty: FaultyRegistry, filled: OciImage
    ) -> None:
        faulty.manifests["o/r:t"] = (filled.descriptor.media_type, b" " * (5 << 20))

        with pytest.raises(Exception, match="more than 4194304 bytes"):
            store.read(reference(faulty))


class TestAbsence:
    """A registry that is not there, or does not answer, is given up soon."""

    def patient(self, patience: Patience) -> RegistryStore:
        return RegistryStore(RegistryAccess(patience=patience))

    def test_nothing_listens(self, store: RegistryStore, waits: Waits) -> None:
        named = Reference.parse("docker://127.0.0.1:1/o/r:t")

        with pytest.raises(StoreError, match="refused"):
            store.read(named)

        assert waits.pauses == []

    def test_a_name_that_does_not_exist(self, store: RegistryStore, waits: Waits) -> None:
        with pytest.raises(StoreError, match=r"'registry\.invalid' cannot be reached"):
            store.read(Reference.parse("docker://registry.invalid/o/r:t"))

        assert waits.pauses == []

    def test_a_registry_that_hangs_at_first(self, faulty: FaultyRegistry) -> None:
        faulty.faults = [Fault(method="GET", path="^/v2/$", hang=2.0, times=9)]
        begun = time.monotonic()

        with pytest.raises(StoreError, match="did not answer within"):
            self.patient(Patience(contact=0.2)).read(reference(faulty))

        assert time.monotonic() - begun < 2.0

    def test_a_registry_that_hangs_later(self, faulty: FaultyRegistry, oci_image: OciImage) -> None:
        faulty.faults = [Fault(method="HEAD", path=MANIFEST, hang=2.0)]
        begun = time.monotonic()

        with pytest.raises(StoreError, match="did not answer in time"):
            self.patient(Patience(answer=0.2)).write(oci_image, reference(faulty))

        assert time.monotonic() - begun < 2.0

    @pytest.mark.parametrize(("headers", "body"), [(0.05, 0.0), (0.0, 0.05)])
    @pytest.mark.parametrize("status", [0, 307, 403])
    def test_an_answer_that_comes_byte_by_byte(
        self,
        faulty: FaultyRegistry,
        oci_image: OciImage,
        headers: float,
        body: float,
        status: int,
    ) -> None:
        RegistryStore(RegistryAccess()).write(oci_image, reference(faulty))
        faulty.faults = [
            Fault(
                method="GET",
                path=MANIFEST,
                status=status,
                headers={"Location": "/elsewhere/"},
                body=b" " * 200,
                drip_headers=headers,
                drip_body=body,
            )
        ]
        begun = time.monotonic()

        with pytest.raises(StoreError, match=r"did not answer in time|answers 403"):
            self.patient(Patience(answer=0.3)).read(reference(faulty))

        assert time.monotonic() - begun < 5.0

    def test_a_blob_may_come_slowly(self, faulty: FaultyRegistry, oci_image: OciImage) -> None:
        RegistryStore(RegistryAccess()).write(oci_image, reference(faulty))
        config = oci_image.config_descriptor
        pause = 1.0 / config.size
        faulty.faults = [Fault(method="GET", path=config.digest, drip_body=pause)]

        image = self.patient(Patience(transfer=0.5)).read(reference(faulty))

        assert image.config == oci_image.config
        assert len(faulty.asked("GET", config.digest)) == 1

    def test_a_registry_that_is_none(self, store: RegistryStore, faulty: FaultyRegistry) -> None:
        faulty.faults = [Fault(method="GET", path="^/v2/$", status=404, times=9)]

        with pytest.raises(StoreError, match="answers 404"):
            store.read(reference(faulty))

    def test_the_bounds_keep_the_promise_of_ten_seconds(self) -> None:
        patience = Patience()

        assert max(patience.contact, patience.answer, patience.retry) < 10
