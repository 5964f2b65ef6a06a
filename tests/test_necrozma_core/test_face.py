"""What users may import from the top: a name that goes, or comes, is a decision."""

import ast
import importlib
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import necrozma_core

PUBLIC = {
    "": [
        "Account",
        "BUY",
        "CLOSE",
        "CLOSE_LONG",
        "CLOSE_SHORT",
        "Costs",
        "Limits",
        "NecrozmaError",
        "Observer",
        "Priority",
        "RunOutcome",
        "RunView",
        "SELL",
        "Silent",
        "StrategySource",
        "SweepRequest",
        "WorkerLimits",
        "import_files",
        "run_sweep",
        "write_samples",
    ],
    "backtest": ["PairRequest", "Receipt", "evaluate_pair", "with_key"],
    "engine": ["BUY", "CLOSE", "CLOSE_LONG", "CLOSE_SHORT", "ExitReason", "Instruction", "SELL", "Trades", "simulate"],
    "feeds": [
        "BarImportReport",
        "ImportReport",
        "ReadOptions",
        "import_bars",
        "import_files",
        "sort_files",
        "write_samples",
    ],
    "market": ["Bars", "Pair", "Terms", "Ticks", "bars_from_ticks", "format_timeframe", "get_pair", "parse_timeframe"],
    "metrics": ["Metrics"],
    "money": ["Account", "CommissionTerms", "Costs", "Margin", "Size", "SwapTable"],
    "reporting": ["rank_metrics", "render_report"],
    "statistics": [
        "BlockSums",
        "Findings",
        "Moments",
        "Trials",
        "Verdict",
        "judge",
        "overfitting_of",
        "spa_test",
        "step_m",
    ],
    "storage": ["BarStore", "ResultStore", "ResultsFolder", "TickStore"],
    "strategies": ["FAMILIES", "Rule", "Strategy", "StrategySource", "default_strategies"],
    "sweep": ["Observer", "RunOutcome", "RunView", "Silent", "SweepRequest", "open_session", "run_sweep"],
    "throttle": ["Limits", "Priority", "Throttle"],
    "workers": ["WorkerLimits", "WorkerPool"],
}


@pytest.mark.parametrize("room", PUBLIC)
def test_public_names_of_a_room_are_these_and_are_there(room: str) -> None:
    module = import_module(f"necrozma_core.{room}".rstrip("."))
    assert module.__all__ == PUBLIC[room]
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        module.nothing  # noqa: B018 -- asked for


def test_every_room_has_a_face_or_nothing_for_users() -> None:
    folder = Path(necrozma_core.__file__).parent
    assert {path.parent.name for path in folder.glob("*/__init__.py")} - PUBLIC.keys() == {"kernels", "system"}


def test_public_names_are_there_and_come_from_where_the_type_checker_sees_them() -> None:
    tree = ast.parse(Path(necrozma_core.__file__).read_text())
    seen = {
        alias.name: f"{node.module}".removeprefix("necrozma_core.")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == necrozma_core._HOMES
    for name, home in seen.items():
        # A number has no module to ask.
        assert getattr(necrozma_core, name) is getattr(importlib.import_module(f"necrozma_core.{home}"), name)


def test_import_of_the_face_loads_nothing_of_weight() -> None:
    rooms = ", ".join(f"necrozma_core.{room}" for room in PUBLIC if room)
    script = f"import sys, {rooms}; print(sorted({{'numba', 'numpy', 'pandas', 'pyarrow'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
