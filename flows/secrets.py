"""What the environment holds of secrets, kept out of everything that is shown."""

import os
from typing import Final

from config import PREFIX
from necrozma_core.printing import keep_secret

_VARIABLES: Final = (
    f"{PREFIX}NOTIFY_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING",
)  # fmt: skip


def keep_secrets() -> None:
    """Hide the values of secret variables from every message, whether or not they can be used."""
    for name in _VARIABLES:
        value = os.environ.get(name, "")
        keep_secret(value)
        keep_secret(value.strip())
