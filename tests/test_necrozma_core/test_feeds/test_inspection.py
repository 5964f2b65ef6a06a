"""Doubtful ticks: slipped digits, wild spreads, a wrong zone, another pair's prices."""

from pathlib import Path

import numpy as np
import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.inspection import Doubt, inspect
from necrozma_core.feeds.intake import import_files
from necrozma_core.feeds.plausibility import check_level
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.market.levels import LEVELS
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.store import TickStore


@pytest.fixture(scope="module")
def ticks(tmp_path_factory: pytest.TempPathFactory) -> Ticks:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, 1, 60_000, 3)
    return TickStore(folder).read("EURUSD")


def changed(ticks: Ticks, position: int, bid: int = 0, ask: int = 0) -> Ticks:
    sides = {"bid": ticks.bid.copy(), "ask": ticks.ask.copy()}
    sides["bid"][position] += bid
    sides["ask"][position] += ask
    return Ticks(ticks.pair, ticks.digits, ticks.time_ms, sides["bid"], sides["ask"])


def test_ticks_of_a_calm_market_give_no_doubt(ticks: Ticks) -> None:
    assert inspect(ticks) == ()


def test_digit_that_slipped_is_named_with_its_time(ticks: Ticks) -> None:
    (finding,) = inspect(changed(ticks, 100, bid=10_000, ask=10_000))

    assert (finding.doubt, finding.count) == (Doubt.JUMP, 1)
    assert finding.text.startswith("1 tick jumps by more than 2 % and back: 1.")
    assert str(np.datetime64(int(ticks.time_ms[100]), "ms")) in finding.text


def test_spread_of_thousands_of_pips_is_named(ticks: Ticks) -> None:
    findings = inspect(changed(ticks, 100, ask=50_000))

    assert [finding.doubt for finding in findings] == [Doubt.JUMP, Doubt.WIDE_SPREAD]
    assert "1 tick has a spread over 1 % of the price: 5,00" in findings[1].text


@pytest.mark.parametrize(("hours", "words"), [(7, "7 hours after"), (-5, "5 hours before"), (2, "2 hours after")])
def test_wrong_zone_shows_at_the_weeks_openings(ticks: Ticks, hours: int, words: str) -> None:
    moved = Ticks(ticks.pair, ticks.digits, ticks.time_ms + hours * 3_600_000, ticks.bid, ticks.ask)

    findings = inspect(moved)

    # What it moves into the weekend is named too.
    assert [finding.doubt for finding in findings] in ([Doubt.ZONE], [Doubt.ZONE, Doubt.WEEKEND])
    assert f"weeks open {words} 17:00 New York: check the zone" in findings[0].text


@pytest.mark.parametrize(
    ("pair", "price"), [("USDJPY", 0.86), ("XAUUSD", 15.8), ("EURUSD", 150.0), ("EURUSD", 11.0), ("USDJPY", 1.5)]
)
def test_prices_that_a_pair_never_had_are_refused_before_anything_is_kept(
    tmp_path: Path, pair: str, price: float
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"timestamp,bid,ask\n2024-01-15T00:00:00Z,{price},{price + 0.01}\n", encoding="utf-8")

    with pytest.raises(DataError, match=rf"a.csv: prices around {price:g} are not {pair}'s, which has been between"):
        import_files([path], pair, tmp_path / "data")
    assert not TickStore(tmp_path / "data").pairs()


def test_asks_that_a_pair_never_had_are_refused_like_bids(ticks: Ticks) -> None:
    wild = Ticks(ticks.pair, ticks.digits, ticks.time_ms, ticks.bid, np.full_like(ticks.ask, 900_000_000))

    with pytest.raises(DataError, match=r"a.csv: prices around 9,000 are not EURUSD's"):
        check_level(wild, "a.csv")


def test_every_pair_has_its_level() -> None:
    assert LEVELS.keys() == PAIRS.keys()
    assert all(0 < low < high for low, high in LEVELS.values())


def test_level_of_one_wild_quote_is_not_the_pairs(ticks: Ticks) -> None:
    check_level(changed(ticks, 0, bid=0, ask=9_000_000), "a.csv")


def test_levels_of_crosses_lie_within_those_of_their_legs() -> None:
    for name, (low, high) in LEVELS.items():
        pair = get_pair(name)
        first, second = LEVELS.get(f"{pair.base}USD"), LEVELS.get(f"{pair.quote}USD")
        if first and second:
            assert low < first[1] / second[0]
            assert high > first[0] / second[1]
