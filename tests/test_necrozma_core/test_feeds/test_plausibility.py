"""What cannot be of the pair it is said to be of: refused, and nothing kept."""

from pathlib import Path

import numpy as np
import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import import_files
from necrozma_core.feeds.plausibility import check_ticks_of_pair, crosses_of
from necrozma_core.feeds.sorting import sort_files
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.store import TickStore

NOW_NS = 1_790_000_000 * 10**9
DAY_MS = 86_400_000


def ticks_of(pair: str, price: float, spread_pips: float = 1.0, digits: int | None = None, day: str = "2024-01-15"):
    """A thousand quotes, a minute apart, for two days."""
    known = get_pair(pair)
    digits = known.point_digits if digits is None else digits
    time_ms = int(np.datetime64(day, "ms").astype(np.int64)) + np.arange(2_000) * 60_000
    bid = (round(price * 10**digits) + np.arange(2_000) % 2).astype(np.int32)
    ask = bid + np.int32(round(spread_pips * float(known.points_per_pip(digits))))
    return Ticks(known, digits, time_ms, bid, ask)


def write(path: Path, ticks: Ticks) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sides = ((side / ticks.scale).tolist() for side in (ticks.bid, ticks.ask))
    rows = zip(ticks.time_ms.tolist(), *sides, strict=True)
    path.write_text("time,bid,ask\n" + "".join(f"{time},{bid:.9g},{ask:.9g}\n" for time, bid, ask in rows))
    return path


def bring(path: Path, pair: str, data: Path) -> None:
    import_files([path], pair, data, now_ns=lambda: NOW_NS)


@pytest.mark.parametrize(
    ("pair", "price", "spread", "digits", "words"),
    [
        ("USDJPY", 150.0, 0.024, 5, "a usual spread of 0.024 pips, 0.00016 % of the price, is not USDJPY's"),
        ("EURUSD", 1.09, 900.0, 5, "a usual spread of 900 pips, 8.3 % of the price, is not EURUSD's"),
        ("EURUSD", 1.09, 1000.0, 1, "a usual spread of 1,000 pips"),
        ("EURUSD", 1.09, 0.0, 2, "prices of 2 decimals, steps of 100 pips, are not EURUSD's, which is quoted with 5"),
        ("XAUUSD", 400.0, 3.0, 2, "prices around 400 are not XAUUSD's of 2024, which was between 1,500 and 15,000"),
        ("USDJPY", 0.865, 1.0, 5, "prices around 0.865 are not USDJPY's, which has been between 60 and 260 since 1990"),
    ],
)
def test_prices_spread_and_decimals_of_no_such_pair_are_refused(
    pair: str, price: float, spread: float, digits: int, words: str
) -> None:
    with pytest.raises(DataError) as refused:
        check_ticks_of_pair(ticks_of(pair, price, spread, digits), "a.csv")
    assert words in str(refused.value)
    assert str(refused.value).startswith("a.csv: ")


@pytest.mark.parametrize(
    ("pair", "price", "spread"),
    [
        ("EURUSD", 1.09, 0.1),
        ("EURUSD", 1.09, 0.0),
        ("USDJPY", 150.0, 0.2),
        ("XAUUSD", 2_050.0, 2.0),
        ("USDTRY", 30, 90),
    ],
)
def test_what_feeds_quote_is_taken(pair: str, price: float, spread: float) -> None:
    check_ticks_of_pair(ticks_of(pair, price, spread), "a.csv")


def test_every_cross_is_what_its_legs_make_it() -> None:
    dollars = {name: 0.5 + number / 10 for number, name in enumerate(sorted({p.base for p in PAIRS.values()} | {
        p.quote for p in PAIRS.values()
    }))}  # fmt: skip

    def price(name: str) -> float:
        return dollars[name[:3]] / dollars[name[3:]]

    count = 0
    for pair in PAIRS.values():
        for cross in crosses_of(pair):
            count += 1
            assert cross.price(price(cross.first.name), price(cross.second.name)) == pytest.approx(price(pair.name))
    assert count > 100
    assert ("EURUSD", "GBPUSD") in {(cross.first.name, cross.second.name) for cross in crosses_of(get_pair("EURGBP"))}


def test_cross_that_its_stored_legs_contradict_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bring(write(tmp_path / "a.csv", ticks_of("EURUSD", 1.08)), "EURUSD", data)
    bring(write(tmp_path / "b.csv", ticks_of("GBPUSD", 1.27)), "GBPUSD", data)

    with pytest.raises(
        DataError, match=r"c.csv: prices around 0.8901 are not EURGBP's: they are 4.66 % above what the "
    ):
        bring(write(tmp_path / "c.csv", ticks_of("EURGBP", 0.89)), "EURGBP", data)
    assert TickStore(data).pairs() == ["EURUSD", "GBPUSD"]
    bring(write(tmp_path / "d.csv", ticks_of("EURGBP", 1.08 / 1.27)), "EURGBP", data)
    assert TickStore(data).pairs() == ["EURGBP", "EURUSD", "GBPUSD"]


def test_leg_that_its_stored_cross_contradicts_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bring(write(tmp_path / "a.csv", ticks_of("USDCAD", 1.35)), "USDCAD", data)
    bring(write(tmp_path / "b.csv", ticks_of("CADJPY", 110.0)), "CADJPY", data)

    with pytest.raises(DataError, match=r"prices around 138 are not USDJPY's: they are 7.08 % below"):
        bring(write(tmp_path / "c.csv", ticks_of("USDJPY", 138.0)), "USDJPY", data)


def test_legs_of_other_days_say_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bring(write(tmp_path / "a.csv", ticks_of("EURUSD", 1.08, day="2023-05-15")), "EURUSD", data)
    bring(write(tmp_path / "b.csv", ticks_of("GBPUSD", 1.27)), "GBPUSD", data)
    bring(write(tmp_path / "c.csv", ticks_of("EURGBP", 0.93)), "EURGBP", data)

    assert TickStore(data).pairs() == ["EURGBP", "EURUSD", "GBPUSD"]


def walk(pair: str, price: float, days: int, seed: int = 1) -> Ticks:
    """Quotes of weekdays whose level moves by half a percent a day."""
    known = get_pair(pair)
    start = int(np.datetime64("2024-01-15", "ms").astype(np.int64))
    steps = np.random.default_rng(seed).normal(0, 0.00013, days * 1_440).cumsum()
    bid = np.round(price * np.exp(steps) * 10**known.point_digits).astype(np.int32)
    return Ticks(known, known.point_digits, start + np.arange(days * 1_440) * 60_000, bid, bid + np.int32(9))


def test_prices_of_another_stored_pair_are_refused_from_whatever_broker(tmp_path: Path) -> None:
    data, ticks = tmp_path / "data", walk("EURUSD", 1.09, 4)
    bring(write(tmp_path / "a.csv", ticks), "EURUSD", data)
    other = Ticks(ticks.pair, ticks.digits, ticks.time_ms + 7, ticks.bid + np.int32(3), ticks.ask + np.int32(5))

    with pytest.raises(DataError, match=r"b.csv: prices around 1.0\d+ are those of the stored EURUSD on all . days"):
        bring(write(tmp_path / "b.csv", other), "GBPUSD", data)
    bring(write(tmp_path / "c.csv", walk("GBPUSD", 1.09, 4, seed=2)), "GBPUSD", data)

    assert TickStore(data).pairs() == ["EURUSD", "GBPUSD"]


def test_file_that_is_stored_as_another_pair_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ticks_of("NZDUSD", 0.86, day="2014-05-05"))
    bring(path, "NZDUSD", tmp_path / "data")

    with pytest.raises(DataError, match=r"a.csv: is stored already as NZDUSD, so it cannot be EURGBP too"):
        bring(path, "EURGBP", tmp_path / "data")


@pytest.mark.parametrize("name", ["EURUSD_2024.csv", "eurusd.csv", "EUR-USD/2024.csv", "EURUSD/2012/11/03/a.csv"])
def test_file_that_is_named_after_another_pair_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ticks_of("EURUSD", 1.09))

    with pytest.raises(DataError, match=r"is named after EURUSD, and --pair says GBPUSD: leave --pair out, or rename"):
        sort_files([path], "GBPUSD", ReadOptions())
    assert sort_files([path], "EURUSD", ReadOptions()).by_pair == {"EURUSD": [path]}


@pytest.mark.parametrize("name", ["a.csv", "EURUSD_GBPUSD.csv", "my-eurusd-data/a.csv", "export/2024.csv"])
def test_file_that_is_named_after_none_is_what_the_user_says(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ticks_of("EURUSD", 1.09))

    assert sort_files([path], "GBPUSD", ReadOptions()).by_pair == {"GBPUSD": [path]}


def test_rows_that_name_the_pair_outweigh_a_files_name(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_text("symbol,time,bid,ask\nGBPUSD,2024-01-15T00:00:00Z,1.27,1.2701\n")

    assert sort_files([path], "GBPUSD", ReadOptions()).by_pair == {"GBPUSD": [path]}
    with pytest.raises(DataError, match=r"expected EURUSD, found"):
        bring(path, "EURUSD", tmp_path / "data")
