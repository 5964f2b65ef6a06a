"""Orders here and in other backtesters: our side everywhere, theirs where their environment is."""

import pytest

from benchmarks.measuring.pages import DOCS
from benchmarks.peers import orders
from benchmarks.peers.order_rules import Bar, Case, Rule, Trade, walk_by_rules

FLAT = Bar(1_000, 1_000, 1_000, 1_000)


@pytest.mark.parametrize("name", orders.CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_rules_as_they_are_here_give_the_trades_of_the_engine(name, seed):
    bars = orders.generated_bars(1_500, seed)
    signals = orders.crossings(bars)
    rows = [Bar(*row) for row in bars.bid.tolist()]
    ours = orders.trade_ours(bars, signals, orders.CASES[name])
    assert ours
    assert walk_by_rules(rows, signals, orders.CASES[name]) == ours


EXCHANGED = {
    Rule.LEVELS_BEFORE_SIGNALS: (
        Case(stop=100.5),
        [FLAT, FLAT, Bar(1_000, 1_000, 800, 900), FLAT],
        [1, -1, 0, 0],
        899.5,
    ),
    Rule.ENTRY_BAR_UNTESTED: (Case(stop=100.5), [FLAT, Bar(1_000, 1_000, 800, 1_000), FLAT], [1, 0, 0], 1_000),
    Rule.ENTRY_BAR_UNFOLLOWED: (
        Case(trailing=100.5),
        [FLAT, Bar(1_000, 1_090, 1_000, 1_090), Bar(1_000, 1_000, 950, 980)],
        [1, 0, 0],
        980,
    ),
    Rule.OPENING_UNFOLLOWED: (Case(trailing=100.5), [FLAT, FLAT, Bar(1_090, 1_090, 950, 980)], [1, 0, 0], 980),
    Rule.REFUSED_BEYOND_CLOSE: (Case(target=100.5), [FLAT, Bar(850, 850, 850, 850), FLAT], [1, 0, 0], None),
    Rule.DECIDED_AT_CLOSE: (Case(stop=100.5), [FLAT, FLAT, Bar(800, 800, 800, 800), FLAT], [1, 1, 0, 0], 800),
    Rule.FILL_BAR_UNTESTED: (
        Case("stop", 50.5, stop=100),
        [FLAT, Bar(1_000, 1_060, 900, 1_000), FLAT],
        [1, 0, 0],
        1_000,
    ),
    Rule.TARGET_IN_FILL_BAR: (
        Case("stop", 50.5, target=100),
        [FLAT, Bar(1_000, 1_200, 1_000, 1_000), FLAT],
        [1, 0, 0],
        1_150.5,
    ),
    Rule.LEVELS_FROM_ORDER: (
        Case("limit", 50.5, target=100),
        [FLAT, Bar(900, 900, 900, 900), Bar(900, 1_020, 900, 900)],
        [1, 0, 0],
        900,
    ),
    Rule.STOP_BEFORE_OPENING: (
        Case(stop=100.5, target=100.5),
        [FLAT, FLAT, Bar(1_200, 1_200, 800, 1_000)],
        [1, 0, 0],
        899.5,
    ),
    Rule.ENDS_AT_OPENING: (Case(), [FLAT, FLAT, Bar(1_000, 1_000, 900, 900)], [1, 0, 0], 1_000),
}
"""Orders, bars and signals, and the price at which the first trade closes by the rule; None where there is no trade."""


@pytest.mark.parametrize("rule", Rule)
def test_rule_of_a_peer_is_what_it_says(rule):
    case, bars, signals, expected = EXCHANGED[rule]
    exchanged = walk_by_rules(bars, signals, case, [rule])
    assert exchanged != walk_by_rules(bars, signals, case)
    assert [trade.exit for trade in exchanged[:1]] == ([] if expected is None else [expected])


@pytest.mark.slow
@pytest.mark.skipif(not orders._PYTHON.exists(), reason="the peers' environment is made by make bench-peers")
def test_no_trade_of_a_peer_is_left_unexplained():
    bars = orders.generated_bars(1_200, seed=3)
    signals = orders.crossings(bars)
    for name, peers in orders.trade_peers(bars, signals, orders.CASES).items():
        for peer, theirs in peers.items():
            if theirs is not None:
                ladder = orders.explain(bars, signals, orders.CASES[name], peer, theirs)
                assert ladder.theirs, (name, peer)
                assert ladder.unexplained == 0, (name, peer)


def test_difference_counts_the_trades_of_both_sides():
    first, second = Trade(1, 0, 100, 1, 101), Trade(1, 0, 100, 2, 101)
    assert orders._differing([first], [first]) == 0
    assert orders._differing([first], [second]) == 2


def test_page_has_room_for_the_comparison():
    page = (DOCS / "bars-and-dates.md").read_text(encoding="utf-8")
    assert "<!-- peers' orders -->\n" in page
    assert "<!-- /peers' orders -->" in page
