"""What the settings say reaches what the sweep is asked to do."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.settings import Settings, load_settings, restore_settings
from flows.sweep_request import sweep_request
from necrozma_core.errors import UsageError
from necrozma_core.market.instruments import Terms
from necrozma_core.money.costs import Account, CommissionTerms, Costs
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.money.swaps import SwapTable
from necrozma_core.strategies.source import SourceKind, StrategySource
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.priority import Priority
from necrozma_core.workers.limits import WorkerLimits


def test_defaults_of_the_settings_are_those_of_a_request() -> None:
    made, plain = sweep_request(load_settings()), SweepRequest(data=Path("data"), results=Path("results"))
    for name in ("data", "results", "pairs", "source", "timeframe", "lots", "size", "margin", "costs", "commissions",
                 "swap_pips", "swap_table", "swap_triple_day", "account", "conversion", "instruments", "keep_trades",
                 "limits", "workers", "latency_ms", "max_quote_age_ms"):  # fmt: skip
        assert getattr(made, name) == getattr(plain, name), name


def test_description_of_a_request_is_the_record_of_its_settings() -> None:
    settings = load_settings(
        {"pairs": "EURUSD", "workers": 2, "grid": "family=rsi period=7", "commission": 3.5, "label": "a"}
    )
    record, described = settings.record(), sweep_request(settings).described()
    # A script is allowed as many workers as it asks for.
    assert described == {name: record[name] for name in described} | {"max_workers": 2}
    # What only the command has is all that is not there.
    assert record.keys() - described.keys() == {"history", "prefect_home", "repairs"}


def test_run_of_a_script_is_retried_with_what_it_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def strategies():\n    return []\n")
    (tmp_path / "rates.csv").write_text("pair,date,long,short,unit\nEURUSD,2024-01-01,-0.5,0.1,pips\n")
    asked = SweepRequest(
        data=tmp_path / "data",
        results=tmp_path / "results",
        pairs=("EURUSD", "USDJPY"),
        source=StrategySource.from_file(tmp_path / "mine.py"),
        timeframe="1h",
        lots=0.5,
        size=Size.parse("risk:1.5%"),
        margin=Margin(30.0, 80.0),
        costs=Costs(3.5, 0.2, 0.0, 0.0, 0.4, 20.0, 0.01, 2.0),
        commissions={"XAUUSD": CommissionTerms(per_lot=5.0, minimum=0.0)},
        latency_ms=250,
        max_quote_age_ms=1_500,
        swap_pips={"EURUSD": (-0.5, 0.1)},
        swap_table=SwapTable.from_file(tmp_path / "rates.csv"),
        swap_triple_day={"USDCAD": "thursday"},
        instruments={"XAUUSD": Terms(0.01, 10), "XAGUSD": Terms(None, 1_000, 0.1, 0.1, 5.0, 20.0)},
        conversion="side",
        account=Account("EUR", 5_000.0),
        keep_trades=None,
        limits=Limits(workers=24, cpu_limit=60.0, memory_floor_mb=99.0, max_temperature_c=70.0),
        workers=WorkerLimits(Priority.NICE, 900, 11.0),
    )
    again = sweep_request(restore_settings(json.loads(json.dumps(asked.described()))))
    for name in ("data", "results", "pairs", "source", "timeframe", "lots", "size", "margin", "costs", "commissions",
                 "swap_pips", "swap_table", "swap_triple_day", "account", "conversion", "instruments", "keep_trades",
                 "limits", "workers", "latency_ms", "max_quote_age_ms"):  # fmt: skip
        assert getattr(again, name) == getattr(asked, name), name


def test_settings_of_every_room_arrive(tmp_path: Path) -> None:
    rates = {"EURUSD": {"long": -0.5, "short": 0.1}}
    asked: dict[str, Any] = {
        "data": tmp_path / "d", "results": tmp_path / "r", "pairs": "EURUSD,USDJPY", "timeframe": "1h", "lots": 0.5,
        "commission": 3.5, "slippage_pips": 0.2, "swap_rates": rates, "account_currency": "EUR", "size": "equity:200%",
        "leverage": 30, "commission_percent": 0.01, "commissions": {"GBPUSD": {"percent": 0.02}},
        "swap_triple_day": {"USDCAD": "thursday"}, "spread_markup_pips": 0.3, "conversion": "side",
        "instruments": {"XAUUSD": {"pip": 0.01, "contract_size": 10}},
        "initial_balance": 5_000, "keep_trades": "all", "workers": 3, "cpu_limit": 60, "cooldown_seconds": 7,
        "adaptive_throttling": False, "cpu_check_interval": 9, "max_temperature_c": 70, "memory_floor_mb": 99,
        "pair_timeout_s": 11, "worker_memory_mb": 900, "grid": "family=rsi period=7",
        "strict": True, "latency_ms": 250, "max_quote_age_s": 1.5,
    }  # fmt: skip
    sweep = sweep_request(load_settings(asked))
    assert (sweep.data, sweep.results, sweep.pairs) == (tmp_path / "d", tmp_path / "r", ("EURUSD", "USDJPY"))
    assert (sweep.timeframe, sweep.timeframe_ms, sweep.lots) == ("1h", 3_600_000, 0.5)
    costs = Costs(3.5, 0.2, spread_markup_pips=0.3, commission_percent=0.01)
    assert (sweep.costs, sweep.swap_pips) == (costs, {"EURUSD": (-0.5, 0.1)})
    assert sweep.costs_of("GBPUSD") == replace(costs, commission_percent=0.02)
    assert sweep.costs_of("USDCAD") == replace(costs, swap_triple_day="thursday")
    assert (sweep.size, sweep.margin, sweep.conversion) == (Size.parse("equity:200%"), Margin(30.0), "side")
    assert (sweep.account, sweep.keep_trades, sweep.strict) == (Account("EUR", 5_000.0), None, True)
    assert (sweep.source.kind, sweep.source.text) == (SourceKind.GRID, "family=rsi period=7")
    assert (sweep.latency_ms, sweep.max_quote_age_ms) == (250, 1_500)
    assert sweep.instruments == {"XAUUSD": Terms(0.01, 10)}
    limits = sweep.limits
    assert (limits.workers, limits.cpu_limit, limits.cooldown_s, limits.cooldown_explicit) == (3, 60.0, 7.0, True)
    assert (limits.adaptive, limits.cpu_check_interval) == (False, 9)
    assert (limits.max_temperature_c, limits.memory_floor_mb) == (70.0, 99.0)
    assert (sweep.workers.pair_timeout_s, sweep.workers.memory_mb) == (11.0, 900)


@pytest.mark.parametrize(
    ("settings", "priority"),
    [
        ({}, Priority.NORMAL),
        ({"nice": True}, Priority.NICE),
        ({"background": True}, Priority.BACKGROUND),
        ({"nice": True, "background": True}, Priority.BACKGROUND),
    ],
)
def test_workers_step_back_as_far_as_was_asked(settings: dict[str, bool], priority: Priority) -> None:
    assert sweep_request(load_settings(settings)).workers.priority is priority


def test_retry_is_the_command_that_asks_for_the_same_again(tmp_path: Path) -> None:
    settings = load_settings({"results": tmp_path, "pairs": "EURUSD", "workers": 2})
    words = shlex.split(sweep_request(settings).retry)
    assert (Path(words[0]).name, words[1]) == ("necrozma", "backtest")
    assert {"--results", str(tmp_path), "--pairs", "EURUSD", "--workers", "2"} <= set(words)


def test_strategies_that_cannot_be_read_are_refused_before_anything_starts(tmp_path: Path) -> None:
    settings: Settings = load_settings({"strategies": tmp_path / "missing.py"})
    with pytest.raises(UsageError, match=r"missing\.py"):
        sweep_request(settings)
