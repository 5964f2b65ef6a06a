"""What differs between two runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RANKING_FILE, read_ranking
from necrozma_core.storage.runs.manifest import Manifest


@dataclass(frozen=True, slots=True)
class RankChange:
    """A strategy on a pair that two runs ranked, or only one of them (then the other's values are None)."""

    pair: str
    timeframe: str
    strategy: str
    rank_before: int | None
    rank_after: int | None
    net_profit_before: float | None
    net_profit_after: float | None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What differs between two runs; mappings give (before, after), None where there is no such thing.

    Attributes
    ----------
    settings, inputs, versions : mapping
        Only what differs.
    keys : mapping
        Pairs whose entry differs. The same key means the same results.
    ranking : tuple of RankChange
        Only what differs in rank or profit, by the later rank; empty where a run has no ranking.
    """

    settings: Mapping[str, tuple[Any, Any]]
    inputs: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    keys: Mapping[str, tuple[str | None, str | None]]
    ranking: tuple[RankChange, ...]


def diff_runs(results: Path, before: Manifest, after: Manifest) -> RunDiff:
    """Compare two runs: what was asked, what it was computed from, which entries and ranks differ.

    Raises
    ------
    DamagedError
        A ranking is not what was published.
    StorageError
        A ranking cannot be read.
    """
    return RunDiff(
        settings=_differing(before.settings, after.settings),
        inputs=_differing(before.inputs, after.inputs),
        versions=_differing(before.versions, after.versions),
        keys=_differing(before.keys, after.keys),
        ranking=_rank_changes(_ranking_of(results, before), _ranking_of(results, after)),
    )


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = sorted(before.keys() | after.keys())
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _ranking_of(results: Path, manifest: Manifest) -> pa.Table | None:
    if RANKING_FILE not in manifest.files:
        return None
    return read_ranking(ResultsFolder(results).run(manifest.run_id), manifest)


def _rank_changes(before: pa.Table | None, after: pa.Table | None) -> tuple[RankChange, ...]:
    if before is None or after is None:
        return ()
    old, new = _by_setting(before), _by_setting(after)
    changes = []
    for setting in old.keys() | new.keys():
        was, now = old.get(setting, (None, None)), new.get(setting, (None, None))
        if was != now:
            pair, timeframe, strategy, *_ = setting
            changes.append(RankChange(pair, timeframe, strategy, was[0], now[0], was[1], now[1]))
    last = after.num_rows + 1
    return tuple(sorted(changes, key=lambda change: (change.rank_after or last, change.rank_before or 0)))


def _by_setting(ranking: pa.Table) -> dict[tuple[Any, ...], tuple[int | None, float | None]]:
    setting = ("pair", "timeframe", "strategy", "params", "stop_loss_pips", "take_profit_pips")
    columns = [ranking.column(name).to_pylist() for name in (*setting, "rank", "net_profit")]
    return {values[:-2]: values[-2:] for values in zip(*columns, strict=True)}
