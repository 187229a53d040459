"""The machine that an image is compared with."""

from dataclasses import dataclass

from tcv_action.gpus.gpu import Inventory
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the image would be used: its GPUs, and the interpreter that would load it.

    `environment` is None where there is none, and `why_unknown` says why, in one sentence.
    `dummy_keys`, where given, are compared with what the image records of its entries.
    """

    inventory: Inventory
    environment: Environment | None = None
    why_unknown: str = "no interpreter was asked"
    dummy_keys: DummyKeys | None = None
