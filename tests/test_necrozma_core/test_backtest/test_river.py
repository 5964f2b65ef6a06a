"""The river for one pair, from stored ticks to stored results, against the naive walk and its own promises."""

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from naive_engine import naive_trades

from necrozma_core.backtest.key import result_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.errors import AllStrategiesFailedError, ConversionError, UsageError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.instruments import Terms, get_pair
from necrozma_core.money.costs import Account, Costs
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.money.swaps import SwapRate
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

MINUTE_MS = 60_000

MIXED = """
import numpy as np

class Fixed:
    params = {}
    stop_loss_pips = 5.0
    take_profit_pips = None
    def __init__(self, name, make):
        self.name, self.make = name, make
    def signals(self, bars):
        return self.make(bars)

def every_tenth(bars):
    signals = np.zeros(len(bars), np.int8)
    signals[::10] = 1
    return signals

def broken(bars):
    raise KeyError("no such column")

def strategies():
    return [
        Fixed("good", every_tenth),
        Fixed("raises", broken),
        Fixed("short array", lambda bars: np.zeros(len(bars) - 1, np.int8)),
        Fixed("not a number", lambda bars: np.full(len(bars), np.nan)),
        Fixed("silent", lambda bars: np.zeros(len(bars), np.int8)),
    ]
"""


def ignore(stage: str, done: int, total: int, label: str, ticks: int) -> None:
    """Hold nothing."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, ["EURUSD", "USDJPY", "GBPUSD", "EURGBP", "USDCAD"], 4_000, 7)
    return folder


@pytest.fixture
def request_for(data: Path, tmp_path: Path) -> Callable[..., PairRequest]:
    def make(pair: str = "EURUSD", **changes: object) -> PairRequest:
        request = PairRequest(pair, 5 * MINUTE_MS, StrategySource(), data, tmp_path / "results")
        request = replace(request, **changes)
        return replace(request, key=result_key(request))

    return make


def store_of(request: PairRequest) -> ResultStore:
    return ResultsFolder(request.results_dir).store


def user_source(folder: Path, text: str) -> StrategySource:
    path = folder / "my_strategies.py"
    path.write_text(text)
    return StrategySource.from_file(path)


@pytest.mark.parametrize("pair", ["EURUSD", "USDJPY", "EURGBP"])
def test_evaluate_pair_default_fifty_stores_the_naive_trades(
    request_for: Callable[..., PairRequest], pair: str
) -> None:
    request = request_for(pair, timeframe_ms=MINUTE_MS, lots=0.5)
    evaluate_pair(request, ignore)
    stored = store_of(request).read_trades(pair, request.key).to_pandas()
    ticks = TickStore(request.data_dir).read(pair)
    bars = bars_from_ticks(ticks, MINUTE_MS)
    price_of = {"EURUSD": None, "USDJPY": "USDJPY", "EURGBP": "GBPUSD"}[pair]
    quotes = TickStore(request.data_dir).read(price_of) if price_of else None
    for strategy in request.source.load():
        signals = strategy.signals(bars).tolist()
        expected = naive_trades(ticks, MINUTE_MS, signals, strategy.stop_loss_pips, strategy.take_profit_pips)
        rows = stored[stored["strategy"] == strategy.name]
        assert rows["exit_reason"].tolist() == [trade.reason for trade in expected]
        assert rows["side"].tolist() == ["long" if trade.side > 0 else "short" for trade in expected]
        points = [float((trade.exit_points - trade.entry_points) * trade.side) for trade in expected]
        assert rows["pips"].tolist() == pytest.approx([value / ticks.points_per_pip for value in points], abs=1e-9)
        rates = []
        for trade in expected:
            if quotes is None:
                rates.append(1.0)
                continue
            last = int(np.flatnonzero(quotes.time_ms <= ticks.time_ms[trade.exit_tick])[-1])
            mid = (int(quotes.bid[last]) + int(quotes.ask[last])) / 2 / quotes.scale
            rates.append(1 / mid if pair == "USDJPY" else mid)
        money = [value / ticks.scale * 100_000 * 0.5 * rate for value, rate in zip(points, rates, strict=True)]
        assert rows["profit"].tolist() == pytest.approx(money, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("pair", "currency", "legs"),
    [
        ("USDCAD", "EUR", [("USDCAD", -1), ("EURUSD", -1)]),
        ("USDJPY", "GBP", [("USDJPY", -1), ("GBPUSD", -1)]),
        ("EURGBP", "JPY", [("GBPUSD", 1), ("USDJPY", 1)]),
        ("GBPUSD", "CAD", [("USDCAD", 1)]),
        ("USDCAD", "GBP", [("USDCAD", -1), ("GBPUSD", -1)]),
    ],
)
def test_evaluate_pair_by_two_legs_has_each_trade_in_the_accounts_currency(
    request_for: Callable[..., PairRequest], pair: str, currency: str, legs: list[tuple[str, int]]
) -> None:
    request = request_for(pair, account=Account(currency=currency), lots=0.5)
    evaluate_pair(request, ignore)
    entry = store_of(request).folder(pair, request.key)
    described = pq.read_schema(entry / "metrics.parquet").metadata[b"necrozma.conversion"].decode()
    assert [part.split()[-1] for part in described.split(", ")] == [name for name, _ in legs]
    trades = store_of(request).read_trades(pair, request.key).to_pandas()
    pip = TickStore(request.data_dir).read(pair).pair.pip
    exits = trades["exit_time"].astype("int64").to_numpy() // (10**6 if "ns" in str(trades["exit_time"].dtype) else 1)
    rates = np.ones(len(trades))
    for name, power in legs:
        quotes = TickStore(request.data_dir).read(name)
        last = np.searchsorted(quotes.time_ms, exits, side="right") - 1
        rates *= ((quotes.bid[last] + quotes.ask[last]) / 2 / quotes.scale) ** power
    assert len(trades) > 100
    assert trades["profit"].tolist() == pytest.approx(trades["pips"] * float(pip) * 50_000 * rates, rel=1e-9, abs=1e-9)


def test_evaluate_pair_again_says_the_same_and_leaves_what_is_stored(request_for: Callable[..., PairRequest]) -> None:
    request = request_for()
    first = evaluate_pair(request, ignore)
    commit = store_of(request).folder("EURUSD", request.key) / "commit.json"
    written = commit.stat()
    second = evaluate_pair(request, ignore)
    assert replace(first, seconds={}) == replace(second, seconds={})
    assert commit.stat() == written


def test_evaluate_pair_elsewhere_gives_the_same_bytes(request_for: Callable[..., PairRequest], tmp_path: Path) -> None:
    one, other = request_for(), request_for(results_dir=tmp_path / "other")
    assert one.key == other.key
    for request in (one, other):
        evaluate_pair(request, ignore)
    for name in ("metrics.parquet", "moments.parquet", "returns.parquet", "trades.parquet", "commit.json"):
        first, second = (store_of(request).folder("EURUSD", request.key) / name for request in (one, other))
        assert first.read_bytes() == second.read_bytes()


def test_evaluate_pair_bad_strategies_fail_alone_by_name(
    request_for: Callable[..., PairRequest], tmp_path: Path
) -> None:
    request = request_for(source=user_source(tmp_path, MIXED))
    receipt = evaluate_pair(request, ignore)
    assert [name for name, _ in receipt.failures] == ["raises", "short array", "not a number"]
    assert "no such column" in receipt.failures[0][1]
    metrics = store_of(request).read_metrics("EURUSD", request.key).to_pydict()
    assert metrics["strategy"] == ["good", "silent"]
    assert metrics["trades"][0] > 0
    assert metrics["trades"][1] == 0
    assert metrics["note"][0] is None
    assert metrics["note"][1]


def test_evaluate_pair_every_strategy_bad_fails_and_stores_nothing(
    request_for: Callable[..., PairRequest], tmp_path: Path
) -> None:
    text = MIXED.replace('Fixed("good", every_tenth)', 'Fixed("good", broken)').replace(
        'Fixed("silent", lambda bars: np.zeros(len(bars), np.int8))', 'Fixed("silent", broken)'
    )
    request = request_for(source=user_source(tmp_path, text))
    expected = r"^EURUSD: all 5 strategies failed, the first with: strategy 'good' raised KeyError: 'no such column' \("
    with pytest.raises(AllStrategiesFailedError, match=expected) as caught:
        evaluate_pair(request, ignore)
    crossed = pickle.loads(pickle.dumps(caught.value))
    assert (str(crossed), crossed.strategies) == (str(caught.value), 5)
    assert not store_of(request).has("EURUSD", request.key)


def test_evaluate_pair_keep_trades_stores_those_of_the_best(request_for: Callable[..., PairRequest]) -> None:
    everything, few = request_for(keep_trades=None), request_for(keep_trades=3)
    for request in (everything, few):
        evaluate_pair(request, ignore)
    assert (
        store_of(everything)
        .read_metrics("EURUSD", everything.key)
        .equals(store_of(few).read_metrics("EURUSD", few.key))
    )
    metrics = store_of(few).read_metrics("EURUSD", few.key).to_pandas()
    lacking = metrics[["few_trades", "few_days", "constant_returns"]].astype(int)
    assert not lacking["constant_returns"].any()
    metrics["group"] = metrics["sharpe"].notna().astype(int) * (4 - lacking.sum(axis=1))
    best = metrics.sort_values(["group", "sharpe", "net_profit"], ascending=False, kind="stable")["strategy"][:3]
    kept = store_of(few).read_trades("EURUSD", few.key).to_pandas()["strategy"].unique()
    assert set(kept) == set(best)


def test_evaluate_pair_under_a_brokers_terms_has_its_pip_and_its_lot(
    request_for: Callable[..., PairRequest],
) -> None:
    terms = Terms(pip=0.001, contract_size=10_000)
    other = request_for(terms=terms)
    evaluate_pair(other, ignore)
    ticks = replace(TickStore(other.data_dir).read("EURUSD"), pair=get_pair("EURUSD").under(terms))
    bars = bars_from_ticks(ticks, other.timeframe_ms)
    stored = store_of(other).read_trades("EURUSD", other.key).to_pandas()
    for strategy in other.source.load()[:10]:
        signals = strategy.signals(bars).tolist()
        expected = naive_trades(ticks, other.timeframe_ms, signals, strategy.stop_loss_pips, strategy.take_profit_pips)
        rows = stored[stored["strategy"] == strategy.name]
        points = np.array([(trade.exit_points - trade.entry_points) * trade.side for trade in expected], float)
        assert rows["pips"].tolist() == pytest.approx((points / 100).tolist(), abs=1e-9)
        assert rows["profit"].tolist() == pytest.approx((points / 1e5 * 10_000 * 0.1).tolist(), abs=1e-9)


@pytest.mark.parametrize("size", ["risk:1%", "equity:300%", "volatility:0.5%"])
def test_evaluate_pair_with_sizes_stores_the_account_and_fixed_lots_beside(
    request_for: Callable[..., PairRequest], size: str
) -> None:
    asked, fixed = request_for(asked_size=Size.parse(size), keep_trades=None), request_for(keep_trades=None)
    for request in (asked, fixed):
        evaluate_pair(request, ignore)
    metrics = store_of(asked).read_metrics("EURUSD", asked.key).to_pandas()
    beside = store_of(fixed).read_metrics("EURUSD", fixed.key).to_pandas()
    for name in ("net_profit", "sharpe", "max_drawdown"):
        assert metrics[f"fixed_{name}"].tolist() == pytest.approx(beside[name].tolist(), nan_ok=True)
        assert beside[f"fixed_{name}"].isna().all()
    assert set(metrics["size"]) == {size}
    assert set(beside["size"]) == {"lots:0.1"}
    trades = store_of(asked).read_trades("EURUSD", asked.key).to_pandas()
    for name, rows in trades.groupby("strategy"):
        row = metrics[metrics["strategy"] == name].iloc[0]
        net = (rows["profit"] - rows["commission"] + rows["swap"]).to_numpy()
        assert row["net_profit"] == pytest.approx(net.sum(), abs=1e-6)
        assert row["lots"] == pytest.approx(rows["lots"].mean())
        if size == "equity:300%":
            # Three times the balance at each entry, rounded down to a hundredth of a lot.
            balance = 10_000 + np.concatenate(([0.0], np.cumsum(net)[:-1]))
            wanted = np.minimum(3 * balance / (rows["entry_price"].to_numpy() * 100_000), 100)
            assert (rows["lots"].to_numpy() <= wanted + 1e-9).all()
            assert (rows["lots"].to_numpy() > wanted - 0.01 - 1e-9).all()


def test_evaluate_pair_strategies_without_a_stop_fail_alone_where_the_stop_is_what_is_risked(
    request_for: Callable[..., PairRequest], tmp_path: Path
) -> None:
    text = MIXED.replace(
        "self.name, self.make = name, make",
        "self.name, self.make = name, every_tenth\n        self.stop_loss_pips = 5.0 if name == 'raises' else None",
    )
    receipt = evaluate_pair(request_for(source=user_source(tmp_path, text), asked_size=Size.parse("risk:1%")), ignore)
    assert [name for name, _ in receipt.failures] == ["good", "short array", "not a number", "silent"]
    assert receipt.failures[0][1].startswith("strategy 'good': --size risk:1%: a position has no stop")


def test_result_key_with_the_tables_terms_spelled_out_is_the_same(request_for: Callable[..., PairRequest]) -> None:
    assert request_for(terms=Terms(pip=0.0001, contract_size=100_000)).key == request_for().key


@pytest.mark.parametrize(
    "change",
    [
        {"pair": "GBPUSD"},
        {"timeframe_ms": MINUTE_MS},
        {"lots": 0.2},
        {"costs": Costs(commission_per_lot=3.5)},
        {"account": Account(currency="JPY")},
        {"keep_trades": None},
        {"terms": Terms(pip=0.001)},
        {"terms": Terms(contract_size=1_000)},
        {"terms": Terms(lot_step=0.1, min_lots=0.1)},
        {"terms": Terms(leverage=30.0)},
        {"asked_size": Size.parse("risk:1%")},
        {"account_margin": Margin(30.0)},
        {"sides": True},
        {"costs": Costs(swap_rates=(SwapRate(19_000, -0.5, 0.1),))},
    ],
)
def test_result_key_anything_that_matters_changed_is_another(
    request_for: Callable[..., PairRequest], change: dict[str, object]
) -> None:
    assert request_for(**change).key != request_for().key


def test_result_key_missing_conversion_names_the_pair(tmp_path: Path) -> None:
    write_samples(tmp_path / "data", ["EURGBP"], 2_000, 7)
    request = PairRequest("EURGBP", MINUTE_MS, StrategySource(), tmp_path / "data", tmp_path / "results")
    with pytest.raises(ConversionError, match=r"^EURGBP: .* from GBP into USD; import GBPUSD or EURUSD with"):
        result_key(request)


def test_evaluate_pair_checkpoint_is_called_before_every_strategy(request_for: Callable[..., PairRequest]) -> None:
    calls: list[tuple[str, int, int, str]] = []
    evaluate_pair(request_for(), lambda stage, done, total, label, ticks: calls.append((stage, done, total, label)))
    strategies = [call for call in calls if call[0] == "strategies"]
    assert [call[1] for call in strategies] == list(range(50))
    assert {call[2] for call in strategies} == {50}
    assert [call[0] for call in calls if call[0] != "strategies"][-1] == "publish"


VANDALS = """
import ctypes

import numpy as np

from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.indicators import rsi

class Fixed:
    params = {}
    stop_loss_pips = 5.0
    take_profit_pips = None
    def __init__(self, name, make):
        self.name, self.make = name, make
    def signals(self, bars):
        return self.make(bars)

def rising(bars):
    change = np.diff(bars.mid_close, prepend=bars.mid_close[:1]) + rsi(bars, 14) * 0
    return np.where(np.isnan(change), 0, np.sign(change)).astype(np.int8)

def flagged(bars):
    array = bars.mid_close
    array.flags.writeable = True
    array[:] = 1
    return rising(bars)

def flagged_base(bars):
    array = bars.mid_close
    array.base.flags.writeable = True
    array.base[:] = 1
    return rising(bars)

def around_numpy(bars):
    for array in (bars.mid_close, bars.mid2_points):
        ctypes.memset(array.ctypes.data, 1, array.nbytes)
    return rising(bars)

def only_remembered(bars):
    array = rsi(bars, 14)
    ctypes.memset(array.ctypes.data, 255, array.nbytes)
    return rising(bars)

def replaced(bars):
    object.__setattr__(bars, "mid2_points", bars.mid2_points[::-1])
    return rising(bars)

def reshaped(bars):
    bars.remember("mine", lambda: np.zeros(8)).shape = (2, 4)
    return rising(bars)

def poisoned(bars):
    bars.remember("bid_open_points", lambda: np.full(len(bars), 7, np.int32))
    bars.remember(("mid", "close"), lambda: np.full(len(bars), 7, np.int32))
    return rising(bars) * 0

class Crooked(SmaCross):
    def _signals(self, bars):
        return rising(bars)

def strategies():
    return [*VANDALS, Fixed("rising", rising), SmaCross(10, 30, stop_loss_pips=20)]
"""


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("flagged", "cannot set WRITEABLE flag to True"),
        ("flagged_base", "raised "),
        ("around_numpy", "'vandal' changed the bars, which other strategies read too"),
        ("only_remembered", "'vandal' changed the bars"),
        ("replaced", "'vandal' changed the bars"),
    ],
)
def test_evaluate_pair_strategy_that_changes_the_bars_fails_alone(
    request_for: Callable[..., PairRequest], tmp_path: Path, deed: str, told: str
) -> None:
    alone = request_for(source=user_source(tmp_path, VANDALS.replace("*VANDALS, ", "")))
    evaluate_pair(alone, ignore)
    after = request_for(source=user_source(tmp_path, VANDALS.replace("*VANDALS", f'Fixed("vandal", {deed})')))
    receipt = evaluate_pair(after, ignore)

    assert [name for name, _ in receipt.failures] == ["vandal"]
    assert told in receipt.failures[0][1]
    assert store_of(after).read_metrics("EURUSD", after.key).equals(store_of(alone).read_metrics("EURUSD", alone.key))
    assert store_of(after).read_trades("EURUSD", after.key).equals(store_of(alone).read_trades("EURUSD", alone.key))


@pytest.mark.parametrize(
    "neighbour", ['Fixed("odd", reshaped)', 'Fixed("odd", poisoned)', "Crooked(10, 30, stop_loss_pips=30)"]
)
def test_evaluate_pair_strategy_s_own_doings_do_not_reach_the_built_in_ones(
    request_for: Callable[..., PairRequest], tmp_path: Path, neighbour: str
) -> None:
    alone = request_for(source=user_source(tmp_path, VANDALS.replace("*VANDALS, ", "")))
    evaluate_pair(alone, ignore)
    after = request_for(source=user_source(tmp_path, VANDALS.replace("*VANDALS", neighbour)))
    assert evaluate_pair(after, ignore).failures == ()

    metrics = [store_of(request).read_metrics("EURUSD", request.key).to_pylist() for request in (alone, after)]
    assert metrics[1][-1] == metrics[0][-1]
    assert metrics[0][-1]["strategy"] == "sma_cross(10,30) sl20"


ISOLATED = (
    MIXED.replace("def strategies():\n    return [", "def strategies():\n    return [SmaCross(5, 20), Mine(30, 40), ")
    + """
import os, subprocess
from dataclasses import dataclass
from necrozma_core.strategies.families.sma_cross import SmaCross

@dataclass(frozen=True)
class Mine(SmaCross):
    def explain_silence(self, bars):
        return "a reason of its own"
    def _signals(self, bars):
        return np.zeros(len(bars), np.int8)
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself")
def test_user_s_file_in_a_process_of_its_own_gives_the_same_bytes(
    request_for: Callable[..., PairRequest], tmp_path: Path
) -> None:
    source = user_source(tmp_path, ISOLATED)
    here, apart = request_for(source=source), request_for(source=source, results_dir=tmp_path / "apart")
    evaluate_pair(here, ignore)
    pids: list[int] = []
    # Having read a CSV file, Arrow holds a pipe that it closes at every fork.
    assert pa_csv.read_csv(BytesIO(b"a\n1\n")).num_rows == 1
    receipt = evaluate_pair(apart, ignore, pids.append)

    assert len(receipt.failures) == 3
    for name in ("metrics.parquet", "moments.parquet", "returns.parquet", "trades.parquet", "commit.json"):
        first, second = (store_of(request).folder("EURUSD", request.key) / name for request in (here, apart))
        assert first.read_bytes() == second.read_bytes()
    notes = store_of(apart).read_metrics("EURUSD", apart.key).to_pydict()
    assert notes["note"][notes["strategy"].index("sma_cross(30,40)")] == "a reason of its own"
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself")
def test_user_s_file_whose_strategies_fail_is_loaded_once_more_at_most(
    request_for: Callable[..., PairRequest], tmp_path: Path
) -> None:
    loads = tmp_path / "loads"
    text = MIXED.replace("[\n", "[*(Fixed(f'raises {n}', broken) for n in range(9)),\n") + (
        f"\nwith open({str(loads)!r}, 'a') as file:\n    file.write('x')\n"
    )
    receipt = evaluate_pair(request_for(source=user_source(tmp_path, text)), ignore, lambda _: None)
    assert len(receipt.failures) == 12
    assert loads.read_text() == "xx"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself")
def test_user_s_file_that_cannot_be_loaded_again_fails_what_is_left_of_it_by_name(
    request_for: Callable[..., PairRequest], tmp_path: Path
) -> None:
    text = (
        MIXED
        + f"""
if os.path.exists({str(tmp_path / "loaded")!r}):
    raise ValueError("once only")
open({str(tmp_path / "loaded")!r}, "w").close()
"""
    )
    text = text.replace(
        "import numpy as np", "import os, threading\nimport numpy as np\nthreading.Timer(30, print).start()", 1
    )
    receipt = evaluate_pair(request_for(source=user_source(tmp_path, text)), ignore, lambda _: None)
    assert receipt.failures[0][0] == "raises"
    assert "once only" in receipt.failures[0][1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself")
def test_processes_that_a_strategy_leaves_end_with_it(request_for: Callable[..., PairRequest], tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = MIXED.replace(
        "    raise KeyError",
        f"""    import subprocess
    with open({str(note)!r}, "w") as file:
        file.write(str(subprocess.Popen(["sleep", "600"]).pid))
    raise KeyError""",
    )
    evaluate_pair(request_for(source=user_source(tmp_path, text)), ignore, lambda _: None)
    child = int(note.read_text())
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=30)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_strategies_that_were_set_aside_are_not_run(request_for: Callable[..., PairRequest], tmp_path: Path) -> None:
    request = request_for(source=user_source(tmp_path, MIXED))
    aside = request_for(source=request.source, set_aside=((0, "set aside, because it never ends"),))
    receipt = evaluate_pair(aside, ignore)
    assert aside.key != request.key
    assert receipt.failures[0] == ("good", "strategy 'good': set aside, because it never ends")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a user's file runs in the worker itself")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import os\nos._exit(3)", "loading it ended its process with status 3"),
        ("raise KeyboardInterrupt", "running it raised KeyboardInterrupt"),
        ("def strategies():\n    return []", "an empty list"),
        ("import os\nos.closerange(3, 100)\ndef strategies():\n    return []", "loading it closed descriptors"),
    ],
)
def test_user_s_file_that_cannot_be_loaded_leaves_no_process(
    request_for: Callable[..., PairRequest], tmp_path: Path, text: str, problem: str
) -> None:
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(UsageError, match=problem):
        evaluate_pair(request_for(source=user_source(tmp_path, text)), ignore, lambda _: None)
    assert set(psutil.Process().children(recursive=True)) <= before
