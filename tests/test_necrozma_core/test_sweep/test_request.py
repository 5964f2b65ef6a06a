"""What a sweep may be asked to do, and what is refused before anything starts."""

import math
from pathlib import Path
from typing import Any

import pytest

from necrozma_core.errors import UsageError
from necrozma_core.market.instruments import Terms
from necrozma_core.money.costs import Account, CommissionTerms, Costs
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.request import SweepRequest


def sweep(**others: Any) -> SweepRequest:
    return SweepRequest(data=Path("data"), results=Path("results"), **others)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pairs": ("EURUSX",)}, "EURUSX"),
        ({"pairs": "EURUSD"}, "several names"),
        ({"timeframe": "7min"}, "7min"),
        ({"lots": 0}, "lots=0"),
        ({"lots": -1.0}, "lots=-1.0"),
        ({"lots": math.nan}, "lots=nan"),
        ({"keep_trades": -3}, "keep_trades=-3"),
        ({"swap_pips": {"EURUSD": 1.0}}, "two numbers"),
        ({"swap_pips": {"EURUSD": (1.0, 2.0, 3.0)}}, "two numbers"),
        ({"swap_pips": {"EURUSD": (1.0, math.nan)}}, "swap_short_pips: expected a number"),
        ({"swap_pips": {"NOSUCH": (1.0, 1.0)}}, "NOSUCH"),
        ({"instruments": {"NOSUCH": Terms()}}, "NOSUCH"),
        ({"instruments": {"XAUUSD": Terms(pip=0.5)}}, "XAUUSD: a pip of 0.5"),
        ({"instruments": {"XAUUSD": {"pip": 0.01}}}, "expected Terms"),
        ({"latency_ms": -1}, "latency_ms=-1: expected a whole number of milliseconds from 0 to 600,000"),
        ({"latency_ms": 1.5}, "latency_ms=1.5"),
        ({"latency_ms": True}, "latency_ms=true"),
        ({"max_quote_age_ms": 0}, "max_quote_age_ms=0: expected a whole number of milliseconds from 1 to 604,800,000"),
        ({"max_quote_age_ms": math.nan}, "max_quote_age_ms=nan"),
        ({"costs": Costs(swap_long_pips=0.5)}, "swap_pips="),
        ({"swap_triple_day": {"EURUSD": "sunday"}}, "swap_triple_day: expected one of monday"),
        ({"commissions": {"EURUSD": CommissionTerms(percent=11.0)}}, "commission_percent: expected a number from 0"),
        ({"conversion": "bid"}, "conversion='bid': expected mid or side"),
        ({"instruments": {"XAUUSD": Terms(max_lots=0.05)}}, "XAUUSD: a size of 0.1 lots: expected no more than"),
    ],
)
def test_request_that_cannot_be_is_refused_in_one_line(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as refusal:
        sweep(**wrong)
    assert "\n" not in str(refusal.value)


def test_request_costs_of_a_pair_are_those_of_all_and_its_swap() -> None:
    asked = sweep(costs=Costs(3.5, 0.2), swap_pips={"EURUSD": (-0.5, 0.1)})
    assert asked.costs_of("EURUSD") == Costs(3.5, 0.2, -0.5, 0.1)
    assert asked.costs_of("GBPUSD") == Costs(3.5, 0.2)


def test_request_equal_arguments_make_equal_requests() -> None:
    assert sweep(account=Account("EUR", 1.0)) == sweep(account=Account("EUR", 1.0)) != sweep()


def test_description_has_paths_that_hold_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def strategies():\n    return []\n")
    described = sweep(source=StrategySource.from_file(Path("mine.py"))).described()
    assert described["strategies"] == str(tmp_path / "mine.py")
    assert described["data"] == str(tmp_path / "data")
