"""The ways between two currencies, against a plain search over the table."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.market.conversion_paths import conversion_paths, describe_path, long_path_lines
from necrozma_core.market.instruments import CURRENCIES, PAIRS

QUOTES = sorted({pair.quote for pair in PAIRS.values()})


@pytest.mark.parametrize(
    ("currency", "account", "expected"),
    [
        ("USD", "USD", []),
        ("GBP", "USD", [("GBPUSD", True)]),
        ("JPY", "USD", [("USDJPY", False)]),
        ("USD", "EUR", [("EURUSD", False)]),
        ("CHF", "JPY", [("CHFJPY", True)]),
        ("TRY", "CHF", [("EURTRY", False), ("EURCHF", True)]),
        ("NOK", "JPY", [("EURNOK", False), ("EURJPY", True)]),
        ("GBP", "PLN", [("EURGBP", False), ("EURPLN", True)]),
    ],
)
def test_first_path_multiplies_or_divides_by_the_pairs_that_exist(
    currency: str, account: str, expected: list[tuple[str, bool]]
) -> None:
    found = conversion_paths(currency, account)[0]
    assert [(leg.pair.name, leg.multiply) for leg in found] == expected


def test_paths_are_the_single_pair_and_then_two_by_the_third_currency() -> None:
    names = ["EURCAD", "USDCAD", "EURUSD", "AUDCAD", "AUDUSD", "NONSENSE"]
    paths = conversion_paths("CAD", "EUR", names)
    assert [describe_path(path) for path in paths] == [
        ["CAD to EUR by EURCAD"],
        ["CAD to USD by USDCAD", "USD to EUR by EURUSD"],
    ]
    assert conversion_paths("CAD", "EUR", ["USDCAD", "AUDUSD", "EURAUD"]) == []


@given(st.sampled_from(QUOTES), st.sampled_from(sorted(CURRENCIES)), st.sets(st.sampled_from(sorted(PAIRS))))
def test_paths_are_all_that_a_plain_search_finds(currency: str, account: str, names: set[str]) -> None:
    def leads(source: str, target: str, name: str) -> bool:
        return name in (source + target, target + source)

    expected = {(name,) for name in names if leads(currency, account, name)}
    for first, second in itertools.permutations(sorted(names), 2):
        middle = [each for each in CURRENCIES if leads(currency, each, first) and leads(each, account, second)]
        expected |= {(first, second) for each in middle if each not in (currency, account)}
    found = [tuple(leg.pair.name for leg in path) for path in conversion_paths(currency, account, names)]
    assert len(found) == len(set(found))
    assert set(found) == (expected if currency != account else {()})
    assert [len(path) for path in found] == sorted(len(path) for path in found)


def test_every_quote_currency_converts_into_every_account_by_two_pairs_at_most() -> None:
    for currency, account in itertools.product(QUOTES, sorted(CURRENCIES)):
        for path in conversion_paths(currency, account):
            ends = [currency, *(leg.target for leg in path)]
            assert [leg.source for leg in path] == ends[:-1]
            assert ends[-1] == account
        assert conversion_paths(currency, account), (currency, account)


def test_lines_name_every_way_by_two_pairs_once() -> None:
    cad = ["CAD to USD by USDCAD", "USD to EUR by EURUSD"]
    paths = {"USDCAD": cad, "EURJPY": ["JPY to EUR by EURJPY"], "AUDCAD": tuple(cad)}
    assert long_path_lines(paths) == [
        "profits of USDCAD, AUDCAD are converted from CAD to USD by USDCAD, then from USD to EUR by EURUSD"
    ]
