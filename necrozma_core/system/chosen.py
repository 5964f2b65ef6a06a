"""The one choice between the implementations, made when a process starts."""

import os
import sys
from typing import Final

from necrozma_core.system.portable import PortableSystem

PORTABLE_VARIABLE: Final = "NECROZMA_PORTABLE"
"""Set by tests, and inherited by all processes of a run: Linux then goes the way that Windows goes."""


def _choose() -> PortableSystem:
    if sys.platform != "win32" and not os.environ.get(PORTABLE_VARIABLE):
        # Imported here, because the module cannot be read without the calls that only POSIX has.
        from necrozma_core.system.posix import PosixSystem  # noqa: PLC0415

        return PosixSystem()
    return PortableSystem()


SYSTEM: Final = _choose()
"""What every caller uses."""
