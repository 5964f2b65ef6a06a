"""Sweeps on bars without ticks, and on ranges of dates: what is chosen, recorded, ranked and said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from quote_bar_samples import make_bars

from necrozma_core.backtest.prices import Prices, choose_bars, converting_bars
from necrozma_core.errors import DataError, ExitCode, UsageError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.moments import parse_moment
from necrozma_core.reporting.marks import advice, origin_lines
from necrozma_core.reporting.page import render_report
from necrozma_core.storage.bars.manifest import BarSource
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.runs.manifest import read_manifest
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.plan import plan_requests
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.sweep.running import run_sweep

HOUR_MS = 3_600_000


def at(text: str) -> int:
    return parse_moment(text, "")


def store_bars(folder: Path, pair: str, number: int = 2_000, timeframe_ms: int = HOUR_MS, digits: int = 5) -> None:
    bars = make_bars("2024-01-01 00:00:00", number, pair=pair, timeframe_ms=timeframe_ms, digits=digits)
    BarStore(folder).add([(BarSource(f"{pair}.csv", f"{timeframe_ms:064d}"), bars)], "fixed 1.2 pips")


@pytest.fixture(scope="module")
def bars_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bars")
    for pair in ("EURUSD", "EURGBP", "GBPUSD"):
        store_bars(folder, pair)
    return folder


def test_sweep_on_bars_alone_says_everywhere_that_it_is_made_from_bars(bars_only: Path, tmp_path: Path) -> None:
    sweep = SweepRequest(data=bars_only, results=tmp_path, timeframe="4h", day_end="17:00 America/New_York")
    outcome = run_sweep(sweep)
    assert (outcome.exit_code, [receipt.made_from for receipt in outcome.receipts]) == (ExitCode.OK, ["1h bars"] * 3)
    assert {receipt.ticks for receipt in outcome.receipts} == {2_000}
    assert outcome.ranking_path is not None
    assert outcome.report_path is not None
    ranking = pq.read_table(outcome.ranking_path)
    assert set(ranking["made_from"].to_pylist()) == {"1h bars"}
    assert sum(ranking["trades"].to_pylist()) > 0
    assert "Made from 1h bars" in outcome.report_path.read_text()
    manifest = read_manifest(outcome.ranking_path.parent)
    assert manifest.inputs["EURUSD"] == BarStore(bars_only).fingerprint("EURUSD", HOUR_MS)
    again = run_sweep(sweep)
    assert again.all_stored


def test_prices_auto_takes_ticks_where_there_are_some_and_the_finest_bars_elsewhere(
    bars_only: Path, tmp_path: Path
) -> None:
    write_samples(tmp_path, ["EURUSD"], 500, 1)
    for pair in ("EURUSD", "GBPUSD"):
        store_bars(tmp_path, pair)
        store_bars(tmp_path, pair, timeframe_ms=HOUR_MS // 4)
    day = 24 * HOUR_MS
    assert choose_bars(tmp_path, "EURUSD", day, Prices.AUTO) is None
    assert choose_bars(tmp_path, "EURUSD", day, Prices.BARS) == HOUR_MS
    assert choose_bars(tmp_path, "GBPUSD", day, Prices.AUTO) == HOUR_MS
    assert choose_bars(tmp_path, "GBPUSD", HOUR_MS // 4, Prices.AUTO) == HOUR_MS // 4
    assert choose_bars(tmp_path, "AUDUSD", day, Prices.AUTO) is None
    with pytest.raises(DataError, match=r"GBPUSD: no bars of 5min can be made of those stored \(15min, 1h\)"):
        choose_bars(tmp_path, "GBPUSD", 300_000, Prices.AUTO)
    with pytest.raises(DataError, match="no bars of AUDUSD there"):
        choose_bars(tmp_path, "AUDUSD", day, Prices.BARS)


def test_bars_of_a_month_do_not_take_the_place_of_years(tmp_path: Path) -> None:
    store_bars(tmp_path, "GBPUSD", number=5_000)
    store_bars(tmp_path, "GBPUSD", number=2_000, timeframe_ms=60_000)
    assert choose_bars(tmp_path, "GBPUSD", HOUR_MS, Prices.AUTO) == HOUR_MS
    assert converting_bars(tmp_path, "GBPUSD") == HOUR_MS
    day = DateRange(at("2024-01-01"), at("2024-01-02"))
    assert choose_bars(tmp_path, "GBPUSD", HOUR_MS, Prices.AUTO, day) == 60_000


def test_key_changes_with_what_results_are_made_from_and_about(bars_only: Path, tmp_path: Path) -> None:
    def key(**changes: object) -> str:
        sweep = SweepRequest(data=bars_only, results=tmp_path, pairs=("EURUSD",), **{"timeframe": "1d", **changes})  # type: ignore[arg-type]
        return plan_requests(sweep)[0].key

    dates = DateRange(at("2024-01-10"), None)
    keys = [
        key(),
        key(day_end="17:00 America/New_York"),
        key(offset="1h"),
        key(dates=dates),
        key(dates=DateRange(None, at("2024-02-10"))),
        key(holdout_ms=at("2024-02-11")),
        key(holdout_ms=at("2024-02-11"), use_holdout=True),
    ]
    assert len(set(keys)) == len(keys)
    # A hold-out that nobody looks at is the end of the range.
    assert key(holdout_ms=at("2024-02-10")) == keys[4]


def test_sweep_holdout_is_recorded_reported_and_not_ranked_on(bars_only: Path, tmp_path: Path) -> None:
    border = at("2024-02-20")
    base = {"data": bars_only, "results": tmp_path, "pairs": ("EURUSD",), "timeframe": "1h", "holdout_ms": border}
    kept = run_sweep(SweepRequest(**base))  # type: ignore[arg-type]
    looked = run_sweep(SweepRequest(**base, use_holdout=True))  # type: ignore[arg-type]
    assert kept.ranking_path is not None
    assert looked.ranking_path is not None
    before, after = (pq.read_table(path) for path in (kept.ranking_path, looked.ranking_path))
    ranked = [name for name in before.column_names if not name.startswith("holdout_")]
    assert before.select(ranked).equals(after.select(ranked))
    assert set(before["holdout_trades"].to_pylist()) == {None}
    assert max(after["holdout_trades"].to_pylist()) > 0
    settings = read_manifest(looked.ranking_path.parent).settings
    assert (settings["holdout"], settings["use_holdout"]) == ("2024-02-20", True)
    pages = [path.read_text() for path in (kept.report_path, looked.report_path) if path is not None]
    assert "From 2024-02-20 on nothing was ranked" in pages[0]
    assert "The hold-out, from 2024-02-20 on, was looked at" in pages[1]
    assert "hold-out: trades" in pages[1]


def test_settings_file_says_dates_where_the_command_does_not(bars_only: Path, tmp_path: Path) -> None:
    text = (
        "[range]\nfrom = 2024-01-05\nto = 2024-03-01T12:00:00Z\nholdout = '2024-02-20'\n"
        "[[grid]]\nfamily = 'rsi'\nperiod = [7, 14]\n"
    )
    (tmp_path / "grid.toml").write_text(text)
    source = StrategySource.from_settings(tmp_path / "grid.toml")
    base = {"data": bars_only, "results": tmp_path, "source": source}
    dates, holdout = SweepRequest(**base).split()  # type: ignore[arg-type]
    assert (dates, holdout) == (
        DateRange(at("2024-01-05"), at("2024-02-20")),
        DateRange(at("2024-02-20"), at("2024-03-01T12:00:00Z")),
    )
    dates, holdout = SweepRequest(**base, dates=DateRange(None, at("2024-04-01"))).split()  # type: ignore[arg-type]
    assert (dates.from_ms, dates.to_ms, holdout) == (
        None,
        at("2024-02-20"),
        DateRange(at("2024-02-20"), at("2024-04-01")),
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[range]\nfrm = 2024-01-05\n", "[range] has no frm: did you mean from?"),
        ("[range]\nfrom = 'soon'\n", "[range] from soon: expected a day such as 2024-01-15"),
        ("[range]\nfrom = 2024-01-05T10:00:00\n", "expected a time with its zone"),
        ("[range]\nfrom = 2024-01-05\nto = 2024-01-05\n", "is not before"),
        ("[[range]]\nfrom = 2024-01-05\n", "expected [range], with one bracket on each side"),
    ],
)
def test_settings_file_whose_dates_cannot_be_is_refused(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "grid.toml").write_text(f"{table}[[grid]]\nfamily = 'rsi'\n")
    source = StrategySource.from_settings(tmp_path / "grid.toml")
    with pytest.raises(UsageError) as caught:
        SweepRequest(data=tmp_path, results=tmp_path, source=source)
    assert message in str(caught.value).replace("'", "")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"use_holdout": True}, "--use-holdout: there is no hold-out to look at"),
        ({"holdout_ms": 0, "dates": DateRange(0, 10)}, "expected a time within the range"),
        ({"holdout_ms": 10, "dates": DateRange(0, 10)}, "expected a time within the range"),
        ({"prices": "candles"}, "expected one of auto, ticks, bars"),
        ({"day_end": "noon"}, "--day-end noon: expected a time and a zone"),
        ({"offset": "5min"}, "--offset 5min: expected less than the timeframe, 5min"),
    ],
)
def test_request_that_contradicts_itself_is_refused(tmp_path: Path, asked: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        SweepRequest(data=tmp_path, results=tmp_path, **asked)  # type: ignore[arg-type]
    assert message in str(caught.value).replace("'", "")


def test_pair_without_prices_in_the_range_fails_alone(bars_only: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    store_bars(data, "EURUSD", 400)
    store_bars(data, "GBPUSD", 2_000)
    dates = DateRange(at("2024-02-15"), None)
    outcome = run_sweep(SweepRequest(data=data, results=tmp_path / "results", timeframe="1h", dates=dates))
    assert outcome.exit_code is ExitCode.PAIRS_FAILED
    assert [receipt.pair for receipt in outcome.receipts] == ["GBPUSD"]
    [(pair, error)] = outcome.failures
    assert (pair, str(error)[:68]) == ("EURUSD", "EURUSD: expected 1h bars in the range from 2024-02-15, found none; s")


def test_advice_names_the_hold_out() -> None:
    assert advice({"holdout": "2024-01-01"}) == "try them on the hold-out, from 2024-01-01 on."
    assert advice({}) == "try them on years that played no part here."
    assert origin_lines([{"made_from": None}], {}) == []


def test_report_of_a_hostile_hold_out_shows_it_as_text() -> None:
    from necrozma_core.storage.results.schemas import RANKING_SCHEMA

    page = render_report(RANKING_SCHEMA.empty_table(), {"settings": {"holdout": "<script>x</script>"}})
    assert "<script>x" not in page


def test_daily_bars_of_new_york_have_the_open_of_sunday_evening(bars_only: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from necrozma_core.backtest.market_loading import load_market

    sweep = SweepRequest(data=bars_only, results=tmp_path, pairs=("EURUSD",), timeframe="1d")
    request = plan_requests(replace(sweep, day_end="17:00 America/New_York"))[0]
    market = load_market(request, lambda *_: None)
    given = BarStore(bars_only).read("EURUSD", HOUR_MS)
    first = int(np.searchsorted(given.open_time_ms, market.bars.open_time_ms[2]))
    assert market.bars.bid_points[2, 0] == given.bid[first, 0]


def test_sweep_latency_is_refused_where_there_are_only_bars(bars_only: Path, tmp_path: Path) -> None:
    asked = SweepRequest(data=bars_only, results=tmp_path, timeframe="4h", latency_ms=250)
    with pytest.raises(UsageError) as caught:
        plan_requests(asked)
    assert "--latency-ms 250: " in str(caught.value)
    assert "has no ticks to tell it by, only bars of 1h" in str(caught.value)


def test_sweep_latency_and_oldest_quote_arrive_in_every_request_and_in_its_key(tmp_path: Path) -> None:
    write_samples(tmp_path / "data", ["EURUSD"], 2_000, 1)
    plain = SweepRequest(data=tmp_path / "data", results=tmp_path / "results")
    asked = replace(plain, latency_ms=250, max_quote_age_ms=1_500)
    (request,) = plan_requests(asked)
    assert (request.latency_ms, request.max_quote_age_ms) == (250, 1_500)
    assert (request.execution.latency_ms, request.execution.max_quote_age_ms) == (250, 1_500)
    keys = {plan_requests(each)[0].key for each in (plain, asked, replace(plain, latency_ms=250))}
    assert len(keys) == 3
