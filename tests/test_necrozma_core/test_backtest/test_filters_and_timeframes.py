"""Filters and higher timeframes from the setting to the trades, in this process and in one of a user's file."""

import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tick_samples import make

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.errors import UsageError
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.moments import parse_moment
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies import indicators
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.plan import plan_requests
from necrozma_core.sweep.request import SweepRequest

MINUTE_MS = 60_000

USERS = """
import numpy as np

class Mine:
    params, stop_loss_pips, take_profit_pips = {}, None, None
    def __init__(self, name, **others):
        self.name = name
        self.__dict__.update(others)
    def signals(self, bars):
        higher = bars.higher("30min")
        average = higher.align(np.convolve(higher.bars.mid_close, np.ones(3) / 3)[: len(higher.bars)])
        state = np.sign(np.nan_to_num(bars.mid_close - average)).astype(np.int8)
        return np.where(np.diff(state, prepend=0) != 0, state, 0).astype(np.int8)

def strategies():
    return [Mine("plain"), Mine("filtered", filter=" EMA(5)@1h")]
"""

ISOLATED = """
import pickle, sys
from pathlib import Path
from necrozma_core.backtest.river import evaluate_pair
evaluate_pair(pickle.loads(Path(sys.argv[1]).read_bytes()), lambda *_: None, lambda pid: None)
"""
Trades = dict[str, list[tuple[int, int]]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    TickStore(folder).write(make("2024-03-04 00:00:00", 20_000, step_ms=9_000))
    return folder


@pytest.fixture
def evaluated(data: Path, tmp_path: Path) -> Callable[..., tuple[Trades, dict[str, str | None]]]:
    """Backtest a source; the entries of every strategy, and the notes."""

    def run(
        source: StrategySource, *, isolated: bool = False, **others: object
    ) -> tuple[Trades, dict[str, str | None]]:
        results = tmp_path / f"results {isolated}"
        request = with_key(PairRequest("EURUSD", 5 * MINUTE_MS, source, data, results, **others))  # type: ignore[arg-type]
        if isolated:
            (tmp_path / "request").write_bytes(pickle.dumps(request))
            subprocess.run([sys.executable, "-c", ISOLATED, str(tmp_path / "request")], check=True)
        else:
            evaluate_pair(request, lambda *_: None)
        store = ResultsFolder(results).store
        rows = store.read_trades("EURUSD", request.key).to_pandas()
        times = rows["entry_time"].astype("datetime64[ms, UTC]").astype("int64")
        sides = rows["side"].map({"long": 1, "short": -1}).tolist()
        trades: Trades = {}
        for name, entry, side in zip(rows["strategy"], times, sides, strict=True):
            trades.setdefault(name, []).append((entry, side))
        metrics = store.read_metrics("EURUSD", request.key).to_pydict()
        return trades, dict(zip(metrics["strategy"], metrics["note"], strict=True))

    return run


@pytest.fixture
def users(tmp_path: Path) -> StrategySource:
    (tmp_path / "mine.py").write_text(USERS)
    return StrategySource.from_file(tmp_path / "mine.py")


def test_filter_reaches_the_trades_of_strategies_of_ours_and_of_users(
    data: Path, evaluated: Callable[..., tuple[Trades, dict[str, str | None]]], users: StrategySource
) -> None:
    trades, _ = evaluated(StrategySource.from_grid("family=sma_cross fast=5 slow=20 filter=none,ema(5)@1h"))
    of_users, _ = evaluated(users)
    trades |= of_users
    bars = bars_from_ticks(TickStore(data).read("EURUSD"), 5 * MINUTE_MS)
    higher = bars.higher("1h")
    above = bars.mid_close - higher.align(indicators.ema(higher.bars, 5)) / (2 * 10**bars.digits)
    for plain, filtered in (("sma_cross(5,20)", "sma_cross(5,20) filter=ema(5)@1h"), ("plain", "filtered")):
        assert 10 < len(trades[filtered]) < len(trades[plain])
        for entry_ms, side in trades[filtered]:
            # The last bar that had closed when it was entered.
            assert side * above[np.searchsorted(bars.close_time_ms, entry_ms, side="right") - 1] > 0
        # Their signals alternate and nothing else closes, so that the unfiltered one enters at each of them.
        assert not Counter(trades[filtered]) - Counter(trades[plain])


@pytest.mark.skipif(sys.platform != "linux", reason="a process of a user's file is forked on Linux alone")
def test_higher_bars_and_filters_of_a_users_file_are_the_same_in_its_process(
    evaluated: Callable[..., tuple[Trades, dict[str, str | None]]], users: StrategySource
) -> None:
    dates = DateRange(parse_moment("2024-03-05", "from"))
    assert evaluated(users, dates=dates) == evaluated(users, dates=dates, isolated=True)
    assert evaluated(users, dates=dates)[0]["filtered"]


@pytest.mark.parametrize(
    ("setting", "note"),
    [
        ("filter=atr(14)@1d>99%", "signals to enter: {0} against filter=atr(14)@1d>99%"),
        ("filter=sma(9)@1h", None),
        ("entry_order=stop entry_offset_pips=5000", "signals to enter: {0} whose order was never reached"),
        ("entry_window=03:01-03:02@UTC", "signals to enter: {0} outside entry_window=03:01-03:02@UTC"),
    ],
)
def test_note_says_what_became_of_signals_that_did_not_enter(
    evaluated: Callable[..., tuple[Trades, dict[str, str | None]]], setting: str, note: str | None
) -> None:
    (found,) = evaluated(StrategySource.from_grid(f"family=sma_cross fast=5 slow=20 {setting}"))[1].values()
    if note is None:
        assert found is None or "signals" not in found
    else:
        assert found is not None
        assert found.startswith(f"{(count := found.split()[0])} {note.format(count)}")
        assert int(count) > 10


@pytest.mark.parametrize(
    "text", ["family=rsi filter=ema(9)@4h,ema(9)@1min", "family=sma_cross filter=sma(9)+rsi(3)@1min>50"]
)
def test_filter_of_a_shorter_timeframe_is_refused_before_a_run(data: Path, tmp_path: Path, text: str) -> None:
    sweep = SweepRequest(data=data, results=tmp_path, source=StrategySource.from_grid(text))
    with pytest.raises(UsageError) as caught:
        plan_requests(sweep)
    assert "@1min" in str(caught.value)
    assert str(caught.value).endswith("its timeframe 1min is shorter than the strategy's, 5min")
    assert plan_requests(SweepRequest(data=data, results=tmp_path, source=sweep.source, timeframe="1min"))


def test_filter_of_a_shorter_timeframe_in_a_users_file_is_refused_before_a_run(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(USERS.replace("EMA(5)@1h", "ema(5)@1min"))
    source = StrategySource.from_file(tmp_path / "mine.py")
    with pytest.raises(UsageError, match=r"strategy 'filtered': filter ema\(5\)@1min: its timeframe 1min is"):
        plan_requests(SweepRequest(data=data, results=tmp_path, source=source))


def test_filter_of_a_shorter_timeframe_fails_its_strategy_alone(
    evaluated: Callable[..., tuple[Trades, dict[str, str | None]]], users: StrategySource, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(USERS.replace("EMA(5)@1h", "ema(5)@1min"))
    request = with_key(
        PairRequest("EURUSD", 5 * MINUTE_MS, StrategySource.from_file(tmp_path / "mine.py"), data, tmp_path / "alone")
    )
    receipt = evaluate_pair(request, lambda *_: None)
    assert receipt.strategies == 2
    assert [name for name, _ in receipt.failures] == ["filtered"]
    assert "its timeframe 1min is shorter than the strategy's, 5min" in receipt.failures[0][1]
