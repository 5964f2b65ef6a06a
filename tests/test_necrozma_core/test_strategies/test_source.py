"""Where strategies come from: a small value that means the same everywhere."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from necrozma_core.errors import UsageError
from necrozma_core.strategies.catalog import default_strategies
from necrozma_core.strategies.catalogs.extended import extended_strategies
from necrozma_core.strategies.source import SourceKind, StrategySource

FILE = """
import numpy as np
class Mine:
    name, params, stop_loss_pips, take_profit_pips = "mine", {}, None, None
    def signals(self, bars):
        return np.zeros(len(bars), np.int8)
def strategies():
    return [Mine()]
"""
GRID = "family=sma_cross fast=5,10,40 slow=20,30"
TOML = '[[grid]]\nfamily = "sma_cross"\nfast = [5, 10, 40]\nslow = "20:30:10"  # the same\n'


def sources(folder: Path) -> dict[SourceKind, StrategySource]:
    (folder / "mine.py").write_text(FILE)
    (folder / "sweep.toml").write_text(TOML)
    return {
        SourceKind.DEFAULT: StrategySource(),
        SourceKind.EXTENDED: StrategySource.from_catalog("extended"),
        SourceKind.FILE: StrategySource.from_file(folder / "mine.py"),
        SourceKind.SETTINGS: StrategySource.from_settings(folder / "sweep.toml"),
        SourceKind.GRID: StrategySource.from_grid(GRID),
    }


@pytest.mark.parametrize("kind", SourceKind)
def test_source_survives_the_way_to_a_worker_without_its_files(tmp_path: Path, kind: SourceKind) -> None:
    source = sources(tmp_path)[kind]
    names = [strategy.name for strategy in source.load()]
    fingerprint = source.fingerprint()
    for path in tmp_path.iterdir():
        path.unlink()
    arrived = pickle.loads(pickle.dumps(source))
    assert arrived == source
    assert arrived.kind is kind
    assert [strategy.name for strategy in arrived.load()] == names
    assert arrived.fingerprint() == fingerprint


def test_source_default_is_the_catalog() -> None:
    assert StrategySource().load() == default_strategies()
    assert StrategySource.from_catalog("default") == StrategySource()
    assert StrategySource.from_catalog("extended").load() == extended_strategies()
    with pytest.raises(UsageError, match="catalog: unknown value 'extendet': did you mean extended"):
        StrategySource.from_catalog("extendet")


def test_source_describes_itself(tmp_path: Path) -> None:
    found = sources(tmp_path)
    assert found[SourceKind.DEFAULT].describe() == "the default fifty strategies"
    assert found[SourceKind.EXTENDED].describe() == "the 223 strategies of the extended catalog"
    assert found[SourceKind.FILE].describe() == f"the strategies of {tmp_path / 'mine.py'}"
    assert found[SourceKind.SETTINGS].describe() == f"4 settings of {tmp_path / 'sweep.toml'} (2 impossible left out)"
    assert found[SourceKind.GRID].describe() == "4 settings of a grid (2 impossible left out)"
    assert StrategySource.from_grid("family=rsi period=7,14;family=rsi").describe() == (
        "2 settings of a grid (1 repeated left out)"
    )
    assert StrategySource.from_grid("family=rsi").describe() == "1 setting of a grid"


def test_fingerprint_is_that_of_what_runs(tmp_path: Path) -> None:
    found = sources(tmp_path)
    fingerprints = {kind: source.fingerprint() for kind, source in found.items()}
    assert all(len(value) == 64 for value in fingerprints.values())
    # The same settings, spelled otherwise and elsewhere.
    assert fingerprints[SourceKind.SETTINGS] == fingerprints[SourceKind.GRID]
    assert len(set(fingerprints.values())) == 4
    assert (
        StrategySource.from_grid("slow=20,30 family=sma_cross fast=5,10").fingerprint() == fingerprints[SourceKind.GRID]
    )
    assert StrategySource.from_grid(GRID + ",40").fingerprint() != fingerprints[SourceKind.GRID]
    assert StrategySource.from_grid(GRID + " stop_loss_pips=20").fingerprint() != fingerprints[SourceKind.GRID]
    # The same file elsewhere, and a changed one.
    (tmp_path / "other.py").write_text(FILE)
    assert StrategySource.from_file(tmp_path / "other.py").fingerprint() == fingerprints[SourceKind.FILE]
    (tmp_path / "other.py").write_text(FILE + "#")
    assert StrategySource.from_file(tmp_path / "other.py").fingerprint() != fingerprints[SourceKind.FILE]


def test_source_is_made_and_named_without_loading_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE)
    script = (
        "import sys; from pathlib import Path; from necrozma_core.strategies.source import StrategySource as S;"
        f"S().fingerprint(); S.from_file(Path({str(tmp_path / 'mine.py')!r})).fingerprint();"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_source_user_s_file_is_run_anew_for_every_pair(tmp_path: Path) -> None:
    source = sources(tmp_path)[SourceKind.FILE]
    first, second = source.load()[0], source.load()[0]
    assert first.compute.__self__ is not second.compute.__self__  # type: ignore[attr-defined]


def test_source_wrong_text_is_refused_when_it_is_loaded_and_missing_files_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown family"):
        StrategySource.from_grid("family=nothing").load()
    with pytest.raises(UsageError, match="no such file; expected a"):
        StrategySource.from_file(tmp_path / "missing.py")
    with pytest.raises(UsageError, match="no such file; expected a"):
        StrategySource.from_settings(tmp_path / "missing.toml")
