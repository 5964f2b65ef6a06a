"""Prefect's HTTP API asked without Prefect, whose import takes longer than all of a run that computes nothing."""

import base64
import http.client
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from necrozma_core.errors import NecrozmaError

_TIMEOUT_S: Final = 2.0
"""A server on this machine answers in milliseconds; nobody waits for another one to be told what can be told later."""


class PlainApi:
    """Asks a Prefect server; call it with a path and a JSON body, as `flows.untold.Ask` says.

    Parameters
    ----------
    url : str
        Of the API, such as ``http://127.0.0.1:4200/api``.

    Raises
    ------
    NecrozmaError
        The server does not answer, or refuses.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._client = secrets.token_hex(16)
        self._headers = {"Content-Type": "application/json", **_credentials(os.environ)}
        status, answer = self._send("GET", f"/csrf-token?client={self._client}", None)
        if status == http.client.OK:
            self._headers |= {"Prefect-Csrf-Token": answer["token"], "Prefect-Csrf-Client": self._client}

    def __call__(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post a body to a path and return the answer; NecrozmaError where the server does not take it."""
        status, answer = self._send("POST", path, body)
        if not 200 <= status < 300:
            raise NecrozmaError(f"the Prefect server answered {status} to {path}")
        return answer

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, Any]:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(self._url.hostname or "", self._url.port, timeout=_TIMEOUT_S)
            try:
                content = None if body is None else json.dumps(body)
                connection.request(method, self._url.path.rstrip("/") + path, content, self._headers)
                response = connection.getresponse()
                text = response.read()
                return response.status, json.loads(text) if text.strip() else None
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NecrozmaError(f"the Prefect server does not answer: {type(error).__name__}: {error}") from error


def _credentials(environment: Mapping[str, str]) -> dict[str, str]:
    if password := environment.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"}
    if key := environment.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    return {}
