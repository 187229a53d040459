"""Image configs: labels, platform and the digests of the unpacked layers.

Source: OCI image specification 1.1, config.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tcv_action.oci import document

_KIND = "config"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What a config says. `diff_ids` are digests of plain tars, bottom first; `created` RFC 3339."""

    architecture: str
    os: str = "linux"
    labels: Mapping[str, str] = field(default_factory=dict)
    diff_ids: tuple[str, ...] = ()
    created: str = EPOCH


def build_config(config: ImageConfig, *, created_by: Sequence[str] = ()) -> bytes:
    """Return the exact bytes of a config; `created_by` has a text for each layer's history."""
    history = [{"created": config.created, "created_by": text} for text in created_by]
    return document.dump(
        {
            "created": config.created,
            "architecture": config.architecture,
            "os": config.os,
            "config": {"Labels": dict(sorted(config.labels.items()))},
            "rootfs": {"type": "layers", "diff_ids": list(config.diff_ids)},
            "history": history,
        }
    )


def parse_config(data: bytes) -> ImageConfig:
    """Read a config; fields that are missing are empty.

    Raises InputError where it is no JSON object, or its labels are no strings.
    """
    content = document.load(data, _KIND)
    inner = document.parse_object(content.get("config"), _KIND, "config")
    rootfs = document.parse_object(content.get("rootfs"), _KIND, "rootfs")
    diff_ids = document.parse_list(rootfs.get("diff_ids"), _KIND, "diff_ids")
    return ImageConfig(
        architecture=_text(content.get("architecture")),
        os=_text(content.get("os")),
        labels=document.parse_strings(inner.get("Labels"), _KIND, "Labels"),
        diff_ids=tuple(_text(diff_id) for diff_id in diff_ids),
        created=_text(content.get("created")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
