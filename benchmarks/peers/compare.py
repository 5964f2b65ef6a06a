"""Ours beside other backtesters: the same bars and settings, one after the other, each on the same one core."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.job import TIMEFRAME
from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import Report, Timing, markdown_table, megabytes
from benchmarks.scale import FULL, Scale
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.bars import Bars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.settings import parse_grid

_ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = _ROOT / ".venv-peers" / "bin" / "python"
_PAIR: Final = TEN_PAIRS[0]
_THREADS: Final = (
    "ARROW_IO_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
_SLOW: Final = "backtesting.py"
_OURS: Final = "ours, on ticks"
_PEERS: Final = ("vectorbt (numba)", "vectorbt (rust)", "raptorbt, both sides", "raptorbt, long side only", _SLOW)
_COMPARED: Final = ("vectorbt", "raptorbt, both", "raptorbt, long", "backtesting")
FIFTY: Final = "50 crossings of averages"
FIFTY_WITH_LEVELS: Final = "10 crossings, each with 5 stops and targets"
_GRIDS: Final = {
    "one crossing of averages, 10 and 30": "family=sma_cross fast=10 slow=30",
    FIFTY: "family=sma_cross fast=5:50:5 slow=60:180:30",
    FIFTY_WITH_LEVELS: "family=sma_cross fast=10,20 slow=60:180:30 stop_loss_pips=10:50:10 take_profit_pips=40",
}
_TICK_GRID: Final = "family=sma_cross fast=10 slow=30 stop_loss_pips=20 take_profit_pips=40"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One backtester on one case.

    Attributes
    ----------
    name : str
    timing : Timing
        For all settings; extrapolated where only some of them were run.
    settings, ran : int
        How many were asked for, and how many were run.
    trades : int
        Of the settings that were run.
    peak_mb : float
    """

    name: str
    timing: Timing
    settings: int
    ran: int
    trades: int
    peak_mb: float

    def row(self, ours: "Outcome") -> tuple[object, ...]:
        """Return its row of the table."""
        name = self.name if self.ran == self.settings else f"{self.name} ({self.ran} run, the rest extrapolated)"
        rate = self.settings / self.timing.median
        times = "1" if self is ours else f"{self.timing.median / ours.timing.median:,.0f}"
        trades = f"{self.trades:,}" if self.ran == self.settings else f"{self.trades:,} of {self.ran}"
        return (
            name,
            self.timing,
            f"{rate:,.1f}" if rate < 100 else f"{rate:,.0f}",
            times,
            trades,
            megabytes(self.peak_mb),
        )


def measure_peers(scale: Scale = FULL) -> Report:
    """Return the tables of all peers on bars, and of vectorbt on ticks.

    Raises
    ------
    SystemExit
        The peers' environment is not there.
    """
    if not PYTHON.exists():
        raise SystemExit("the peers are not installed: make bench-peers installs and runs them")
    data = prepare_ticks([_PAIR], scale.ticks)
    ticks = TickStore(data).read(_PAIR)
    bars = bars_from_ticks(ticks, parse_timeframe(TIMEFRAME))
    parts = [_head(ticks, bars, scale)]
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for title, grid in _GRIDS.items():
            outcomes = list(_run_bars(Path(name), data, bars, ticks, grid, scale))
            parts += [f"**{title.capitalize()}**", _table(outcomes)]
            figures |= {f"{peer}, {title}": _least(outcomes, peer) for peer in _COMPARED}
        on_ticks = list(_run_ticks(Path(name), data, bars, ticks, scale))
    parts += ["**One crossing with a stop of 20 pips and a target of 40, on every tick**", _table(on_ticks)]
    return Report("\n\n".join(parts), {**figures, "ticks": _least(on_ticks, "vectorbt")})


def _head(ticks: Ticks, bars: Bars, scale: Scale) -> str:
    return (
        f"{len(bars):,} bars of {TIMEFRAME} from {len(ticks):,} ticks of {_PAIR}; one core, the same for all, one "
        "backtester after the other in one run; each warmed up before it is timed; metrics included, reading and "
        "building bars not. Ours trades every tick, both sides; the others trade bars. Median (least to most) of "
        f"{scale.job_runs}, ours of {scale.runs}. {_versions()}."
    )


def _versions() -> str:
    names = ("vectorbt", "vectorbt-rust", "raptorbt", "backtesting", "numba", "pandas")
    code = f"from importlib.metadata import version as v; print(', '.join(f'{{n}} {{v(n)}}' for n in {names}))"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    return f"The peers' own environment: {done.stdout.strip()}"


def _run_bars(scratch: Path, data: Path, bars: Bars, ticks: Ticks, grid: str, scale: Scale) -> Iterator[Outcome]:
    strategies = parse_grid(grid).strategies
    yield _run_ours(data, grid, len(strategies), scale)
    scale_2 = 2.0 * ticks.scale
    prices = {
        name: bars.mid2_points[:, column] / scale_2 for column, name in enumerate(("open", "high", "low", "close"))
    }
    case = {"time_ms": bars.open_time_ms, **prices}
    for peer in _PEERS:
        ran = min(scale.slow_settings, len(strategies)) if peer == _SLOW else len(strategies)
        chosen = [strategies[at] for at in np.linspace(0, len(strategies) - 1, ran).astype(int)]
        runs, warm_up = (1, 0) if peer == _SLOW else (scale.job_runs, 1)
        found = _run_peer(scratch, peer, {**case, "settings": _settings(chosen, ticks, prices["close"])}, runs, warm_up)
        yield _outcome(peer, found, len(strategies), ran)


def _run_ticks(scratch: Path, data: Path, bars: Bars, ticks: Ticks, scale: Scale) -> Iterator[Outcome]:
    yield _run_ours(data, _TICK_GRID, 1, scale)
    (strategy,) = parse_grid(_TICK_GRID).strategies
    signals = strategy.signals(bars)
    # A signal of a bar acts on the first tick of the next bar.
    acts_on = bars.first_tick[1:-1]
    close = (ticks.bid.astype(np.int64) + ticks.ask) / (2.0 * ticks.scale)
    case = {
        "time_ms": ticks.time_ms,
        "close": close,
        "up": acts_on[signals[:-1] > 0],
        "down": acts_on[signals[:-1] < 0],
        "settings": _settings([strategy], ticks, close),
    }
    for peer in ("vectorbt (numba)", "vectorbt (rust)"):
        found = _run_peer(scratch, f"{peer}, ticks", case, scale.job_runs, 1)
        yield _outcome(f"{peer}, every tick a bar", found, 1, 1)


def _settings(strategies: Sequence[Strategy], ticks: Ticks, close: np.ndarray) -> np.ndarray:
    # The peers take levels only as fractions of the price, so pips are divided by the year's mean price.
    pip = float(ticks.pair.pip) / float(np.mean(close))
    return np.array(
        [
            (
                strategy.params["fast"],
                strategy.params["slow"],
                *(
                    np.nan if pips is None else pips * pip
                    for pips in (strategy.stop_loss_pips, strategy.take_profit_pips)
                ),
            )
            for strategy in strategies
        ],
        dtype=np.float64,
    )


def _run_ours(data: Path, grid: str, settings: int, scale: Scale) -> Outcome:
    arguments = [str(data), _PAIR, TIMEFRAME, grid, str(scale.runs), "1"]
    found = _call([sys.executable, "-m", "benchmarks.peers.ours", *arguments])
    return _outcome(_OURS, found, settings, settings)


def _run_peer(scratch: Path, peer: str, case: Mapping[str, np.ndarray], runs: int, warm_up: int) -> dict[str, Any]:
    path = scratch / "case.npz"
    np.savez(path, **case)  # type: ignore[arg-type]
    script = Path(__file__).with_name("run_peers.py")
    return _call([str(PYTHON), "-P", str(script), str(path), peer, str(runs), str(warm_up)])


def _call(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={**os.environ, **dict.fromkeys(_THREADS, "1")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _outcome(name: str, found: Mapping[str, Any], settings: int, ran: int) -> Outcome:
    timing = Timing(tuple(seconds * settings / ran for seconds in found["seconds"]))
    return Outcome(name, timing, settings, ran, sum(found["trades"]), found["peak_mb"])


def _table(outcomes: Sequence[Outcome]) -> str:
    header = ("backtester", "time", "settings a second", "times ours", "trades", "peak memory")
    return markdown_table(header, [outcome.row(outcomes[0]) for outcome in outcomes])


def _least(outcomes: Sequence[Outcome], peer: str) -> float:
    """Return the time of a peer's quickest variant, as a multiple of ours."""
    times = [outcome.timing.median for outcome in outcomes if outcome.name.startswith(peer)]
    return min(times) / outcomes[0].timing.median
