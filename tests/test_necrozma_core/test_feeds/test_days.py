"""Days with faults planted in them, each counted by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.feeds.data_report import DataReport, day_of, record_of, report_data, report_of
from necrozma_core.feeds.days import report_days
from necrozma_core.feeds.inspection import Doubt
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.spans import part_of

MINUTE_MS = 60_000
START = int(np.datetime64("2024-01-17T00:00", "ms").astype(np.int64))  # a Wednesday


def feed(minutes: Sequence[int], pair: str = "EURUSD", digits: int = 5, price: int = 109_000) -> Ticks:
    """A quote at each minute, one pip wide, each a point away from the one before."""
    time_ms = START + np.array(minutes, dtype=np.int64) * MINUTE_MS
    bid = (price + np.arange(len(minutes)) % 2).astype(np.int32)
    return Ticks(get_pair(pair), digits, time_ms, bid, bid + np.int32(10))


def planted(minutes: Sequence[int] = range(600), **changes: dict[int, int]) -> Ticks:
    """A feed with some of its bids and asks set to other points."""
    ticks = feed(minutes)
    for side, values in changes.items():
        for position, value in values.items():
            getattr(ticks, side)[position] = value
    return ticks


def doubts(report: DataReport) -> list[tuple[Doubt, int]]:
    return [(finding.doubt, finding.count) for finding in report.findings]


def test_day_without_a_fault_is_counted() -> None:
    report = report_data(feed(range(600)))
    (day,) = report.days

    assert (str(day.day), day.ticks, day.zero_spreads, day.repeated, day.gaps, day.stale) == (
        "2024-01-17", 600, 0, 0, 0, 0,
    )  # fmt: skip
    assert (day.jumps, day.breaks, day.wide) == (0, 0, 0)
    assert day.spread_pips == (1.0, 1.0, 1.0)
    assert day.mid == 1.090055
    assert list(report.verdict()) == ["Nothing doubtful."]


@pytest.mark.parametrize("slipped", [range(100, 101), range(100, 103), range(100, 149)])
def test_digits_that_slip_in_a_row_are_jumps_each(slipped: range) -> None:
    report = report_data(planted(**{side: dict.fromkeys(slipped, 1090000) for side in ("bid", "ask")}))

    assert doubts(report) == [(Doubt.JUMP, len(slipped))]
    assert "and back: 10.90000/10.90000 at 2024-01-17T01:40:00.000Z" in report.findings[0].text


def test_first_and_last_tick_that_slipped_are_named() -> None:
    for position in (0, 599):
        report = report_data(planted(bid={position: 10_900}, ask={position: 10_900}))
        assert doubts(report) == [(Doubt.BREAK, 1)]


def test_price_that_leaves_and_stays_is_a_break() -> None:
    ticks = feed(range(600))
    ticks.bid[300:] *= 10
    ticks.ask[300:] *= 10

    report = report_data(ticks)

    assert [finding.doubt for finding in report.findings] == [Doubt.BREAK]
    assert report.findings[0].text == (
        "the price moves once by more than 2 % from one tick to the next and stays, at most by 900 %: "
        "10.90000/10.90100 at 2024-01-17T05:00:00.000Z"
    )


def test_two_instruments_in_one_file_are_breaks_without_end() -> None:
    ticks = feed([minute // 10 for minute in range(12_000)])
    ticks.bid[::2] *= 2
    ticks.ask[::2] *= 2

    assert doubts(report_data(ticks)) == [(Doubt.BREAK, 11_999)]


def test_jump_that_comes_back_by_way_of_the_other_side_is_one() -> None:
    report = report_data(planted(bid={100: 200_000, 101: 50_000}, ask={100: 200_010, 101: 50_010}))

    assert doubts(report) == [(Doubt.JUMP, 2)]


def test_move_over_a_weekend_is_none() -> None:
    ticks = feed([*range(100), *range(6 * 1440, 6 * 1440 + 100)])
    ticks.bid[100:] += 5_000
    ticks.ask[100:] += 5_000

    assert doubts(report_data(ticks)) == [(Doubt.MISSING, 3)]  # Thursday, Friday, Monday


def test_slip_at_the_turn_of_the_day_is_one_jump() -> None:
    ticks = feed(range(22 * 60 - 5, 22 * 60 + 5))  # 17:00 in New York is 22:00
    ticks.bid[5] = ticks.ask[5] = 1_090_000

    assert [day.jumps for day in report_data(ticks).days] == [0, 1]


def test_spread_of_thousands_of_pips_counts_by_tick() -> None:
    report = report_data(planted(ask={10: 159_000, 20: 111_000}))

    assert report.days[0].wide == 2
    assert report.days[0].worst_wide == (5_000.0, "1.09000/1.59000 at 2024-01-17T00:10:00.000Z")


def test_frozen_quotes_are_stale_and_after_an_hour_doubtful() -> None:
    ticks = feed(range(600))
    ticks.bid[100:120] = 109_000  # 19 minutes with the quote before or after it as it happens
    ticks.bid[300:381] = 109_000
    ticks.ask[:] = ticks.bid + 10

    (day,) = (report := report_data(ticks)).days

    # At either end a neighbour has the same quote: 01:40 to 02:00 and 05:00 to 06:20.
    assert (day.stale, day.longest_stale_ms) == (2, 80 * MINUTE_MS)
    assert doubts(report) == [(Doubt.STALE, 1)]
    assert report.findings[0].text.endswith("none changed: for 1.3 hours on 2024-01-17")


def test_thin_feed_that_keeps_its_quote_is_not_stale() -> None:
    ticks = feed(range(0, 600, 9))
    ticks.bid[:8] = 109_000
    ticks.ask[:] = ticks.bid + 10

    assert report_data(ticks).days[0].stale == 0


def test_repeats_and_zero_spreads_are_counted() -> None:
    ticks = feed([*range(100), 99, 99])
    ticks.bid[99:] = ticks.bid[99]
    ticks.ask[99:] = ticks.bid[99]
    ticks.ask[:50] = ticks.bid[:50]

    (day,) = report_data(ticks).days

    assert (day.repeated, day.zero_spreads) == (2, 53)


def test_gaps_within_days_and_between_them_belong_to_the_later_day() -> None:
    # Half an hour at noon; then from 21:50 to 23:30 with the roll hour closed: 10 + 30 minutes.
    minutes = [*range(720), *range(750, 21 * 60 + 51), *range(23 * 60 + 30, 24 * 60)]

    first, second = report_data(feed(minutes)).days

    assert (first.gaps, first.longest_gap_ms) == (1, 31 * MINUTE_MS)
    assert (second.gaps, second.longest_gap_ms) == (1, 40 * MINUTE_MS)


def test_days_without_a_tick_are_missing_and_christmas_is_not() -> None:
    time_ms = np.array(
        [
            f"2024-12-{day}T{hour:02}:00"
            for day in (18, 19, 23, 24, 26, 30)
            for hour in range(20)
            if (day, hour) < (24, 17) or day > 24
        ],
        dtype="datetime64[ms]",
    ).astype(np.int64)
    bid = (104_000 + np.arange(len(time_ms)) % 2).astype(np.int32)

    report = report_data(Ticks(get_pair("EURUSD"), 5, time_ms, bid, bid))

    assert [str(day) for day in report.missing] == ["2024-12-20", "2024-12-27"]
    assert (Doubt.MISSING, 2) in doubts(report)
    assert "2 trading days (2024-12-20, 2024-12-27) without a tick" in report.findings[-1].text


def test_day_with_hardly_a_tick_is_thin() -> None:
    lasts = {0: 20, 1: 1_200, 2: 110, 5: 1_200, 6: 1_200, 7: 20}  # of the two ends nobody knows when they began

    report = report_data(feed([day * 1440 + minute for day, last in lasts.items() for minute in range(last)]))

    assert [str(day) for day in report.thin] == ["2024-01-19"]


def test_weekend_ticks_are_counted() -> None:
    saturday = 3 * 1440
    report = report_data(feed([*range(100), *range(saturday, saturday + 7)]))

    assert report.weekend_ticks == 7
    assert (Doubt.WEEKEND, 7) in doubts(report)


def test_more_decimals_than_any_feed_quotes_are_named() -> None:
    ticks = feed(range(100), digits=8, price=109_000_000)

    assert doubts(report_data(replace(ticks, ask=ticks.bid + np.int32(10_000)))) == [(Doubt.DIGITS, 8)]


def test_pieces_of_any_size_make_the_same_days() -> None:
    ticks = planted(range(0, 4_000, 2), bid={10: 10_900, 1_000: 10_900})
    whole = tuple(report_days([ticks]))

    for size in (1, 7, 500, 1_999):
        pieces = (part_of(ticks, slice(at, at + size), 5) for at in range(0, len(ticks), size))
        assert tuple(report_days(pieces)) == whole


@given(
    st.lists(st.tuples(st.integers(0, 10**11), st.integers(1, 10**7), st.integers(0, 10**6)), min_size=1, max_size=40),
    st.sampled_from(["EURUSD", "USDJPY", "XAUUSD"]),
    st.integers(0, 6),
)
def test_report_of_any_ticks_counts_them_and_has_a_verdict(
    quotes: list[tuple[int, int, int]], pair: str, digits: int
) -> None:
    time_ms, bid, spread = np.array(sorted(quotes), dtype=np.int64).T
    sides = bid.astype(np.int32), (bid + spread).astype(np.int32)

    report = report_data(Ticks(get_pair(pair), digits, START + time_ms, *sides))

    assert report.ticks == len(quotes)
    assert list(report.verdict())
    assert tuple(day_of(record_of(day)) for day in report.days) == report.days


def test_day_is_the_same_after_it_was_written() -> None:
    report = report_data(planted(ask={10: 159_000}))

    assert tuple(day_of(record_of(day)) for day in report.days) == report.days
    assert report_of(get_pair("EURUSD"), 5, report.days).digest() == report.digest()
