"""Samples: the same bytes for the same seed, and like a market where a backtest would notice."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from necrozma_core.errors import DataError, UnknownPairError, UsageError
from necrozma_core.feeds.samples.quotes import DEFAULT_PAIRS, sample_ticks, sample_weeks, write_samples
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.conversion_paths import conversion_paths
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.market.ticks import Ticks, check_ticks
from necrozma_core.storage.ticks.store import TickStore

HOUR_MS = 3_600_000
SMALL = 20_000
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def eurusd() -> Ticks:
    return sample_ticks("EURUSD", 200_000, 1)


def local_hours(ticks: Ticks) -> np.ndarray:
    """Hour of the week in New York, Monday 00:00 is 0; the sample's first weeks are in winter time."""
    return (ticks.time_ms // HOUR_MS - 5 + 3 * 24) % (7 * 24)


def test_sample_of_one_seed_is_the_same_bytes_whatever_else_is_asked_for(tmp_path: Path) -> None:
    write_samples(tmp_path / "all", ["GBPJPY", "EURUSD", "EURGBP"], SMALL, 3)
    write_samples(tmp_path / "one", ["EURGBP"], SMALL, 3)

    files = [
        sorted(path.read_bytes() for path in (tmp_path / name / "EURGBP").glob("[!.]*.*")) for name in ("all", "one")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 2


def test_sample_of_a_known_seed_is_what_it_was() -> None:
    """What a seed makes is promised: where this changes on purpose, raise _RECIPE as well."""
    sample = sample_ticks("EURUSD", 500, 1)

    digest = sha256(sample.time_ms.tobytes() + sample.bid.tobytes() + sample.ask.tobytes()).hexdigest()
    assert digest[:16] == "15610eab440be228"


def test_sample_of_another_seed_is_another_path() -> None:
    first, second = (sample_ticks("EURUSD", 1_000, seed) for seed in (1, 2))

    assert (first.time_ms != second.time_ms).mean() > 0.99


@pytest.mark.parametrize("ticks", [1, 3, 1_000, SMALL])
def test_sample_has_exactly_the_ticks_asked_for_and_they_are_sound(ticks: int) -> None:
    sample = sample_ticks("USDJPY", ticks, 5)

    assert len(sample) == ticks
    assert sample.digits == 3
    check_ticks(sample, "sample")


@pytest.mark.parametrize("name", PAIRS)
def test_sample_of_every_known_pair_is_sound(name: str) -> None:
    sample = sample_ticks(name, 500, 2)

    check_ticks(sample, name)
    assert sample.digits == get_pair(name).point_digits
    spread = (sample.ask - sample.bid) / sample.bid
    assert 1e-6 < np.median(spread) < 1e-3


def test_sample_rests_from_friday_to_sunday_evening(eurusd: Ticks) -> None:
    hours = set(local_hours(eurusd).tolist())

    closed = set(range(4 * 24 + 17, 6 * 24 + 17))
    assert not hours & closed
    assert len(hours) == 168 - 48


def test_sample_weekend_follows_daylight_saving() -> None:
    sample = sample_ticks("EURUSD", 3_000_000, 1)  # reaches into summer

    for at in (sample.time_ms[0], sample.time_ms[-1]):
        local = datetime.fromtimestamp(at / 1000, NEW_YORK)
        assert local.utcoffset() in (datetime(2023, month, 1, tzinfo=NEW_YORK).utcoffset() for month in (1, 7))
    waits = np.diff(sample.time_ms)
    opens = sample.time_ms[1:][waits > 24 * HOUR_MS]
    local_opens = {datetime.fromtimestamp(at / 1000, NEW_YORK).strftime("%a %H") for at in opens.tolist()}
    assert local_opens == {"Sun 17"}
    assert len({datetime.fromtimestamp(at / 1000, NEW_YORK).utcoffset() for at in opens.tolist()}) == 2


def test_sample_is_busy_when_london_and_new_york_are_and_quiet_in_the_asian_night(eurusd: Ticks) -> None:
    per_hour = np.bincount(local_hours(eurusd) % 24, minlength=24)

    assert per_hour[8:11].mean() > 2.5 * per_hour[20:23].mean()


def test_sample_spreads_widen_at_the_roll(eurusd: Ticks) -> None:
    minute = eurusd.time_ms // 60_000 % (24 * 60)
    spread = eurusd.ask - eurusd.bid

    after_roll = (minute >= 22 * 60) & (minute < 22 * 60 + 10)
    noon = (minute >= 13 * 60) & (minute < 15 * 60)
    assert np.median(spread[after_roll]) > 4 * np.median(spread[noon])
    assert 0.3 < np.median(spread) / eurusd.points_per_pip < 1.5


def test_sample_has_several_ticks_in_the_same_millisecond(eurusd: Ticks) -> None:
    assert 0.01 < (np.diff(eurusd.time_ms) == 0).mean() < 0.1


def test_sample_volatility_comes_in_clusters_and_is_that_of_a_currency(eurusd: Ticks) -> None:
    bars = bars_from_ticks(eurusd, 15 * 60_000)
    returns = np.diff(np.log(bars.mid_close))
    moves = np.abs(returns) - np.abs(returns).mean()

    assert 0.04 < returns.std() * np.sqrt(4 * 24 * 260) < 0.15
    assert (moves[1:] * moves[:-1]).mean() / moves.var() > 0.15
    assert ((returns / returns.std()) ** 4).mean() > 4.0
    assert abs(np.corrcoef(returns[1:], returns[:-1])[0, 1]) < 0.06


def test_sample_cross_agrees_with_its_legs_at_the_same_moment() -> None:
    cross, base, quote = (sample_ticks(name, 200_000, 9) for name in ("EURGBP", "EURUSD", "GBPUSD"))

    def mid_at(ticks: Ticks) -> tuple[np.ndarray, np.ndarray]:
        before = np.searchsorted(ticks.time_ms, cross.time_ms, side="right") - 1
        mid = (ticks.bid + ticks.ask)[before] / 2 / ticks.scale
        return mid, (before >= 0) & (cross.time_ms - ticks.time_ms[before] < 1_000)

    (base_mid, base_fresh), (quote_mid, quote_fresh) = mid_at(base), mid_at(quote)
    fresh = base_fresh & quote_fresh
    found = (cross.bid + cross.ask)[fresh] / 2 / cross.scale
    expected = base_mid[fresh] / quote_mid[fresh]

    assert fresh.sum() > 1_000
    # Legs of up to a second ago, each rounded to half a point.
    assert np.median(np.abs(found - expected)) < 0.00002
    assert np.abs(found - expected).max() < 0.0005
    assert found.std() > 0.001


def test_sample_pairs_convert_every_profit_to_dollars() -> None:
    for name in DEFAULT_PAIRS:
        paths = conversion_paths(get_pair(name).quote, "USD", DEFAULT_PAIRS)
        assert next(len(path) for path in paths) < 2


def test_sample_weeks_follow_the_number_of_ticks() -> None:
    assert [sample_weeks(ticks) for ticks in (1, 20_000, 200_000, 14_600_000, 29_200_000)] == [4, 4, 8, 52, 104]
    weeks = [sample_weeks(ticks) for ticks in range(1, 15_000_000, 100_000)]
    assert weeks == sorted(weeks)


def test_samples_of_one_seed_again_are_left_as_they_are(tmp_path: Path) -> None:
    first = write_samples(tmp_path, 2, 1_000, 3)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}

    assert write_samples(tmp_path, 2, 1_000, 3) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before
    assert [summary.pair for summary in first] == ["EURUSD", "GBPUSD"]
    assert TickStore(tmp_path).summaries() == first


def test_samples_over_other_ticks_of_the_same_span_are_refused(tmp_path: Path) -> None:
    write_samples(tmp_path, 1, 1_000, 3)

    with pytest.raises(
        DataError, match=r"seed 4 and what is stored of .* seed 3 both cover 2023-01-0.* and differ there: "
    ):
        write_samples(tmp_path, 1, 1_000, 4)


@pytest.mark.parametrize(("pairs", "ticks", "seed"), [(0, 1, 1), (47, 1, 1), (1, 0, 1), (1, 10**9, 1), (1, 1, -1)])
def test_samples_out_of_range_are_refused(tmp_path: Path, pairs: int, ticks: int, seed: int) -> None:
    with pytest.raises(UsageError, match="expected"):
        write_samples(tmp_path, pairs, ticks, seed)
    with pytest.raises(UnknownPairError):
        write_samples(tmp_path, ["EURUSD", "ABCDEF"], 1, 1)
    assert not list(tmp_path.iterdir())
