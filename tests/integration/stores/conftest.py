"""What the tests of stores share: registries that break, and images to move about."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.images import sample_image
from tests.integration.stores.faulty_registry import FaultyRegistry, faulty_registry

from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import MediaTypes


@pytest.fixture
def faulty() -> Iterator[FaultyRegistry]:
    with faulty_registry() as registry:
        yield registry


@pytest.fixture
def elsewhere() -> Iterator[FaultyRegistry]:
    """Another host."""
    with faulty_registry() as registry:
        yield registry


@pytest.fixture(params=list(MediaTypes))
def image(request: pytest.FixtureRequest, tmp_path: Path) -> OciImage:
    """An image of each row of media types."""
    return sample_image(tmp_path / "source", request.param)


@pytest.fixture
def oci_image(tmp_path: Path) -> OciImage:
    return sample_image(tmp_path / "source")
