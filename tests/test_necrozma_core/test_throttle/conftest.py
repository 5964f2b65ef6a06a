"""A made-up machine on disk."""

from pathlib import Path

import pytest
from test_throttle.machine_folders import MachineFolders


@pytest.fixture
def machine(tmp_path: Path) -> MachineFolders:
    return MachineFolders(tmp_path)
