"""What users may import from the top: a name that goes, or comes, is a decision."""

import ast
import subprocess
import sys
from pathlib import Path

import necrozma_core


def test_public_names_are_these() -> None:
    assert sorted(necrozma_core.__all__) == [
        "Account", "Costs", "Limits", "NecrozmaError", "Observer", "Priority", "RunOutcome", "RunView", "Silent",
        "StrategySource", "SweepRequest", "WorkerLimits", "__version__", "import_files", "run_sweep", "write_samples",
    ]  # fmt: skip


def test_public_names_are_there_and_come_from_where_the_type_checker_sees_them() -> None:
    tree = ast.parse(Path(necrozma_core.__file__).read_text())
    seen = {
        alias.name: f"{node.module}".removeprefix("necrozma_core.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("necrozma_core.")
        for alias in node.names
        if alias.name != "__version__"
    }
    assert seen == necrozma_core._HOMES
    assert all(getattr(necrozma_core, name).__module__ == f"necrozma_core.{home}" for name, home in seen.items())


def test_import_of_the_face_loads_nothing_of_weight() -> None:
    script = "import sys, necrozma_core; print(sorted({'numba', 'numpy', 'pandas', 'pyarrow'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
