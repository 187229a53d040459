"""`tcv.yml` and the jobs that are made of it."""

from tcv_action.plan.file import Leg, read_legs
from tcv_action.plan.matrix import chosen, from_targets, matrix, settings, with_image

__all__ = ["Leg", "chosen", "from_targets", "matrix", "read_legs", "settings", "with_image"]
