"""Thrift's compact protocol, as far as Parquet's footers and page headers need it.

Source: "Thrift Compact protocol encoding", Apache Thrift's specification.
"""

from typing import Any, Final

Struct = dict[int, Any]
"""Values by the number of their field: whole numbers, bytes, lists and structs."""


class CompactReader:
    """Reads one value after the other.

    Parameters
    ----------
    content : bytes
        Untrusted: whatever it claims, no more is read or allocated than is there.

    Attributes
    ----------
    at : int
        The byte behind what was read.
    """

    _DEPTH: Final = 16
    _STOP: Final = 0
    _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def struct(self, depth: int = 0) -> Struct:
        """Read a struct: its values by the number of the field.

        Raises
        ------
        ValueError, IndexError
            There is none.
        """
        if depth > self._DEPTH:
            raise ValueError("structs inside structs without end")
        found: Struct = {}
        field = 0
        while (head := self._byte()) != self._STOP:
            kind, delta = head & 15, head >> 4
            field = field + delta if delta else self._zigzag()
            # The type of a boolean field is its value.
            found[field] = int(kind == self._TRUE) if kind in (self._TRUE, self._FALSE) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (self._I16, self._I32, self._I64):
            return self._zigzag()
        if kind == self._STRUCT:
            return self.struct(depth + 1)
        if kind in (self._LIST, self._SET):
            head = self._byte()
            count = head >> 4
            return self._values(self._varint() if count == 15 else count, (head & 15,), depth)
        if kind == self._MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            return self._values(count, (kinds >> 4, kinds & 15), depth)
        if kind in (self._TRUE, self._FALSE, self._BYTE):
            return self._bytes(1)
        if kind in (self._DOUBLE, self._BINARY):
            return self._bytes(8 if kind == self._DOUBLE else self._varint())
        raise ValueError(f"no type of Thrift's has the number {kind}")

    def _values(self, count: int, kinds: tuple[int, ...], depth: int) -> list[Any]:
        if count > len(self._content) or depth > self._DEPTH:
            raise ValueError("more values than bytes")
        return [self._value(kind, depth + 1) for _ in range(count) for kind in kinds]

    def _byte(self) -> int:
        self.at += 1
        return self._content[self.at - 1]

    def _bytes(self, count: int) -> bytes:
        start, self.at = self.at, self.at + count
        if self.at > len(self._content):
            raise IndexError("a value beyond the end")
        return self._content[start : self.at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
