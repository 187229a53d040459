"""The `dummy_key` of the image contract: a stand-in for Triton's key, without the source."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tcv_action.triton.cache import Entry
from tcv_action.triton.environment import Environment
from tcv_action.triton.metadata import KernelOptions

UNKNOWN_TRITON_KEY = "unknown-triton-key"
_SOURCE = hashlib.sha256(b"dummy_source_content").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DummyKeys:
    """The parts of a dummy key that all entries of a run share.

    The key is the SHA-256, in hex, of `A-B-C-D-E`. A is Triton's own key (its whole text), B the
    digest of a fixed text, C of the target, D of the options, E of the environment variables that
    are set. Source: the original Go tool, which starts Python for each entry to compute them.
    """

    triton_key: str
    variables_digest: str

    @classmethod
    def of_environment(cls, environment: Environment | None) -> Self:
        """Take A and E from where the kernels were compiled; None where that is not known."""
        if environment is None:
            return cls(triton_key=UNKNOWN_TRITON_KEY, variables_digest=_digest({}))
        variables = {
            name: value for name, value in environment.variables.items() if value is not None
        }
        return cls(
            triton_key=environment.triton_key_text or UNKNOWN_TRITON_KEY,
            variables_digest=_digest(variables),
        )

    def of_entry(self, entry: Entry) -> str:
        """Compute one entry's key."""
        target = f"{entry.target.backend}-{entry.target.arch}-{entry.target.warp_size}"
        return self._key(target, entry.options)

    def of_record(self, record: Mapping[str, object]) -> str:
        """Compute the key of an entry that the `metadata` label or manifest.json describes."""
        target = f"{record.get('backend')}-{record.get('arch')}-{record.get('warp_size')}"
        return self._key(target, KernelOptions.of(record))

    def _key(self, target: str, options: KernelOptions) -> str:
        parts = (
            self.triton_key,
            _SOURCE,
            hashlib.sha256(target.encode()).hexdigest(),
            _digest(_options(options)),
            self.variables_digest,
        )
        # Many entries have the same one.
        return sys.intern(hashlib.sha256("-".join(parts).encode()).hexdigest())


def _options(options: KernelOptions) -> dict[str, object]:
    return {
        "debug": bool(options.debug),
        "num_stages": options.num_stages or 0,
        "num_warps": options.num_warps or 0,
        "ptx": options.ptx_version or 0,
    }


def _digest(value: Mapping[str, object]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
