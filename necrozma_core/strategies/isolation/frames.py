"""Messages between the processes of a user's file: a small JSON object, and bytes where there are any."""

import json
import socket
import struct
from typing import Any, Final

_MARK: Final = b"NZ1\0"
_HEAD: Final = struct.Struct("<4sIQ")
_LARGEST: Final = 2**31


class GarbledError(Exception):
    """What came is no message of ours."""


class Frames:
    """Messages over one end of a socket pair.

    Parameters
    ----------
    end : socket
        With a timeout where the other side may stop in the middle of a message.
    """

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def fileno(self) -> int:
        """Return the descriptor, for those that wait for several."""
        return self.end.fileno()

    def send(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """Send a message; OSError if the other end is gone."""
        text = json.dumps(message).encode()
        self.end.sendall(_HEAD.pack(_MARK, len(text), len(payload)) + text + payload)

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """Wait for a whole message and return it; None if the other end is closed.

        Raises
        ------
        GarbledError
            Something else was written into the socket.
        """
        try:
            head = self._read(_HEAD.size)
            if head is None:
                return None
            mark, text_bytes, payload_bytes = _HEAD.unpack(head)
            if mark != _MARK or text_bytes + payload_bytes > _LARGEST:
                raise GarbledError
            text, payload = self._read(text_bytes), self._read(payload_bytes)
        except ConnectionError:
            return None
        except TimeoutError as error:
            raise GarbledError from error
        if text is None or payload is None:
            return None
        try:
            message = json.loads(text)
        except ValueError as error:
            raise GarbledError from error
        if not isinstance(message, dict):
            raise GarbledError
        return message, payload

    def close(self) -> None:
        """Close this end."""
        self.end.close()

    def _read(self, count: int) -> bytes | None:
        buffer = bytearray()
        while len(buffer) < count:
            piece = self.end.recv(min(count - len(buffer), 1 << 20))
            if not piece:
                return None
            buffer += piece
        return bytes(buffer)
