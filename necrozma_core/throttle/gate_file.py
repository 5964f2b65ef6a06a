"""The file of 64-bit fields that a gate and its workers share, mapped into memory.

The first field says what is allowed, the second since when not everything is; then each slot has a field that says
whether its worker is at work. A field is read and written whole, so nothing has to be locked: a worker that is killed
leaves nothing behind but its own, which its successor takes.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ALLOWED: Final = 0
"""The field that all workers look at: `OPEN`, `CLOSED`, `REST`, or `REST` and thousandths of a worker."""
SINCE: Final = 1
"""The field that says when the first left `OPEN`, in nanoseconds of the monotonic clock."""

OPEN: Final = 0
CLOSED: Final = -1
REST: Final = 1

# The fields that all read and nobody writes much have a cache line of their own.
_FIRST_SLOT: Final = 8
_FIELD_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class GateFile:
    """A mapped file and where its fields are.

    Attributes
    ----------
    fields : memoryview of int64
    slots : int
    """

    fields: "memoryview[int]"
    slots: int

    @classmethod
    def create(cls, path: Path, slots: int) -> "GateFile":
        """Make the file, everything open, and map it.

        Raises
        ------
        OSError
            If that cannot be done.
        """
        path.write_bytes(bytes(_FIELD_BYTES * (_FIRST_SLOT + slots)))
        return cls.attach(path)

    @classmethod
    def attach(cls, path: Path) -> "GateFile":
        """Map an existing file.

        Raises
        ------
        OSError
            If that cannot be done.
        """
        with path.open("r+b") as file:
            fields = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        return cls(fields, len(fields) - _FIRST_SLOT)

    def busy_field(self, slot: int) -> int:
        """Return the place of the field that holds a slot's worker's process id while it is at work, else 0."""
        return _FIRST_SLOT + slot

    @property
    def busy_fields(self) -> slice:
        """The places of all slots' process ids."""
        return slice(self.busy_field(0), self.busy_field(self.slots))
