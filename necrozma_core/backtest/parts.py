"""One pair by several workers, some of its settings each; the result has the bytes that one worker would give it.

Used where there are fewer pairs left than workers. Every worker reads the ticks, which the machine read from the disk
once, and evaluates its part of the strategies; one of them then joins what they found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from necrozma_core.backtest.daily_returns import describe_trials, described_trials, keeps_all, kept_strategies
from necrozma_core.backtest.outcome import Checkpoint
from necrozma_core.backtest.recording import refuse_all_failed, result_metadata, write_outcomes
from necrozma_core.backtest.request import PairRequest, Receipt, stored_receipt
from necrozma_core.backtest.stage_clock import StageClock
from necrozma_core.metrics.merit import merit
from necrozma_core.storage.results.part_files import PartWriter, read_details, read_part
from necrozma_core.storage.results_folder import ResultsFolder

LEAST_SETTINGS: Final = 250
"""Fewer for a worker are evaluated sooner than another worker has read the ticks."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a pair's strategies, by their position: from ``start`` up to ``stop``.

    Attributes
    ----------
    start, stop : int
    folder : Path
        Where what is found goes.
    """

    start: int
    stop: int
    folder: Path


@dataclass(frozen=True, slots=True)
class _Found:
    """What a ranking asks of a row of metrics."""

    sharpe: float | None
    few_trades: bool
    few_days: bool
    constant_returns: bool
    net_profit: float


class _Ranked(NamedTuple):
    """What decides whether a strategy's trades and daily returns are kept."""

    name: str
    days: int
    merit: tuple[float, ...]


def split(strategies: int | None, workers: int, folder: Path) -> list[Part]:
    """Cut strategies into parts of nearly equal length, one for a worker.

    Parameters
    ----------
    strategies : int or None
        How many there are; None where only a worker can tell, and then they stay together.
    workers : int
        The most parts.
    folder : Path
        Below which each part has its own.

    Returns
    -------
    list of Part
        In order; none where one worker is to do all.
    """
    parts = min(workers, (strategies or 0) // LEAST_SETTINGS)
    if strategies is None or parts < 2:
        return []
    edges = [strategies * part // parts for part in range(parts + 1)]
    return [Part(start, stop, folder / f"{start}-{stop}") for start, stop in pairwise(edges)]


def evaluate_part(request: PairRequest, part: Part, checkpoint: Checkpoint) -> dict[str, float]:
    """Backtest some of a pair's strategies and leave what was found in the part's folder.

    Returns
    -------
    dict of str to float
        Seconds by stage.

    Raises
    ------
    DataError, DamagedError, StorageError
        As :func:`necrozma_core.backtest.river.evaluate_pair`.
    """
    # Late: whoever only splits must not load the compiler.
    from necrozma_core.backtest.market_loading import load_market  # noqa: PLC0415
    from necrozma_core.backtest.river import evaluate, look_at_holdout  # noqa: PLC0415

    clock = StageClock()
    with clock.stage("read"):
        market = load_market(request, checkpoint)
        strategies = request.source.load()[part.start : part.stop]
    with clock.stage("strategies"), PartWriter(part.folder) as writer:
        holdout = look_at_holdout(market, strategies, request, checkpoint)
        outcomes = evaluate(market, strategies, request, checkpoint, holdout=holdout)
        writer.describe(write_outcomes(writer, request, market, strategies, outcomes))
    return clock.seconds


def join_parts(request: PairRequest, parts: Sequence[Part], seconds: dict[str, float]) -> Receipt:
    """Store what the parts found as one result.

    Parameters
    ----------
    request : PairRequest
    parts : sequence of Part
        All of the pair's, in order.
    seconds : dict of str to float
        What the slowest of them took, by stage.

    Raises
    ------
    StrategyError
        If every strategy failed.
    StorageError
        If the results cannot be written.
    """
    store = ResultsFolder(request.results_dir).store
    details = _joined_details([read_details(part.folder) for part in parts])
    refuse_all_failed(request.pair, details)
    ranked = _ranked(parts)
    kept = _kept_strategies(request, ranked, details["strategies"])
    with_returns = [(found.merit, found.name) for found in ranked if found.days]
    kept_returns = None if keeps_all(details["strategies"]) else kept_strategies(request.key, with_returns)
    with store.open_writer(request.pair, request.key, result_metadata(request)) as writer:
        for table in _tables(parts, "metrics"):
            writer.write_metrics(table)
        for table in _tables(parts, "moments"):
            writer.write_moments(table)
        for table in _tables_of(parts, "returns", kept_returns):
            writer.write_returns(table)
        for table in _tables_of(parts, "trades", kept):
            writer.write_trades(table)
        writer.describe(details)
    return stored_receipt(store, request, seconds)


def _joined_details(found: list[dict[str, Any]]) -> dict[str, Any]:
    # Ticks and bars are the same in every part; counts and failures add up.
    joined = dict(found[0])
    for name in ("strategies", "trades", "failures"):
        joined[name] = found[0][name]
        for details in found[1:]:
            joined[name] = joined[name] + details[name]
    joined["trials"] = describe_trials(described_trials([details["trials"] for details in found]))
    return joined


def _ranked(parts: Sequence[Part]) -> list[_Ranked]:
    """Return what decides whose trades and daily returns are kept, by position."""
    columns = ("strategy", "days", *(field.name for field in fields(_Found)))
    return [
        _Ranked(name, days, merit(_Found(*figures)))
        for table in _tables(parts, "metrics")
        for name, days, *figures in zip(*(table[column].to_pylist() for column in columns), strict=True)
    ]


def _kept_strategies(request: PairRequest, ranked: Sequence[_Ranked], strategies: int) -> set[str] | None:
    """Return the names of the strategies whose trades are kept, the best of all; None for all of them."""
    if request.keep_trades is None or strategies <= request.keep_trades:
        return None
    # The earlier strategy first where two are equal, as one worker would have it.
    best = sorted(range(len(ranked)), key=lambda position: (ranked[position].merit, -position), reverse=True)
    return {ranked[position].name for position in best[: request.keep_trades]}


def _tables_of(parts: Sequence[Part], name: str, kept: set[str] | None) -> Iterator[pa.Table]:
    """Go through tables each of which holds one strategy's rows; those of the kept ones, or all."""
    for table in _tables(parts, name):
        if kept is None or (len(table) and table["strategy"][0].as_py() in kept):
            yield table


def _tables(parts: Sequence[Part], name: str) -> Iterator[pa.Table]:
    for part in parts:
        yield from read_part(part.folder, name)
