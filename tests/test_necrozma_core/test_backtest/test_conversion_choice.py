"""Which pairs convert a pair's profits: the stored ticks decide, and the same ticks decide alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tick_samples import utc_ms

from necrozma_core.backtest.conversion_choice import choose_path, legs_of
from necrozma_core.backtest.key import result_key, with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import ConversionError, DamagedError
from necrozma_core.market.calendars import DAY_MS
from necrozma_core.market.conversion_paths import describe_path
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.costs import Account
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

START = utc_ms("2024-01-08")


def keep(store: TickStore, name: str, mid: int, spread: int, first: int = 0, last: int = 30) -> None:
    """Store a quote a day from the first to the last, in points and with a spread of so many points."""
    time_ms = START + np.arange(first, last + 1, dtype=np.int64) * DAY_MS
    bid = np.full(len(time_ms), mid, np.int32)
    store.write(Ticks(get_pair(name), 3 if name.endswith("JPY") else 5, time_ms, bid, bid + np.int32(spread)))


@pytest.fixture
def store(tmp_path: Path) -> TickStore:
    store = TickStore(tmp_path / "data")
    keep(store, "USDCAD", 135_000, 20)
    keep(store, "EURUSD", 110_000, 10)
    return store


def chosen(store: TickStore, pair: str, currency: str) -> list[str]:
    return [leg.pair.name for leg in choose_path(store, pair, currency)]


def test_path_of_a_pair_in_its_own_quote_currency_is_empty(store: TickStore) -> None:
    assert chosen(store, "EURUSD", "USD") == []


def test_path_by_two_pairs_is_taken_where_the_single_one_is_not_stored(store: TickStore) -> None:
    assert chosen(store, "USDCAD", "EUR") == ["USDCAD", "EURUSD"]
    keep(store, "EURCAD", 150_000, 900)
    assert chosen(store, "USDCAD", "EUR") == ["EURCAD"]


def test_path_of_two_is_the_one_with_the_least_relative_spread(store: TickStore) -> None:
    keep(store, "GBPCAD", 170_000, 20)
    keep(store, "EURGBP", 86_000, 20)
    # 20/135,020 + 10/110,010 is less than 20/170,020 + 20/86,020.
    assert chosen(store, "USDCAD", "EUR") == ["USDCAD", "EURUSD"]
    assert chosen(store, "GBPCAD", "EUR") == ["USDCAD", "EURUSD"]
    keep(store, "AUDCAD", 90_000, 2)
    keep(store, "EURAUD", 165_000, 2)
    assert chosen(store, "GBPCAD", "EUR") == ["AUDCAD", "EURAUD"]


def test_path_of_two_that_cost_the_same_is_the_first_by_name(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    for name in ("USDCAD", "EURUSD", "GBPCAD", "EURGBP", "AUDCAD", "EURAUD"):
        keep(store, name, 100_000, 10)
    assert chosen(store, "USDCAD", "EUR") == ["AUDCAD", "EURAUD"]


def test_path_of_two_with_quotes_for_all_of_the_traded_pair_goes_before_a_cheaper_one(store: TickStore) -> None:
    keep(store, "AUDCAD", 90_000, 1)
    keep(store, "EURAUD", 165_000, 1, last=20)
    assert chosen(store, "USDCAD", "EUR") == ["USDCAD", "EURUSD"]
    # A leg may end seven days before: so long its last quote counts.
    keep(store, "EURAUD", 165_000, 1, first=21, last=23)
    assert chosen(store, "USDCAD", "EUR") == ["AUDCAD", "EURAUD"]


@pytest.mark.parametrize(
    ("pair", "currency", "expected"),
    [
        # What needs the fewest imports, and of those the pairs with the dollar first.
        ("USDCAD", "GBP", "no stored ticks convert its profits from CAD into GBP; import GBPUSD or GBPCAD or EURGBP"),
        ("USDNOK", "GBP", "no stored ticks convert its profits from NOK into GBP; import GBPUSD with"),
        ("USDCAD", "PLN", "no stored ticks convert its profits from CAD into PLN; import USDPLN or EURPLN"),
    ],
)
def test_path_that_is_not_there_is_refused_by_what_would_make_one(
    store: TickStore, pair: str, currency: str, expected: str
) -> None:
    if currency == "GBP":
        keep(store, "USDNOK", 1_050_000, 300)
    if pair == "USDCAD":
        keep(store, "EURCAD", 150_000, 30)
    with pytest.raises(ConversionError) as caught:
        choose_path(store, pair, currency)
    text = str(caught.value)
    assert text.startswith(f"{pair}: {expected}")
    assert f"--to {store.data_dir}`" in text


def test_path_over_a_damaged_record_is_refused_by_that(store: TickStore) -> None:
    (store.data_dir / "EURUSD" / "manifest.json").write_text("{}")
    with pytest.raises(DamagedError, match="EURUSD"):
        legs_and_key(store)


def legs_and_key(store: TickStore) -> tuple[list[str], str]:
    account = Account(currency="EUR")
    request = PairRequest(
        "USDCAD", 60_000, StrategySource(), store.data_dir, store.data_dir / "results", account=account
    )
    request = with_key(request)
    assert request.key == result_key(replace(request, key="", legs=None))
    return describe_path(legs_of(request)), request.key


def test_key_changes_with_the_ticks_of_each_leg_and_with_the_path_and_with_nothing_else(store: TickStore) -> None:
    both = ["CAD to USD by USDCAD", "USD to EUR by EURUSD"]
    seen = [legs_and_key(store)]
    keep(store, "AUDUSD", 65_000, 10)
    assert legs_and_key(store) == seen[0]
    # One more day of the second leg, then of the first.
    keep(store, "EURUSD", 110_000, 10, first=31, last=31)
    seen.append(legs_and_key(store))
    keep(store, "USDCAD", 135_000, 20, first=31, last=31)
    seen.append(legs_and_key(store))
    assert [path for path, _ in seen] == [both] * 3
    keep(store, "EURCAD", 150_000, 30)
    seen.append(legs_and_key(store))
    assert seen[-1][0] == ["CAD to EUR by EURCAD"]
    assert len({key for _, key in seen}) == 4
