"""Ranges of dates and hold-outs: what figures are about, and what never touches them."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_engine import naive_trades

from necrozma_core.backtest.key import result_key
from necrozma_core.backtest.market_loading import load_market
from necrozma_core.backtest.parts import evaluate_part, join_parts, split
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate, evaluate_pair
from necrozma_core.engine.trades import ExitReason
from necrozma_core.errors import DataError, UsageError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.date_range import DateRange, format_moment
from necrozma_core.market.moments import parse_moment
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

MINUTE_MS = 60_000
HOLDOUT = {
    f"holdout_{name}" for name in ("trades", "win_rate", "profit_factor", "net_profit", "sharpe", "max_drawdown")
}


def ignore(*_: object) -> None:
    """Hold nothing."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, ["EURUSD", "USDJPY"], 6_000, 7)
    return folder


@pytest.fixture(scope="module")
def span(data: Path) -> tuple[int, int]:
    times = TickStore(data).read("EURUSD").time_ms
    return int(times[0]), int(times[-1])


def request_of(data: Path, results: Path, **changes: object) -> PairRequest:
    request = replace(PairRequest("EURUSD", 5 * MINUTE_MS, StrategySource(), data, results), **changes)
    return replace(request, key=result_key(request))


def trades_of(request: PairRequest) -> "list[dict[str, object]]":
    evaluate_pair(request, ignore)
    store = ResultsFolder(request.results_dir).store
    return store.read_trades(request.pair, request.key).to_pylist()


def metrics_of(request: PairRequest) -> pa.Table:
    evaluate_pair(request, ignore)
    return ResultsFolder(request.results_dir).store.read_metrics(request.pair, request.key)


def at(span: tuple[int, int], share: float) -> int:
    return round(span[0] + share * (span[1] - span[0]))


@pytest.mark.parametrize("cut", [(0.31, 0.66), (None, 0.5), (0.5, None)])
def test_range_trades_are_those_of_the_naive_walk_whose_entries_are_in_it(
    data: Path, span: tuple[int, int], tmp_path: Path, cut: tuple[float | None, float | None]
) -> None:
    start, end = (None if share is None else at(span, share) for share in cut)
    request = request_of(data, tmp_path, dates=DateRange(start, end), timeframe_ms=MINUTE_MS, keep_trades=None)
    found = trades_of(request)
    ticks = TickStore(data).read("EURUSD")
    stop = len(ticks) if end is None else int(np.searchsorted(ticks.time_ms, end))
    whole = replace(ticks, time_ms=ticks.time_ms[:stop], bid=ticks.bid[:stop], ask=ticks.ask[:stop])
    bars = bars_from_ticks(whole, MINUTE_MS)
    inside = bars.open_time_ms >= -1 if start is None else whole.time_ms[bars.first_tick[:-1]] >= start
    for strategy in request.source.load():
        signals = strategy.signals(bars)
        # Signals that act before the range say nothing; everything else is the engine's rule.
        acting = np.append(signals[:-1] * inside[1:], 0)
        expected = naive_trades(whole, MINUTE_MS, acting.tolist(), strategy.stop_loss_pips, strategy.take_profit_pips)
        rows = [row for row in found if row["strategy"] == strategy.name]
        at_end = "end_of_data" if end is None else "end_of_range"
        reasons = [at_end if trade.reason == "end_of_data" else trade.reason for trade in expected]
        assert [row["exit_reason"] for row in rows] == reasons
        entries = [int(whole.time_ms[trade.entry_tick]) for trade in expected]
        assert [round(row["entry_time"].timestamp() * 1000) for row in rows] == entries  # type: ignore[attr-defined]


def test_ranges_of_a_strategy_that_is_flat_between_add_up(data: Path, span: tuple[int, int], tmp_path: Path) -> None:
    request = request_of(data, tmp_path, keep_trades=None)
    whole = trades_of(request)
    flat = {}
    for strategy in request.source.load():
        rows = [row for row in whole if row["strategy"] == strategy.name]
        # A moment in the middle at which this strategy holds nothing.
        for before, after in pairwise(rows):
            moment = round(after["entry_time"].timestamp() * 1000)  # type: ignore[attr-defined]
            if before["exit_time"] < after["entry_time"] and moment > at(span, 0.4):  # type: ignore[operator]
                flat[strategy.name] = moment
                break
    assert len(flat) > 30
    for name, moment in sorted(flat.items())[:12]:
        first, second = (
            [row for row in trades_of(replace(request_of(data, tmp_path, dates=dates, keep_trades=None)))
             if row["strategy"] == name]
            for dates in (DateRange(None, moment), DateRange(moment, None))
        )  # fmt: skip
        assert first + second == [row for row in whole if row["strategy"] == name]


def test_range_days_and_exposure_are_those_of_the_range(data: Path, span: tuple[int, int], tmp_path: Path) -> None:
    whole = metrics_of(request_of(data, tmp_path))
    half = metrics_of(request_of(data, tmp_path, dates=DateRange(at(span, 0.5), None)))
    days = max(whole["days"].to_pylist())
    assert 0.4 * days <= max(half["days"].to_pylist()) <= 0.7 * days
    assert all(0 <= share <= 1 for share in half["exposure"].to_pylist())
    assert set(half["exits_end_of_range"].to_pylist()) == {0}


def test_range_without_a_tick_is_refused_with_what_is_stored(data: Path, tmp_path: Path) -> None:
    request = request_of(
        data, tmp_path, dates=DateRange(parse_moment("2001-01-01", ""), parse_moment("2002-01-01", ""))
    )
    with pytest.raises(DataError, match=r"^EURUSD: expected ticks in the range 2001-01-01 to 2002-01-01, found none"):
        evaluate_pair(request, ignore)


def test_holdout_looked_at_changes_nothing_that_is_ranked(data: Path, span: tuple[int, int], tmp_path: Path) -> None:
    border = at(span, 0.6)
    plain = metrics_of(request_of(data, tmp_path, dates=DateRange(None, border)))
    looked = metrics_of(request_of(data, tmp_path, dates=DateRange(None, border), holdout=DateRange(border, None)))
    after = metrics_of(request_of(data, tmp_path, dates=DateRange(border, None)))
    kept = [name for name in plain.column_names if name not in HOLDOUT]
    assert looked.select(kept).equals(plain.select(kept))
    assert all(value is None for name in HOLDOUT for value in plain[name].to_pylist())
    for name in HOLDOUT:
        assert looked[name].to_pylist() == after[name.removeprefix("holdout_")].to_pylist()


def test_holdout_of_a_users_strategy_that_looks_ahead_is_not_in_the_ranked_figures(
    data: Path, span: tuple[int, int], tmp_path: Path
) -> None:
    # It normalises by the whole array, so that later bars change earlier signals.
    text = (
        "import numpy as np\n"
        "class Peeks:\n"
        "    name, params, stop_loss_pips, take_profit_pips = 'peeks', {}, 20.0, 20.0\n"
        "    def signals(self, bars):\n"
        "        score = bars.mid_close - bars.mid_close.mean()\n"
        "        return np.sign(np.round(score, 4)).astype(np.int8)\n"
        "def strategies():\n"
        "    return [Peeks()]\n"
    )
    (tmp_path / "peeks.py").write_text(text)
    source = StrategySource.from_file(tmp_path / "peeks.py")
    border = at(span, 0.6)
    plain = metrics_of(request_of(data, tmp_path, source=source, dates=DateRange(None, border)))
    looked = metrics_of(
        request_of(data, tmp_path, source=source, dates=DateRange(None, border), holdout=DateRange(border, None))
    )
    kept = [name for name in plain.column_names if name not in HOLDOUT]
    assert plain["trades"].to_pylist()[0] > 0
    assert looked.select(kept).equals(plain.select(kept))


def test_holdout_in_which_a_strategy_fails_says_so_and_keeps_its_figures(
    data: Path, span: tuple[int, int], tmp_path: Path
) -> None:
    text = (
        "import numpy as np\n"
        "class Fails:\n"
        "    name, params, stop_loss_pips, take_profit_pips = 'fails', {}, 20.0, 20.0\n"
        "    def signals(self, bars):\n"
        f"        assert bars.open_time_ms[-1] < {at(span, 0.7)}, 'too late'\n"
        "        return np.resize(np.array([1, 0, -1, 0], np.int8), len(bars))\n"
        "def strategies():\n"
        "    return [Fails()]\n"
    )
    (tmp_path / "fails.py").write_text(text)
    source = StrategySource.from_file(tmp_path / "fails.py")
    border = at(span, 0.6)
    row = metrics_of(
        request_of(data, tmp_path, source=source, dates=DateRange(None, border), holdout=DateRange(border, None))
    ).to_pylist()[0]
    assert row["trades"] > 0
    assert row["holdout_trades"] is None
    assert "hold-out:" in row["note"]
    assert "too late" in row["note"]


def test_holdout_of_parts_is_that_of_one_worker(data: Path, span: tuple[int, int], tmp_path: Path) -> None:
    source = StrategySource.from_grid("family=rsi period=5:30:1 low=15:30:1 stop_loss_pips=20,40")
    border = at(span, 0.5)
    dates = {"dates": DateRange(None, border), "holdout": DateRange(border, None)}
    whole = metrics_of(request_of(data, tmp_path / "one", source=source, **dates))
    request = request_of(data, tmp_path / "two", source=source, **dates)
    parts = split(source.count(), 2, tmp_path / "parts")
    assert len(parts) == 2
    for part in parts:
        evaluate_part(request, part, ignore)
    join_parts(request, parts, {})
    joined = ResultsFolder(request.results_dir).store.read_metrics("EURUSD", request.key)
    assert joined.equals(whole)


def test_key_of_a_range_outlives_data_of_later_years(tmp_path: Path, span: tuple[int, int]) -> None:
    write_samples(tmp_path / "data", ["EURUSD"], 3_000, 7)
    store = TickStore(tmp_path / "data")
    end = int(store.read("EURUSD").time_ms[-1]) - 1
    closed = request_of(tmp_path / "data", tmp_path, dates=DateRange(None, end))
    opened = request_of(tmp_path / "data", tmp_path)
    ticks = store.read("EURUSD")
    later = replace(ticks, time_ms=ticks.time_ms + 3 * 366 * 86_400_000)
    store.write(later)
    assert result_key(replace(closed, key="")) == closed.key
    assert result_key(replace(opened, key="")) != opened.key
    other = request_of(tmp_path / "data", tmp_path, dates=DateRange(None, end + 1))
    assert other.key != closed.key


@given(st.integers(631_152_000_000, 4_102_444_800_000))
def test_moment_written_is_the_moment_read(time_ms: int) -> None:
    assert parse_moment(format_moment(time_ms), "--from") == time_ms


def test_range_that_holds_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^--from 2024-01-01 is not before --to 2023-01-01"):
        DateRange(parse_moment("2024-01-01", ""), parse_moment("2023-01-01", ""))


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1))
def test_market_of_any_range_enters_only_within_it(first: float, second: float) -> None:
    # A module's fixtures cannot be given to a property, so the data are made once here.
    data, span = _made_once()
    start, end = sorted((at(span, first), at(span, second)))
    if start == end:
        return
    request = request_of(data, data / "results", dates=DateRange(start, end))
    try:
        market = load_market(request, ignore)
    except DataError:
        return
    assert market.at_end is ExitReason.END_OF_RANGE
    assert start <= market.ticks.time_ms[0]
    assert market.ticks.time_ms[-1] < end
    for outcome in evaluate(market, request.source.load()[:8], request, ignore):
        times = outcome.trades.entry_time_ms, outcome.trades.exit_time_ms  # type: ignore[union-attr]
        assert all(((start <= each) & (each < end)).all() for each in times)


_cache: dict[str, tuple[Path, tuple[int, int]]] = {}


def _made_once() -> tuple[Path, tuple[int, int]]:
    if "made" not in _cache:
        import tempfile

        folder = Path(tempfile.mkdtemp())
        write_samples(folder, ["EURUSD"], 2_000, 3)
        times = TickStore(folder).read("EURUSD").time_ms
        _cache["made"] = folder, (int(times[0]), int(times[-1]))
    return _cache["made"]
