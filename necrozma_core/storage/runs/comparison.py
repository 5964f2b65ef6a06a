"""What differs between two runs: what was asked, what it was computed from, and what came out, pair by pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from necrozma_core.storage.results.store import METRICS_FILE, TRADES_FILE, ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RANKING_FILE, read_ranking
from necrozma_core.storage.runs.manifest import Manifest, PairState

_SETTING: Final = ("strategy", "params", "stop_loss_pips", "take_profit_pips")


@dataclass(frozen=True, slots=True)
class RankChange:
    """A strategy on a pair that two runs ranked; ranks are those among what both of them ranked."""

    pair: str
    timeframe: str
    strategy: str
    rank_before: int
    rank_after: int
    net_profit_before: float | None
    net_profit_after: float | None


class PairChange(StrEnum):
    """What can be said of a pair of which at least one of two runs knows."""

    SAME = "the same result"
    SAME_FIGURES = "the same figures, other stored trades"
    OTHER_FIGURES = "other figures"
    ONLY_BEFORE = "in the first run alone"
    ONLY_AFTER = "in the second run alone"
    NONE_BEFORE = "no result in the first run"
    NONE_AFTER = "no result in the second run"
    NONE = "no result in either run"
    REMOVED = "not stored any more, so not compared"


@dataclass(frozen=True, slots=True)
class PairDiff:
    """How a pair's results in two runs compare.

    Attributes
    ----------
    change : PairChange
    strategies : int
        Strategies that both results have.
    differing : int
        Those of them whose figures differ.
    only_before, only_after : int
        Strategies that one result has alone.
    trades_before, trades_after : int
        Trades whose rows are stored; 0 where that was not looked at.
    """

    change: PairChange
    strategies: int = 0
    differing: int = 0
    only_before: int = 0
    only_after: int = 0
    trades_before: int = 0
    trades_after: int = 0


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What differs between two runs; mappings give (before, after), None where there is no such thing.

    Attributes
    ----------
    settings, inputs, versions : mapping
        Only what differs.
    pairs : mapping of str to PairDiff
        Every pair of either run.
    ranked : int
        Strategies on pairs that both runs ranked: a pair or a strategy that one run lacks would move every rank below.
    ranking : tuple of RankChange
        Those of them that differ in rank or profit, by the later rank.
    """

    settings: Mapping[str, tuple[Any, Any]]
    inputs: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    pairs: Mapping[str, PairDiff]
    ranked: int
    ranking: tuple[RankChange, ...]


def diff_runs(results: Path, before: Manifest, after: Manifest) -> RunDiff:
    """Compare two runs: what was asked, what it was computed from, which figures and ranks differ.

    Raises
    ------
    DamagedError
        A ranking or a result is not what was published.
    StorageError
        One of them cannot be read.
    """
    store = ResultsFolder(results).store
    old, new = (_profits(results, run) for run in (before, after))
    common = old.keys() & new.keys()
    return RunDiff(
        settings=_differing(before.settings, after.settings),
        inputs=_differing(before.inputs, after.inputs),
        versions=_differing(before.versions, after.versions),
        pairs={
            pair: _diff_pair(store, pair, before, after) for pair in sorted(before.pairs.keys() | after.pairs.keys())
        },
        ranked=len(common),
        ranking=_rank_changes(
            *({setting: each[setting] for setting in each if setting in common} for each in (old, new))
        ),
    )


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = sorted(before.keys() | after.keys())
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _diff_pair(store: ResultStore, pair: str, before: Manifest, after: Manifest) -> PairDiff:
    if pair not in after.pairs:
        return PairDiff(PairChange.ONLY_BEFORE)
    if pair not in before.pairs:
        return PairDiff(PairChange.ONLY_AFTER)
    # A pair has its key from the start of a run; only its state says that there is a result.
    had, has = (pair in run.pairs_in(PairState.COMPUTED, PairState.REUSED) for run in (before, after))
    if not (had and has):
        return PairDiff(PairChange.NONE_BEFORE if has else PairChange.NONE_AFTER if had else PairChange.NONE)
    old, new = before.pairs[pair].key, after.pairs[pair].key
    if old == new:
        return PairDiff(PairChange.SAME)
    if not (store.has(pair, old) and store.has(pair, new)):
        return PairDiff(PairChange.REMOVED)
    return _diff_results(store, pair, old, new)


def _diff_results(store: ResultStore, pair: str, old: str, new: str) -> PairDiff:
    """Compare two entries of different keys; files of the same hash are not read."""
    was, now = (store.commit_of(pair, key)["files"] for key in (old, new))
    trades = was[TRADES_FILE]["rows"], now[TRADES_FILE]["rows"]
    figures = (0, 0, 0, 0)
    if was[METRICS_FILE]["sha256"] != now[METRICS_FILE]["sha256"]:
        figures = _diff_figures(store.read_metrics(pair, old), store.read_metrics(pair, new))
    if any(figures[1:]):
        return PairDiff(PairChange.OTHER_FIGURES, *figures, *trades)
    same_trades = was[TRADES_FILE]["sha256"] == now[TRADES_FILE]["sha256"]
    return PairDiff(PairChange.SAME if same_trades else PairChange.SAME_FIGURES, *figures, *trades)


def _diff_figures(before: pa.Table, after: pa.Table) -> tuple[int, int, int, int]:
    """Count the common strategies, those of other figures, and those of one table alone."""
    columns = [name for name in before.column_names if name in after.column_names]
    old, new = (
        {tuple(row[name] for name in _SETTING): row for row in table.select(columns).to_pylist()}
        for table in (before, after)
    )
    common = old.keys() & new.keys()
    differing = sum(old[setting] != new[setting] for setting in common)
    return len(common), differing, len(old) - len(common), len(new) - len(common)


def _profits(results: Path, run: Manifest) -> dict[tuple[Any, ...], float | None]:
    """Return the profit of each setting that a run ranked, the best first."""
    if RANKING_FILE not in run.files:
        return {}
    ranking = read_ranking(ResultsFolder(results).run(run.run_id), run)
    columns = [ranking.column(name).to_pylist() for name in ("rank", "net_profit", "pair", "timeframe", *_SETTING)]
    rows = sorted(zip(*columns, strict=True), key=lambda row: row[0])
    return {tuple(setting): net_profit for _, net_profit, *setting in rows}


def _rank_changes(
    before: Mapping[tuple[Any, ...], float | None], after: Mapping[tuple[Any, ...], float | None]
) -> tuple[RankChange, ...]:
    ranks = {setting: rank for rank, setting in enumerate(before, 1)}
    changes = []
    for rank, (setting, profit) in enumerate(after.items(), 1):
        if (ranks[setting], before[setting]) != (rank, profit):
            pair, timeframe, strategy, *_ = setting
            changes.append(RankChange(pair, timeframe, strategy, ranks[setting], rank, before[setting], profit))
    return tuple(changes)
