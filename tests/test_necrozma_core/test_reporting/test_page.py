"""The report is one page that needs nothing, believes no name, and says what it does not know."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.money.equity import Equity
from necrozma_core.reporting.curves import Curve
from necrozma_core.reporting.page import render_report
from necrozma_core.reporting.ranking import rank_metrics
from necrozma_core.storage.results.schemas import METRICS_SCHEMA

VOID = {"meta", "br", "hr", "img", "link", "input"}
DAY_MS = 86_400_000
MANIFEST: dict[str, Any] = {
    "run_id": "20240131-221500-3f2a",
    "status": "failed",
    "started_at": "2024-01-31T22:15:00.000+00:00",
    "ended_at": "2024-01-31T22:15:09.000+00:00",
    "settings": {"account_currency": "CHF", "timeframe": "5min", "pairs": ["EURUSD", "USDJPY"]},
    "inputs": {"EURUSD": "ab" * 32},
    "versions": {"numpy": "2.4"},
    "seconds": {"ranking": 0.01},
    "pairs": {
        "EURUSD": {"state": "computed", "strategy_failures": [["broken", "returned a NaN at bar 7"]]},
        "USDJPY": {"state": "failed", "failure": "no ticks of USDJPY"},
    },
}


class Page(HTMLParser):
    """Reads a page, checks that its elements nest, and keeps what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def ranking(*rows: dict[str, Any]) -> pa.Table:
    filled = []
    for changed in rows:
        row: dict[str, Any] = {
            field.name: None if field.nullable else {"string": "", "bool": False}.get(str(field.type), 0)
            for field in METRICS_SCHEMA
        }
        filled.append({**row, "pair": "EURUSD", "timeframe": "5min", "net_profit": 0.0, **changed})
    return rank_metrics([pa.Table.from_pylist(filled, schema=METRICS_SCHEMA)])


GOOD = {"strategy": "sma 10/30", "trades": 1_234, "sharpe": 1.5, "net_profit": 4_321.5, "win_rate": 0.4567}
FEW = {"strategy": "lucky", "trades": 2, "few_trades": True, "sharpe": 9.0, "net_profit": 10.0}
IDLE = {"strategy": "asleep", "pair": "GBPUSD", "trades": 0, "few_trades": True, "note": "RSI never below 1"}


def assert_safe(page: Page) -> None:
    assert not {"script", "link", "iframe", "object", "embed", "img", "form", "base"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not {"src", "href", "action", "style"} & names


def test_report_shows_ranking_with_units_and_marks() -> None:
    page = Page(render_report(ranking(GOOD, FEW, IDLE), MANIFEST))
    assert_safe(page)
    for expected in (
        "20240131-221500-3f2a",
        "3 settings on 3 pairs, 1,236 trades",
        "net profit, CHF",
        "won, %",
        "4,321.50",
        "45.7",
        "1,234",
        "2 †",
    ):
        assert expected in page.text, expected


def test_report_says_that_the_top_of_many_trials_is_luck() -> None:
    text = Page(render_report(ranking(GOOD, FEW, IDLE), MANIFEST)).text
    assert "3 settings were tried and 2 of them ended with a profit" in text
    assert "luckiest" in text


def test_report_warns_of_failures_silence_and_few_trades() -> None:
    text = Page(render_report(ranking(GOOD, FEW, IDLE), MANIFEST)).text
    for expected in (
        "pairs that failed and are missing here (USDJPY): 1",
        "no ticks of USDJPY",
        "strategies that failed, named below: 1",
        "returned a NaN at bar 7",
        "settings without a trade, named below: 1",
        "RSI never below 1",
        "settings with fewer than 30 trades, marked † and ranked after the others: 1",
    ):
        assert expected in text, expected


def test_report_says_over_the_sign_why_a_figure_is_undefined() -> None:
    note = 'profit_factor: nothing lost; a "sign" <b>'
    rows = [{**GOOD, "note": note, "profit_factor": None, "sortino": 2.0, "stop_loss_pips": None}]
    page = Page(render_report(ranking(*rows), MANIFEST))
    assert_safe(page)
    titles = [value for name, value in page.attributes if name == "title"]
    figures = (
        "max_drawdown",
        "max_drawdown_at_exits",
        "profit_factor",
        "expectancy",
        "total_return",
        "calmar",
        "exposure",
    )
    assert titles == [note] * 2 * len(figures)  # in the ranking and among the best; a stop is no figure


def test_report_marks_and_counts_ratios_that_say_little_or_nothing() -> None:
    short = {**GOOD, "strategy": "short", "few_days": True}
    equal = {**GOOD, "strategy": "equal", "sharpe": 158_760.95, "few_days": True, "constant_returns": True}
    text = Page(render_report(ranking(GOOD, short, equal, IDLE), MANIFEST)).text
    for expected in (
        "1.50 ‡",
        "158760.95 ‡≈",
        "settings with a Sharpe ratio of fewer than 30 days, marked ‡ and ranked after the others: 2",
        "settings with practically constant returns, marked ≈, whose Sharpe ratio ranks for nothing: 1",
        "‡ fewer than 30 days: the ratios say little.",
        "≈ practically constant returns: the ratios say nothing.",
    ):
        assert expected in text, expected
    assert "‡" not in Page(render_report(ranking(GOOD, FEW), MANIFEST)).text


def test_report_shows_settings_inputs_versions_and_times() -> None:
    text = Page(render_report(ranking(GOOD), MANIFEST)).text
    for expected in ("timeframe 5min", "pairs EURUSD, USDJPY", "ab" * 32, "numpy 2.4", "ranking 0.01"):
        assert expected in text, expected


def test_report_is_dark_where_the_reader_is() -> None:
    html = render_report(ranking(GOOD), MANIFEST)
    assert "color-scheme: light dark" in html
    assert "prefers-color-scheme: dark" in html


def test_report_shows_the_first_rows_and_says_of_how_many() -> None:
    rows = [{**GOOD, "strategy": f"s{number:03d}", "sharpe": -float(number)} for number in range(70)]
    text = Page(render_report(ranking(*rows), MANIFEST, top=5)).text
    assert "The first 5 of 70 settings" in text
    assert "s004" in text
    assert "s005" not in text


@pytest.mark.parametrize("manifest", [{}, MANIFEST, {"pairs": {}, "settings": None}])
def test_report_without_rows_or_manifest_is_a_page(manifest: dict[str, Any]) -> None:
    page = Page(render_report(rank_metrics([]), manifest))
    assert "Nothing to show" in page.text
    assert "luckiest" not in page.text


def test_report_best_of_each_pair_is_listed_and_drawn_where_a_curve_is_given() -> None:
    rows = [GOOD, {**GOOD, "strategy": "second", "sharpe": 1.0}, {**GOOD, "pair": "USDJPY", "strategy": "yen"}]
    balance = Equity(10_000.0, np.arange(5) * DAY_MS, np.linspace(9_000, 12_000, 5), np.empty(0))
    page = Page(render_report(ranking(*rows), MANIFEST, [Curve("EURUSD", "sma 10/30", balance)]))
    assert_safe(page)
    assert page.tags.count("svg") == 1
    assert "EURUSD sma 10/30: balance after its closed trades" in page.text
    assert "balance after closed trades, CHF; open positions are not counted" in page.text
    assert "1970-01-01 to 1970-01-05" in page.text
    assert not {"svg", "figure"} & set(Page(render_report(ranking(*rows), MANIFEST)).tags)
    best = page.text.split("Best of each pair")[1]
    assert ("yen" in best, "second" in best) == (True, False)


def test_report_says_why_a_curve_is_missing() -> None:
    curves = [Curve("EURUSD", "sma 10/30", None, "not drawn: too many trades")]
    page = Page(render_report(ranking(GOOD), MANIFEST, curves))
    assert_safe(page)
    assert "svg" not in page.tags
    assert "EURUSD sma 10/30 not drawn: too many trades" in page.text


EVIL = "</td></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}"


def test_report_names_of_users_are_never_markup() -> None:
    rows = [{**GOOD, "strategy": EVIL}, {**IDLE, "strategy": EVIL, "note": EVIL}]
    manifest = {
        **MANIFEST,
        "run_id": EVIL,
        "status": EVIL,
        "settings": {EVIL: EVIL, "account_currency": EVIL, "list": [EVIL], "in": {EVIL: [EVIL]}},
        "pairs": {EVIL: {"failure": EVIL, "strategy_failures": [[EVIL, EVIL]]}},
    }
    equity = Equity(1.0, np.zeros(1, np.int64), np.ones(1), np.ones(1))
    curves = [Curve(EVIL, EVIL, equity), Curve(EVIL, EVIL, None, EVIL)]
    html = render_report(ranking(*rows), manifest, curves)
    page = Page(html)
    assert_safe(page)
    assert "<script" not in html
    assert page.text.count("alert(1)") > 10


@given(st.text(max_size=40), st.text(max_size=40))
def test_report_any_names_leave_a_safe_page(name: str, other: str) -> None:
    rows = [{**GOOD, "strategy": name}, {**IDLE, "strategy": other, "note": name}]
    manifest = {"settings": {name: other}, "pairs": {"EURUSD": {"strategy_failures": [[name, other]]}}}
    assert_safe(Page(render_report(ranking(*rows), manifest)))


def test_report_equal_input_gives_equal_text() -> None:
    assert render_report(ranking(GOOD, FEW), MANIFEST) == render_report(ranking(FEW, GOOD), MANIFEST)


def test_doubtful_data_is_among_the_warnings_and_said_in_full() -> None:
    inputs = {"EURUSD": "ab" * 32, "EURUSD report": "cd" * 32, "EURUSD doubts": ["2 ticks jump <b>", "1 tick has"]}
    page = Page(render_report(ranking({"strategy": "a"}), {**MANIFEST, "inputs": inputs}))

    assert "pairs whose data is doubtful, see the inputs below (EURUSD): 1" in page.text
    assert "2 ticks jump <b>, 1 tick has" in page.text
    assert "doubtful" not in Page(render_report(ranking({"strategy": "a"}), MANIFEST)).text
