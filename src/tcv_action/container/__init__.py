"""Running a script in a sibling container: the image that will run in production compiles."""

from tcv_action.container.place import ContainerPlace
from tcv_action.container.session import ContainerOptions, running_container

__all__ = ["ContainerOptions", "ContainerPlace", "running_container"]
