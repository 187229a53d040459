"""Private images: pulled with what signs in, and refused without."""

from dataclasses import replace

import pytest
from tests.services.docker_engine import DockerEngine
from tests.services.registry import Registry

from tcv_action.container import ContainerOptions, running_container
from tcv_action.container.engine import Engine
from tcv_action.errors import StoreError
from tcv_action.stores.access import Credentials

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture
def private_image(
    docker_engine: DockerEngine, registry_with_login: Registry, base_image: str
) -> str:
    """Give the name of an image that is only in a registry behind a sign-in."""
    registry = registry_with_login
    name = f"{registry.name('private/base')}:1"
    password = registry.password.encode()
    sign_in = ["login", "--username", registry.username, "--password-stdin", registry.host]
    docker_engine.docker(*sign_in, stdin=password)
    docker_engine.docker("tag", base_image, name)
    docker_engine.docker("push", name)
    docker_engine.docker("rmi", name)
    docker_engine.docker("logout", registry.host)
    return name


def test_a_private_image_is_pulled_with_the_credentials(
    engine: Engine, options: ContainerOptions, private_image: str, registry_with_login: Registry
) -> None:
    credentials = Credentials(
        username=registry_with_login.username, password=registry_with_login.password
    )
    with running_container(
        engine, replace(options, image=private_image, credentials=credentials)
    ) as place:
        assert str(place) == f"python3 in {private_image}"


def test_a_private_image_without_credentials_is_refused(
    docker_engine: DockerEngine, engine: Engine, options: ContainerOptions, private_image: str
) -> None:
    docker_engine.docker("rmi", "--force", private_image)
    with (
        pytest.raises(StoreError, match=f"could not find the image '{private_image}'"),
        running_container(engine, replace(options, image=private_image)),
    ):
        pass
