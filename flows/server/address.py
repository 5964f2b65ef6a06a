"""The Prefect server that the user's own settings name."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def configured_api_url(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str | None:
    """Find the server that the user told Prefect to use, as far as that can be told without importing Prefect.

    Looks where Prefect looks: PREFECT_API_URL, ``prefect.toml`` and ``pyproject.toml`` of the working folder, the
    active profile.

    Returns
    -------
    str or None
        The API's address; None where ours is to be used.
    """
    environment = os.environ if environment is None else environment
    folder = Path.cwd() if folder is None else folder
    if url := environment.get("PREFECT_API_URL"):
        return url
    project = _toml(folder / "pyproject.toml").get("tool", {}).get("prefect", {})
    for settings in (_toml(folder / "prefect.toml"), project):
        if url := settings.get("api", {}).get("url"):
            return str(url)
    home = Path(environment.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = _toml(Path(environment.get("PREFECT_PROFILES_PATH", home / "profiles.toml")).expanduser())
    active = environment.get("PREFECT_PROFILE") or profiles.get("active")
    url = profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL")
    return str(url) if url else None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
