"""What the environment holds of secrets, kept out of everything that is shown."""

import os
from typing import Final

from necrozma_core.printing import keep_secret

# Not made of config.py's prefix: secrets are kept before a user's mistake in that file can be told.
_VARIABLES: Final = (
    "NECROZMA_NOTIFY_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING",
)  # fmt: skip


def keep_secrets() -> None:
    """Hide the values of secret variables from every message, whether or not they can be used."""
    for name in _VARIABLES:
        value = os.environ.get(name, "")
        keep_secret(value)
        keep_secret(value.strip())
