"""Restoring: an image's cache comes into a folder, whole entries only, nothing there damaged."""

from tcv_action.restore.restore import Restored, restore
from tcv_action.restore.unpack import Limits

__all__ = ["Limits", "Restored", "restore"]
