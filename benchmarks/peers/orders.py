"""Orders on the same bars here and in other backtesters, and every difference explained: rule after rule.

Between our trades and a peer's lies a ladder: each step exchanges one rule of ours for the peer's, and the last one has
to give the peer's trades, each of them. So no difference is left that is not explained.
"""

import gzip
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.measuring.measure import markdown_table
from benchmarks.peers.order_rules import Bar, Case, Rule, Trade, walk_by_rules
from necrozma_core.engine.bar_order_simulation import simulate_bar_orders
from necrozma_core.engine.events import find_events
from necrozma_core.engine.orders import Orders
from necrozma_core.market.bar_building import bars_from_quote_bars, ticks_of_quote_bars
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars

_ROOT: Final = Path(__file__).parents[2]
_PYTHON: Final = _ROOT / ".venv-peers" / "bin" / "python"
_REAL: Final = _ROOT.parent / "shared" / "data" / "h1" / "GBPUSD_H1.csv.gz"
_HOUR_MS: Final = 3_600_000
_PER_PIP: Final = 10

CASES: Final = {
    "stop 20 pips, target 40": Case(stop=200.5, target=400.5),
    "target 30 pips, no stop": Case(target=300.5),
    "trailing stop 25 pips": Case(trailing=250.5),
    "stop entry 5 pips away for 3 bars, stop 20, target 40": Case("stop", 50.5, 3, stop=200, target=400),
    "limit entry 5 pips away for 3 bars, stop 20, target 40": Case("limit", 50.5, 3, stop=200, target=400),
}
"""Distances end in half a point where prices do not, so that no price ever equals a level to the last bit."""

RULES: Final[Mapping[str, Sequence[Rule]]] = {
    "vectorbt": (
        Rule.LEVELS_BEFORE_SIGNALS,
        Rule.ENTRY_BAR_UNTESTED,
        Rule.ENTRY_BAR_UNFOLLOWED,
        Rule.OPENING_UNFOLLOWED,
        Rule.STOP_BEFORE_OPENING,
    ),
    "backtesting.py": (
        Rule.REFUSED_BEYOND_CLOSE,
        Rule.DECIDED_AT_CLOSE,
        Rule.OPENING_UNFOLLOWED,
        Rule.FILL_BAR_UNTESTED,
        Rule.TARGET_IN_FILL_BAR,
        Rule.LEVELS_FROM_ORDER,
        Rule.STOP_BEFORE_OPENING,
        Rule.ENDS_AT_OPENING,
    ),
}
"""What each peer does otherwise."""


LETTERS: Final = {rule: chr(ord("A") + number) for number, rule in enumerate(Rule)}
"""The rules as the table names them."""


class Step(NamedTuple):
    """One rule more of a peer's, and what trades are then."""

    rule: Rule
    trades: list[Trade]
    changed: int


class Ladder(NamedTuple):
    """Ours, the steps that change anything, and the peer's trades that the last step gave."""

    ours: list[Trade]
    steps: list[Step]
    theirs: list[Trade]
    unexplained: int


def generated_bars(number: int, seed: int = 1) -> QuoteBars:
    """Return hourly bars without spread, one in five of which opens with a gap, whatever the machine."""
    random = np.random.default_rng(seed)
    moves = random.integers(-180, 181, (number, 12))
    gaps = np.where(random.random(number) < 0.2, random.integers(-120, 121, number), 0)
    level, rows = 130_000, []
    for move, gap in zip(moves, gaps, strict=True):
        path = level + int(gap) + np.cumsum(move) // 2
        opened = level + int(gap)
        rows.append((opened, max(opened, int(path.max())), min(opened, int(path.min())), int(path[-1])))
        level = int(path[-1])
    return _without_spread(np.array(rows, np.int32))


def real_bars() -> QuoteBars | None:
    """Return hourly bars of GBPUSD of 2012 to 2022, or None where they are not at hand."""
    if not _REAL.exists():
        return None
    with gzip.open(_REAL, "rt") as file:
        rows = [line.split(",")[1:5] for line in file][1:]
    return _without_spread(np.array(rows, dtype=np.float64).astype(np.int32))


def _without_spread(prices: np.ndarray) -> QuoteBars:
    times = np.arange(len(prices), dtype=np.int64) * _HOUR_MS
    none = np.zeros(len(prices), np.int32)
    return QuoteBars(get_pair("GBPUSD"), _HOUR_MS, 5, times, prices, prices.copy(), none)


def crossings(bars: QuoteBars, fast: int = 10, slow: int = 30) -> list[int]:
    """Return where the mean of few closes crosses that of many, in whole numbers, so that no tie rounds."""
    sums = np.concatenate([[0], np.cumsum(bars.bid[:, 3].astype(np.int64))])
    above = np.zeros(len(bars), dtype=np.int8)
    quick, lazy = sums[slow:] - sums[slow - fast : -fast], sums[slow:] - sums[:-slow]
    above[slow - 1 :] = np.sign(quick * slow - lazy * fast)
    signals = np.where((above != np.roll(above, 1)) & (np.roll(above, 1) != 0), above, 0)
    return [int(signal) for signal in signals]


def trade_ours(bars: QuoteBars, signals: Sequence[int], case: Case) -> list[Trade]:
    """Return the trades of the product on bars without ticks."""
    ticks, gathered = ticks_of_quote_bars(bars), bars_from_quote_bars(bars, _HOUR_MS)
    orders = Orders(
        entry_order=case.entry,
        entry_offset_pips=case.offset / _PER_PIP,
        entry_expiry_bars=case.expiry,
        trailing_stop_pips=None if case.trailing is None else case.trailing / _PER_PIP,
    )
    trades = simulate_bar_orders(
        bars,
        ticks,
        gathered,
        find_events(np.array(signals, np.int8)),
        None if case.stop is None else case.stop / _PER_PIP,
        None if case.target is None else case.target / _PER_PIP,
        orders,
    )
    columns = trades.side, trades.entry_tick // 2, trades.entry_price, trades.exit_tick // 2, trades.exit_price
    return [
        _trade(side, entered, entry * ticks.scale, left, out * ticks.scale)
        for side, entered, entry, left, out in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _trade(side: int, entry_bar: int, entry: float, exit_bar: int, out: float) -> Trade:
    # Levels are halves of points: what is beyond that is rounding, ours and theirs.
    return Trade(side, entry_bar, round(entry * 2) / 2, exit_bar, round(out * 2) / 2)


def trade_peers(
    bars: QuoteBars, signals: Sequence[int], cases: Mapping[str, Case]
) -> dict[str, dict[str, list[Trade] | None]]:
    """Return the trades of each case in each peer; None where it has no such order.

    Raises
    ------
    SystemExit
        The peers' environment is not there, or a peer failed.
    """
    if not _PYTHON.exists():
        raise SystemExit("the peers are not installed: make bench-peers installs and runs them")
    asked = {
        "bars": bars.bid.tolist(),
        "signals": list(signals),
        "cases": {name: case._asdict() for name, case in cases.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asked.json"
        path.write_text(json.dumps(asked), encoding="utf-8")
        script = Path(__file__).with_name("run_order_peers.py")
        done = subprocess.run([_PYTHON, "-P", str(script), str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the peers' orders ended with {done.returncode}:\n{done.stderr}")
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return {
        case: {peer: None if rows is None else [_trade(*row) for row in rows] for peer, rows in peers.items()}
        for case, peers in found.items()
    }


def explain(bars: QuoteBars, signals: Sequence[int], case: Case, peer: str, theirs: list[Trade]) -> Ladder:
    """Exchange one rule after the other until the trades are the peer's."""
    rows = [Bar(*row) for row in bars.bid.tolist()]
    ours = trade_ours(bars, signals, case)
    before, rules, steps = walk_by_rules(rows, signals, case), [], []
    unexplained = _differing(ours, before)
    for rule in RULES[peer]:
        rules.append(rule)
        trades = walk_by_rules(rows, signals, case, rules)
        if changed := _differing(before, trades):
            steps.append(Step(rule, trades, changed))
        before = trades
    return Ladder(ours, steps, theirs, unexplained + _differing(before, theirs))


def _differing(one: Sequence[Trade], other: Sequence[Trade]) -> int:
    # Trades of either that the other has not.
    return len(set(one) ^ set(other))


def _points(trades: Sequence[Trade]) -> str:
    return f"{sum(trade.points for trade in trades):,.1f}"


def _row(name: str, peer: str, ladder: Ladder) -> tuple[object, ...]:
    steps = ", ".join(f"{LETTERS[step.rule]} {step.changed:,}" for step in ladder.steps)
    return (
        name,
        peer,
        f"{len(ladder.ours):,}",
        f"{len(ladder.theirs):,}",
        _points(ladder.ours),
        _points(ladder.theirs),
        steps,
        ladder.unexplained,
    )


def compare_orders(number: int = 20_000) -> str:
    """Return the tables of all cases on generated bars, and on real ones where they are at hand.

    Parameters
    ----------
    number : int
        Bars that are generated.
    """
    sources = {f"{number:,} generated hourly bars": generated_bars(number)}
    real = real_bars()
    if real is not None:
        sources[f"{len(real):,} real hourly bars of GBPUSD, 2012 to 2022"] = real
    header = ("orders", "backtester", "trades here", "there", "points here", "there", "rules and trades", "unexplained")
    parts = ["\n".join(f"- **{letter}**: {rule.value}." for rule, letter in LETTERS.items())]
    for title, bars in sources.items():
        signals = crossings(bars)
        found = trade_peers(bars, signals, CASES)
        rows = [
            _row(name, peer, explain(bars, signals, case, peer, theirs))
            for name, case in CASES.items()
            for peer, theirs in found[name].items()
            if theirs is not None
        ]
        parts += [f"On {title}, {sum(map(abs, signals)):,} crossings:", markdown_table(header, rows)]
    return "\n\n".join(parts)
