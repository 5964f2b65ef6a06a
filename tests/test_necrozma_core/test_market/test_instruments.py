"""The instrument table, and names that must match to the letter."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import ExitCode, UnknownPairError, UsageError
from necrozma_core.market.instruments import CURRENCIES, PAIRS, Terms, get_pair


@pytest.mark.parametrize(
    ("name", "pip", "point_digits", "contract_size", "quote"),
    [
        ("EURUSD", "0.0001", 5, 100_000, "USD"),
        ("EURGBP", "0.0001", 5, 100_000, "GBP"),
        ("USDJPY", "0.01", 3, 100_000, "JPY"),
        ("GBPJPY", "0.01", 3, 100_000, "JPY"),
        ("XAUUSD", "0.1", 2, 100, "USD"),
        ("XAGUSD", "0.01", 3, 5_000, "USD"),
    ],
)
def test_pair_has_the_markets_conventions(
    name: str, pip: str, point_digits: int, contract_size: int, quote: str
) -> None:
    pair = get_pair(name)

    assert (pair.pip, pair.point_digits, pair.contract_size, pair.quote) == (
        Decimal(pip),
        point_digits,
        contract_size,
        quote,
    )
    assert pair.base + pair.quote == pair.name == name


@pytest.mark.parametrize(
    ("name", "terms", "pip", "contract_size"),
    [
        ("XAUUSD", Terms(), "0.1", 100),
        ("XAUUSD", Terms(pip=0.01), "0.01", 100),
        ("XAUUSD", Terms(pip=1, contract_size=10), "1", 10),
        ("XAGUSD", Terms(contract_size=1_000), "0.01", 1_000),
        ("EURUSD", Terms(pip=0.00001), "0.00001", 100_000),
        ("USDJPY", Terms(pip=0.1, contract_size=10_000_000), "0.1", 10_000_000),
    ],
)
def test_pair_under_a_brokers_terms_has_its_pip_and_its_lot(
    name: str, terms: Terms, pip: str, contract_size: int
) -> None:
    pair = get_pair(name).under(terms)
    assert (str(pair.pip), pair.contract_size) == (pip, contract_size)
    assert replace(pair, pip=get_pair(name).pip, contract_size=get_pair(name).contract_size) == get_pair(name)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (Terms(pip=0.02), "XAUUSD: a pip of 0.02: expected 0.01, 0.1 or 1$"),
        (Terms(pip=0.0001), "a pip of 0.0001: expected"),
        (Terms(pip=0), "a pip of 0: expected"),
        (Terms(pip=math.nan), "a pip of nan: expected"),
        (Terms(contract_size=0), "XAUUSD: a contract_size of 0: expected 1 to 10,000,000 whole units of XAU in a lot"),
        (Terms(contract_size=10_000_001), "a contract_size of 10000001: expected"),
        (Terms(contract_size=1.5), "a contract_size of 1.5: expected"),  # type: ignore[arg-type]
        (Terms(contract_size=True), "a contract_size of true: expected"),
    ],
)
def test_terms_that_no_broker_has_are_refused(terms: Terms, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        get_pair("XAUUSD").under(terms)


def test_table_holds_each_pair_one_way_round() -> None:
    assert not {pair.quote + pair.base for pair in PAIRS.values()} & set(PAIRS)
    assert all(pair.quote in CURRENCIES for pair in PAIRS.values())


@pytest.mark.parametrize(
    ("name", "digits", "points"),
    [("EURUSD", 5, 10), ("EURUSD", 4, 1), ("EURUSD", 3, "0.1"), ("USDJPY", 3, 10), ("XAUUSD", 2, 10)],
)
def test_points_per_pip_follow_the_files_digits(name: str, digits: int, points: int | str) -> None:
    assert get_pair(name).points_per_pip(digits) == Decimal(points)


@given(st.text(max_size=12) | st.from_regex(r"[A-Za-z]{5,7}", fullmatch=True))
def test_name_that_is_not_in_the_table_to_the_letter_is_refused(name: str) -> None:
    if name in PAIRS:
        assert get_pair(name).name == name
        return
    with pytest.raises(UnknownPairError):
        get_pair(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "eurusd",
        "EURUSD ",
        "EURUSD\n",
        "EUR/USD",
        "../EURUSD",
        "EURUSD/..",
        "$(reboot)",
        "EURUSD;ls",
        "\u0395URUSD",
        "EUR\0USD",
    ],
)
def test_name_with_anything_but_six_capitals_is_refused(name: str) -> None:
    with pytest.raises(UnknownPairError) as caught:
        get_pair(name)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("name", "near"), [("EURUSX", "EURUSD"), ("eur/usd", "EURUSD"), ("GBPUDS", "GBPUSD"), ("XAUUS", "XAUUSD")]
)
def test_name_that_is_nearly_known_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownPairError, match=f"did you mean .*{near}"):
        get_pair(name)


def test_name_that_is_like_none_is_answered_with_some() -> None:
    with pytest.raises(UnknownPairError, match=r"only currency pairs \(EURUSD, GBPUSD"):
        get_pair("QQQQQQ")
    with pytest.raises(UnknownPairError, match="known are EURUSD, GBPUSD"):
        get_pair("")


@pytest.mark.parametrize("name", ["US30", "BTCUSD", "ETHUSD", "GER40", "US500.cash", "XBRUSD", "SPX500m"])
def test_name_of_another_kind_of_instrument_is_answered_with_what_is_known(name: str) -> None:
    with pytest.raises(UnknownPairError) as caught:
        get_pair(name)

    assert str(caught.value) == (
        f"unknown pair '{name}': only currency pairs (EURUSD, GBPUSD, USDJPY, USDCHF, AUDUSD, USDCAD, NZDUSD and "
        "others), gold (XAUUSD) and silver (XAGUSD) are known"
    )


@pytest.mark.parametrize("name", ["UERUSD", "EURSUD", "EURUSX", "XAUEUR", "eur/usd"])
def test_pair_that_is_mistyped_or_missing_is_answered_with_a_near_one(name: str) -> None:
    with pytest.raises(UnknownPairError, match=r"did you mean .*(EURUSD|XAUUSD)"):
        get_pair(name)
