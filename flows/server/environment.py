"""What every server of ours is told, and whether one answers."""

import http.client
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"

QUIET: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
}
"""No telemetry, of the server's or of the client's."""


def server_environment(home: Path, port: int) -> dict[str, str]:
    """Return the settings that every server of ours has, as environment variables."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_HOST": HOST,
        # The UI asks the server where the API is, and is told 4200 without this.
        "PREFECT_SERVER_API_PORT": str(port),
        # Any page that the user visits can reach loopback; with these it cannot change anything there.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port}",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        # The newer UI calls a tracker on the internet.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }


def is_healthy(port: int) -> bool:
    """Tell whether a server answers on a port of this machine."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
