"""Two feeds side by side: one is the other with what is known to differ."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.compared import FeedComparison
from necrozma_core.feeds.comparison import compare_feeds
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.market.calendars import utc_offset_ms
from necrozma_core.market.ticks import Ticks
from necrozma_core.reporting.comparison_page import render_comparisons
from necrozma_core.storage.ticks.store import TickStore

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def ticks() -> Ticks:
    return sample_ticks("EURUSD", 200_000, 3)


def other_broker(ticks: Ticks, seed: int = 1) -> Ticks:
    """The same market from elsewhere: half of the quotes, each up to 0.2 pips off, half a pip wider."""
    random = np.random.default_rng(seed)
    kept = np.sort(random.choice(len(ticks), len(ticks) // 2, replace=False))
    bid = (ticks.bid[kept] + random.integers(-2, 3, len(kept))).astype(np.int32)
    ask = (bid + (ticks.ask - ticks.bid)[kept] + 5).astype(np.int32)
    return replace(ticks, time_ms=ticks.time_ms[kept], bid=bid, ask=ask)


def moved(ticks: Ticks, by_ms: int | np.ndarray) -> Ticks:
    return replace(ticks, time_ms=ticks.time_ms + by_ms)


def compare(tmp_path: Path, first: Ticks, second: Ticks) -> FeedComparison:
    stores = [TickStore(tmp_path / name) for name in "ab"]
    for store, ticks in zip(stores, (first, second), strict=True):
        store.write(ticks)
    return compare_feeds((stores[0], first.pair.name), (stores[1], second.pair.name))


def test_feed_beside_itself_agrees_in_all(tmp_path: Path, ticks: Ticks) -> None:
    result = compare(tmp_path, ticks, ticks)

    assert {(shift.minutes, round(shift.correlation, 9)) for shift in result.shifts} == {(0, 1.0)}
    assert (result.difference_pips, result.widest_pips) == ((0.0, 0.0, 0.0), 0.0)
    assert [(feed.ticks, feed.lacks) for feed in result.feeds] == [(len(ticks), 0)] * 2
    assert [sentence[:20] for sentence in result.verdict()] == ["Their prices agree: "]


def test_another_brokers_quotes_are_measured(tmp_path: Path, ticks: Ticks) -> None:
    result = compare(tmp_path, ticks, other_broker(ticks))

    one, other = result.feeds
    assert {shift.minutes for shift in result.shifts} == {0}
    assert abs(result.difference_pips[1] - 0.25) < 0.1
    assert other.ticks == len(ticks) // 2
    assert other.spread_pips[0] - one.spread_pips[0] == pytest.approx(0.5, abs=0.11)
    assert sum(day.ticks[0] for day in result.days) == pytest.approx(one.ticks, rel=0.01)


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        (2, "B's clock is 2 hours after A's: one of them was imported with a wrong zone."),
        (-5, "B's clock is 5 hours before A's: one of them was imported with a wrong zone."),
        (0.5, "B's clock is 30 minutes after A's: one of them was imported with a wrong zone."),
    ],
)
def test_feed_of_another_zone_is_found_with_its_hours(
    tmp_path: Path, ticks: Ticks, hours: float, sentence: str
) -> None:
    result = compare(tmp_path, ticks, moved(other_broker(ticks), round(hours * HOUR_MS)))

    first, second, *_ = result.verdict()
    assert first == sentence
    assert second.startswith("Their prices agree, once the clocks agree: ")
    assert result.minutes > 5_000


def test_zone_with_daylight_saving_that_the_feed_has_not_is_found_month_by_month(tmp_path: Path) -> None:
    ticks = sample_ticks("EURUSD", 1_000_000, 3)  # January to May, and more
    summer = np.where(utc_offset_ms(ticks.time_ms, "America/New_York") == -4 * HOUR_MS, -HOUR_MS, 0)
    result = compare(tmp_path, ticks, moved(ticks, summer))

    by_month = {str(shift.month): shift.minutes for shift in result.shifts}
    assert (by_month["2023-01"], by_month["2023-02"], by_month["2023-04"]) == (0, 0, -60)
    first = next(iter(result.verdict()))
    assert "1 hour before A's in" in first
    assert "level with A's in" in first
    assert "whose daylight saving is not its feed's" in first


def test_gap_that_the_other_has_not_is_counted_and_the_longest_dated(tmp_path: Path, ticks: Ticks) -> None:
    start = int(np.datetime64("2023-01-11T12:00", "ms").astype(np.int64))
    gone = (ticks.time_ms >= start) & (ticks.time_ms < start + 3 * HOUR_MS)
    gone |= (ticks.time_ms >= start + 48 * HOUR_MS) & (ticks.time_ms < start + 49 * HOUR_MS)
    kept = Ticks(ticks.pair, ticks.digits, ticks.time_ms[~gone], ticks.bid[~gone], ticks.ask[~gone])

    result = compare(tmp_path, ticks, kept)

    assert [feed.lacks for feed in result.feeds] == [0, 2]
    assert 180 <= result.feeds[1].longest_lack_minutes < 185
    assert any(
        sentence.startswith("B is silent 2 times for more than ten minutes while A has ticks, the longest 3 hours")
        and "2023-01-11T1" in sentence
        for sentence in result.verdict()
    )


def test_other_pairs_are_no_feeds_of_one(tmp_path: Path, ticks: Ticks) -> None:
    unlike = replace(sample_ticks("USDJPY", 200_000, 9), pair=ticks.pair)
    walk = np.random.default_rng(4).integers(-20, 21, len(unlike)).cumsum() // 8 + 150_000
    result = compare(tmp_path, ticks, replace(unlike, bid=walk.astype(np.int32), ask=(walk + 8).astype(np.int32)))

    (sentence,) = result.verdict()
    assert sentence.startswith("The two do not move together, at any lag up to 26 hours")


def test_scale_of_another_power_of_ten_is_said(tmp_path: Path, ticks: Ticks) -> None:
    result = compare(tmp_path, ticks, replace(ticks, digits=4))

    assert "B's prices are +900 % from A's: they are not of one pair, or of another scale." in result.verdict()


def test_feeds_that_share_no_time_are_refused(tmp_path: Path, ticks: Ticks) -> None:
    with pytest.raises(DataError, match=r"they share no time to be compared in"):
        compare(tmp_path, ticks, moved(ticks, 1_000 * 24 * HOUR_MS))


def test_one_slipped_digit_moves_no_clock(tmp_path: Path, ticks: Ticks) -> None:
    bid, ask = ticks.bid.copy(), ticks.ask.copy()
    bid[70_000] *= 10
    ask[70_000] *= 10
    spiked = replace(ticks, bid=bid, ask=ask)

    result = compare(tmp_path, spiked, moved(other_broker(ticks), 2 * HOUR_MS))

    assert {shift.minutes for shift in result.shifts} == {120}


def test_page_of_a_comparison_escapes_names_and_needs_nothing(tmp_path: Path, ticks: Ticks) -> None:
    stores = [TickStore(tmp_path / name) for name in "ab"]
    for store in stores:
        store.write(ticks)
    hostile = "<script>alert(1)</script>&\"'"
    result = compare_feeds((stores[0], "EURUSD"), (stores[1], "EURUSD"), (hostile, "b"))

    page = render_comparisons([result])

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in page
    assert page == render_comparisons([result])
