"""Conversion against a plain search, and what it says when it cannot convert."""

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, ms, times

from necrozma_core.errors import ConversionError
from necrozma_core.market.conversion_paths import Leg
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import STALE_MS, Conversion, PricedLeg, Quotes, QuoteSide, TickQuotes

STERLING = make_ticks([("2024-01-08 10:00", 126_000, 126_020), ("2024-01-08 11:00", 127_000, 127_020)], "GBPUSD")
TO_DOLLARS = Conversion.from_ticks(STERLING.pair, STERLING, multiply=True)


def _gathered(ticks: Ticks) -> Quotes:
    span_ms = (int(ticks.time_ms[0]), int(ticks.time_ms[-1])) if len(ticks) else (0, 0)
    half = len(ticks) // 2
    pieces = [
        Ticks(ticks.pair, ticks.digits, ticks.time_ms[part], ticks.bid[part], ticks.ask[part])
        for part in (slice(half), slice(half, None))
    ]
    return Quotes.gather(pieces, len(ticks), ticks.digits, span_ms)


def test_identity_is_one_at_any_time() -> None:
    assert Conversion.identity().at(times(-5, 0, 10**15)).tolist() == [1.0, 1.0, 1.0]


def test_at_takes_the_last_quote_at_or_before() -> None:
    asked = times("2024-01-08 11:00", "2024-01-08 10:59:59.999", "2024-01-08 10:00", "2024-01-09")
    assert TO_DOLLARS.at(asked).tolist() == [1.2701, 1.2601, 1.2601, 1.2701]


def test_at_quotes_of_one_time_takes_the_last_of_them() -> None:
    ticks = make_ticks([(5, 100_000, 100_000), (5, 200_000, 200_000), (6, 300_000, 300_000)], "GBPUSD")
    assert Conversion.from_ticks(ticks.pair, ticks, multiply=True).at(times(5)).tolist() == [2.0]


def test_at_before_the_first_quote_names_pair_time_and_command() -> None:
    with pytest.raises(ConversionError) as caught:
        TO_DOLLARS.at(times("2024-01-08 12:00", "2024-01-08 09:59:59.999"))
    assert str(caught.value) == (
        "GBPUSD: no quote in the 7 days up to 2024-01-08 09:59:59.999 UTC to turn GBP into USD, there is none before "
        "it: import it with `necrozma data import FILES --pair GBPUSD --to DATA`, or begin with --from 2024-01-09"
    )


def test_at_stale_quote_is_refused_and_seven_days_are_not_stale() -> None:
    week_later = ms("2024-01-15 11:00")
    assert TO_DOLLARS.at(times(week_later)).tolist() == [1.2701]
    with pytest.raises(ConversionError, match=r"GBPUSD: .* the last one is of 2024-01-08 11:00:00.000 UTC"):
        TO_DOLLARS.at(times(week_later + 1))


def test_at_no_quotes_at_all_is_refused() -> None:
    nothing = make_ticks([], "USDJPY", 3)
    for quotes in (TickQuotes(nothing), _gathered(nothing)):
        with pytest.raises(ConversionError, match=r"USDJPY: .* turn JPY into USD"):
            Conversion((PricedLeg(Leg(nothing.pair, multiply=False), quotes),)).at(times(0))


def test_at_no_times_gives_no_rates() -> None:
    assert len(TO_DOLLARS.at(times())) == 0


def test_find_missing_is_nan() -> None:
    assert np.isnan(TO_DOLLARS.find(times(0, "2024-01-08 12:00"))).tolist() == [True, False]


def test_from_ticks_of_another_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="GBPUSD cannot convert by the price of EURUSD"):
        Conversion.from_ticks(get_pair("EURUSD"), STERLING, multiply=True)


@given(
    st.lists(st.tuples(st.integers(0, 400_000_000), st.integers(1, 500_000)), min_size=1, max_size=40),
    st.lists(st.integers(-1_000, 9_000_000_000), max_size=40),
    st.booleans(),
)
def test_find_any_quotes_equals_a_plain_search(quotes: list[tuple[int, int]], asked: list[int], multiply: bool) -> None:
    time, rows = 0, []
    for wait, bid in quotes:
        time += wait
        rows.append((time, bid, bid + 7))
    ticks, times_ms = make_ticks(rows, "GBPUSD"), np.array(asked, np.int64)
    at_hand = Conversion.from_ticks(ticks.pair, ticks, multiply)
    gathered = Conversion((PricedLeg(Leg(ticks.pair, multiply), _gathered(ticks)),))
    rates = at_hand.find(times_ms).tolist()
    assert np.array_equal(gathered.find(times_ms), rates, equal_nan=True)
    every = np.arange(len(ticks))
    assert at_hand.at_ticks(ticks, every).tolist() == gathered.at_ticks(ticks, every).tolist()
    assert at_hand.at_ticks(ticks, every).tolist() == gathered.at(ticks.time_ms).tolist()
    opening = [row[0] for row in rows]
    for at, rate in zip(asked, rates, strict=True):
        index = bisect_right(opening, at) - 1
        if index < 0 or at - opening[index] > STALE_MS:
            assert np.isnan(rate)
            continue
        mid = (rows[index][1] + rows[index][2]) / 2 / 1e5
        assert rate == pytest.approx(mid if multiply else 1 / mid, rel=1e-14)


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        # One CAD at 1.25 CAD a USD is 0.8 USD, at 1.6 USD a EUR 0.5 EUR.
        ([("USDCAD", 5, 125_000, False), ("EURUSD", 5, 160_000, False)], 0.5),
        # One CHF at 1.25 CHF a EUR is 0.8 EUR, at 160 JPY a EUR 128 JPY.
        ([("EURCHF", 5, 125_000, False), ("EURJPY", 3, 160_000, True)], 128.0),
        # One GBP is 1.25 USD, at 2 USD a NZD (so that it can be done in the head) 0.625 NZD.
        ([("GBPUSD", 5, 125_000, True), ("NZDUSD", 5, 200_000, False)], 0.625),
        # One GBP is 1.25 USD, and a USD 150 JPY: 187.5 JPY.
        ([("GBPUSD", 5, 125_000, True), ("USDJPY", 3, 150_000, True)], 187.5),
    ],
)
def test_two_legs_multiply_or_divide_each_as_its_pair_is_quoted(
    legs: list[tuple[str, int, int, bool]], expected: float
) -> None:
    for kind in (TickQuotes, _gathered):
        priced = tuple(
            PricedLeg(Leg(get_pair(name), multiply), kind(make_ticks([(5, mid, mid)], name, digits)))
            for name, digits, mid, multiply in legs
        )
        assert Conversion(priced).at(times(5, 60)).tolist() == [expected, expected]


def test_two_legs_have_the_price_of_each_at_its_own_last_quote() -> None:
    dollars = make_ticks([(1_000, 125_000, 125_000), (3_000, 250_000, 250_000)], "USDCAD")
    euros = make_ticks([(2_000, 160_000, 160_000), (4_000, 200_000, 200_000)], "EURUSD")
    conversion = Conversion(
        (PricedLeg(Leg(dollars.pair, False), TickQuotes(dollars)), PricedLeg(Leg(euros.pair, False), _gathered(euros)))
    )
    assert np.isnan(conversion.find(times(999, 1_999))).all()
    assert conversion.at(times(2_000, 3_000, 4_000)).tolist() == [0.5, 0.25, 0.2]
    # The traded pair is the first leg itself: its own ticks say the same.
    assert conversion.at_ticks(dollars, np.array([1])).tolist() == [0.25]


@pytest.mark.parametrize(
    ("when", "lacking"),
    [
        (1_500, "EURUSD: .* to turn USD into EUR, there is none"),
        (500, "USDCAD: .* to turn CAD into USD, there is none"),
    ],
)
def test_two_legs_a_missing_price_names_its_leg(when: int, lacking: str) -> None:
    dollars, euros = make_ticks([(1_000, 9, 9)], "USDCAD"), make_ticks([(2_000, 9, 9)], "EURUSD")
    conversion = Conversion(
        (PricedLeg(Leg(dollars.pair, False), TickQuotes(dollars)), PricedLeg(Leg(euros.pair, False), _gathered(euros)))
    )
    with pytest.raises(ConversionError, match=lacking):
        conversion.at(times(2_000, when))
    traded = make_ticks([(2_000, 9, 9), (2_500, 9, 9)], "AUDCAD")
    assert len(conversion.at_ticks(traded, np.array([0, 1]))) == 2
    traded = make_ticks([(when, 9, 9), (2_500, 9, 9)], "AUDCAD")
    with pytest.raises(ConversionError, match=lacking):
        conversion.at_ticks(traded, np.array([1, 0]))


def test_two_legs_a_stale_leg_is_refused_by_its_name() -> None:
    dollars, euros = make_ticks([(0, 9, 9), (STALE_MS, 9, 9)], "USDCAD"), make_ticks([(0, 9, 9)], "EURUSD")
    conversion = Conversion(
        (PricedLeg(Leg(dollars.pair, False), _gathered(dollars)), PricedLeg(Leg(euros.pair, False), TickQuotes(euros)))
    )
    assert len(conversion.at(times(STALE_MS))) == 1
    with pytest.raises(ConversionError, match=r"^EURUSD: no quote in the 7 days up to 1970-01-08 00:00:00.001 UTC"):
        conversion.at(times(STALE_MS + 1))


_PRICES = st.lists(st.tuples(st.integers(0, 300_000_000), st.integers(1, 500_000)), min_size=1, max_size=20)


@given(_PRICES, _PRICES, st.lists(st.integers(-1_000, 9_000_000_000), max_size=40), st.booleans(), st.booleans())
def test_find_two_legs_equals_the_product_of_each_alone(
    first: list[tuple[int, int]], second: list[tuple[int, int]], asked: list[int], forth: bool, back: bool
) -> None:
    legs = []
    for quotes, name, multiply in ((first, "USDCAD", forth), (second, "EURUSD", back)):
        time, rows = 0, []
        for wait, bid in quotes:
            time += wait
            rows.append((time, bid, bid + 7))
        legs.append((make_ticks(rows, name), multiply))
    times_ms = np.array(asked, np.int64)
    alone = [Conversion.from_ticks(ticks.pair, ticks, multiply).find(times_ms) for ticks, multiply in legs]
    both = Conversion(tuple(PricedLeg(Leg(ticks.pair, multiply), _gathered(ticks)) for ticks, multiply in legs))
    assert np.array_equal(both.find(times_ms), alone[0] * alone[1], equal_nan=True)
    for at, rate in zip(asked, both.find(times_ms).tolist(), strict=True):
        expected = 1.0
        for ticks, multiply in legs:
            index = bisect_right(ticks.time_ms.tolist(), at) - 1
            fresh = index >= 0 and at - int(ticks.time_ms[index]) <= STALE_MS
            mid = (int(ticks.bid[index]) + int(ticks.ask[index])) / 2 / 1e5
            expected *= (mid if multiply else 1 / mid) if fresh else np.nan
        assert rate == pytest.approx(expected, rel=1e-14, nan_ok=True)


@pytest.mark.parametrize(
    ("result", "expected"),
    # What was lost is bought for dollars at 110.100; what was gained is sold for them at 110.130.
    [(-1.0, 0.0090826521), (1.0, 0.0090801780)],
)
@pytest.mark.parametrize("is_gathered", [False, True])
def test_results_at_the_side_that_a_broker_takes(result: float, expected: float, is_gathered: bool) -> None:
    ticks = make_ticks([(5, 110_100, 110_130)], "USDJPY", 3)
    quotes = Quotes.gather([ticks], 1, 3, (5, 5), sides=True) if is_gathered else TickQuotes(ticks)
    at, results = np.zeros(1, np.int64), np.array([result])
    sided = Conversion((PricedLeg(Leg(ticks.pair, multiply=False), quotes),), sides=True)
    assert sided.of_results(ticks, at, results).tolist() == pytest.approx([expected], abs=5e-11)
    assert sided.at_ticks(ticks, at).tolist() == pytest.approx([0.0090814149], abs=5e-11)
    mid = Conversion(sided.legs)
    assert mid.of_results(ticks, at, results).tolist() == mid.at_ticks(ticks, at).tolist()


def test_results_at_the_side_of_a_pair_that_multiplies() -> None:
    at = np.array([1, 1])
    sided = Conversion(TO_DOLLARS.legs, sides=True)
    assert sided.of_results(STERLING, at, np.array([1.0, -1.0])).tolist() == [1.27, 1.2702]


def test_side_of_quotes_that_were_gathered_without_is_refused() -> None:
    with pytest.raises(ValueError, match="without their sides"):
        _gathered(STERLING).find(times(0), side=QuoteSide.BID)


@given(st.lists(st.tuples(st.integers(1, 500_000), st.integers(0, 900)), min_size=1, max_size=20))
def test_gathered_sides_are_those_of_the_ticks(rows: list[tuple[int, int]]) -> None:
    ticks = make_ticks([(7 * n, bid, bid + spread) for n, (bid, spread) in enumerate(rows)], "GBPUSD")
    gathered = Quotes.gather([ticks], len(ticks), 5, (0, int(ticks.time_ms[-1])), sides=True)
    for side, prices in ((QuoteSide.BID, ticks.bid), (QuoteSide.ASK, ticks.ask)):
        assert gathered.find(ticks.time_ms, side=side)[0].tolist() == (2 * prices).tolist()
        assert TickQuotes(ticks).find(ticks.time_ms, side=side)[0].tolist() == (2 * prices).tolist()
