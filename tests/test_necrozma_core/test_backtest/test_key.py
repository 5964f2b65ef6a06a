"""The key of a result: everything that the result depends on is in it, and nothing else."""

import ast
import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from necrozma_core.backtest import key
from necrozma_core.backtest.key import WITHOUT_INFLUENCE, engine_fingerprint

ROOT = Path(str(files("necrozma_core")))
DECODERS = ("kernels.deltas", "market.ticks", "market.timeframes", "storage.ticks.encoding", "storage.ticks.spans",
            "storage.ticks.store", "strategies.families.rsi")  # fmt: skip
OTHERS = ("reporting.page", "reporting.charts", "throttle.governor", "workers.pool", "feeds.intake", "sweep.publishing")


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package in which tests may change files."""
    root = tmp_path_factory.mktemp("copy") / "necrozma_core"
    return shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))


def changed_by_a_byte(root: Path, name: str) -> bool:
    path = root.joinpath(*name.split(".")).with_suffix(".py")
    content = path.read_bytes()
    path.write_bytes(content + b"#")
    try:
        return engine_fingerprint.__wrapped__(root) != engine_fingerprint()
    finally:
        path.write_bytes(content)


def module_names() -> list[str]:
    reached = key._import_closure(ROOT).keys() - WITHOUT_INFLUENCE
    return sorted(name.removeprefix("necrozma_core.") for name in reached)


def test_fingerprint_of_a_copy_is_that_of_the_original(copied):
    assert engine_fingerprint(copied) == engine_fingerprint()


@pytest.mark.parametrize("name", module_names())
def test_fingerprint_changes_with_a_byte_of_any_file_that_is_reached(copied, name):
    assert changed_by_a_byte(copied, name)


def test_fingerprint_reaches_what_decodes_ticks_and_every_family():
    assert set(DECODERS) <= set(module_names())
    families = {f"strategies.families.{path.stem}" for path in (ROOT / "strategies" / "families").glob("[a-z]*.py")}
    assert families <= set(module_names())


@pytest.mark.parametrize(
    "name", [*OTHERS, *(each.removeprefix("necrozma_core.") for each in sorted(WITHOUT_INFLUENCE))]
)
def test_fingerprint_stays_with_a_byte_of_a_file_that_results_do_not_depend_on(copied, name):
    assert not changed_by_a_byte(copied, name)


@pytest.mark.parametrize("library", ["numba", "numpy", "pyarrow"])
def test_fingerprint_changes_with_the_version_of_a_library(library, monkeypatch):
    true_version = key.version
    before = engine_fingerprint.__wrapped__()
    monkeypatch.setattr(key, "version", lambda name: "0.0" if name == library else true_version(name))
    assert engine_fingerprint.__wrapped__() != before


def test_fingerprint_covers_every_module_that_a_backtest_loads(tmp_path):
    # Told by Python itself: what is loaded once a pair was backtested, by one worker and in parts.
    script = """
import json, sys
from pathlib import Path
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.key import with_key
from necrozma_core.strategies.source import StrategySource
folder = Path(sys.argv[1])
write_samples(folder, 1, 5_000, 1)
request = with_key(PairRequest("EURUSD", 300_000, StrategySource(), folder, folder / "results"))
for name in [name for name in sys.modules if name.startswith("necrozma_core")]:
    del sys.modules[name]
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.backtest.parts import Part, evaluate_part, join_parts
evaluate_pair(request, lambda *_: None)
parts = [Part(0, 25, folder / "a"), Part(25, 50, folder / "b")]
join_parts(request, parts, [evaluate_part(request, part, lambda *_: None) for part in parts][0])
print(json.dumps([name for name in sys.modules if name.startswith("necrozma_core.")]))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    packages = {".".join(("necrozma_core", *path.parent.relative_to(ROOT).parts)) for path in ROOT.rglob("__init__.py")}
    packages |= {"necrozma_core.face", "necrozma_core.version"}  # what the packages themselves load
    assert set(json.loads(done.stdout)) - packages - key._import_closure(ROOT).keys() == set()


def test_modules_of_the_engine_import_from_modules_and_never_from_a_face():
    # A face hands names on at run time, so what stands behind it would not be seen.
    packages = {".".join(("necrozma_core", *path.parent.relative_to(ROOT).parts)) for path in ROOT.rglob("__init__.py")}
    modules = {
        ".".join(("necrozma_core", *path.relative_to(ROOT).with_suffix("").parts)) for path in ROOT.rglob("*.py")
    }
    for name, source in key._import_closure(ROOT).items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module in packages:
                found = {f"{node.module}.{alias.name}" for alias in node.names}
                assert found <= modules | packages, (name, found)
