"""The names that the image contract fixes: paths in the layer, keys of labels."""

from dataclasses import dataclass

from tcv_action.frameworks.detect import Kind

CACHE_FOLDER = "io.triton.cache"
MANIFEST_FOLDER = "io.triton.manifest"
MANIFEST_FILE = f"{MANIFEST_FOLDER}/manifest.json"

PREFIX = "cache.triton.image/"
SUMMARY = f"{PREFIX}summary"
ENTRY_COUNT = f"{PREFIX}entry-count"
CACHE_SIZE = f"{PREFIX}cache-size-bytes"
VARIANT = f"{PREFIX}variant"
METADATA = f"{PREFIX}metadata"
TRITON_VERSION = f"{PREFIX}triton-version"
TRITON_KEY = f"{PREFIX}triton-key"
PYTHON_ABI = f"{PREFIX}python-abi"
HOST_ARCH = f"{PREFIX}host-arch"
PATH_STYLE = f"{PREFIX}path-style"
CONTENTS = f"{PREFIX}contents"
ENVIRONMENT = f"{PREFIX}environment"
TITLE = "org.opencontainers.image.title"
REVISION = "org.opencontainers.image.revision"

# Of frameworks' caches only.
FORMAT = f"{PREFIX}format"
PARTS = f"{PREFIX}parts"
ORIGIN = f"{PREFIX}origin"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one kind of cache: those above for Triton, and alike for the frameworks."""

    kind: Kind

    @property
    def cache_folder(self) -> str:
        """The folder of the cache in the layer."""
        return f"io.{self.kind}.cache"

    @property
    def manifest_file(self) -> str:
        """The path of manifest.json in the layer."""
        return f"io.{self.kind}.manifest/manifest.json"

    def label(self, name: str) -> str:
        """The key that one of Triton's labels has for this kind."""
        return f"cache.{self.kind}.image/{name.removeprefix(PREFIX)}"
