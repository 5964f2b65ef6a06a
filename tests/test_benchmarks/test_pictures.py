"""The pictures of orders: what they draw is what the engine traded, and the documents show them."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.measuring.pages import DOCS
from benchmarks.pictures.order_trades import KINDS, draw, draw_orders, find_trade, make_market, trade_kind
from benchmarks.pictures.tick_chart import Fill, Level, Moment, TickChart
from necrozma_core.engine.orders import Orders

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def market():
    return make_market()


def test_pictures_of_the_documents_are_those_that_are_drawn():
    for name, picture in draw_orders().items():
        assert (DOCS / "img" / "orders" / f"{name}.svg").read_text(encoding="utf-8") == picture, (
            f"{name}: python -m benchmarks.pictures --write"
        )


def test_every_picture_is_on_the_page():
    page = (DOCS / "orders.md").read_text(encoding="utf-8")
    assert re.findall(r"img/orders/([a-z-]+)\.svg", page) == [kind.name for kind in KINDS]


def test_every_order_is_on_the_page():
    page = (DOCS / "orders.md").read_text(encoding="utf-8")
    missing = [name for name in Orders.__slots__ if f"`{name}`" not in page]
    assert missing == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_trade_that_is_drawn_ended_by_its_order(market, kind):
    trades = trade_kind(market, kind)
    rows = find_trade(market, kind, trades)
    assert trades.reason[rows.stop - 1] == kind.reason
    assert len(set(trades.event[rows].tolist())) == 1
    assert trades.fraction[rows].sum() == pytest.approx(1)
    picture = ElementTree.fromstring(draw(market, kind))
    texts = [text.text or "" for text in picture.iter(f"{SVG}text")]
    prices = [*trades.entry_price[rows][:1], *trades.exit_price[rows]]
    for price in prices:
        assert any(text.endswith(f"{price:.5f}") for text in texts)


def test_kind_that_no_trade_shows_is_refused(market):
    kind = replace(KINDS[0], target=5_000.0)
    with pytest.raises(LookupError, match="no trade shows stop-and-target"):
        find_trade(market, kind, trade_kind(market, kind))


def test_chart_draws_levels_that_step_and_words_that_are_escaped(market):
    ticks = market.ticks
    times = ticks.time_ms[:50].tolist()
    price = float(ticks.bid[0])
    steps = Level("a <b>", "#000000", times[10:13], [price, price + 5, price + 5], times[40])
    chart = TickChart("t & t", "s", ticks, 0, 49, [steps], [Fill("in", times[10], price, buys=True)])
    chart.moments.append(Moment("noon", times[20], times[20]))
    picture = ElementTree.fromstring(chart.svg())
    (line,) = [
        path
        for path in picture.iter(f"{SVG}path")
        if path.get("stroke") == "#000000" and not path.get("stroke-dasharray")
    ]
    assert re.fullmatch(r"M[\d.]+ [\d.]+H[\d.]+V[\d.]+H[\d.]+", line.get("d"))
    assert {"a <b>", "in", "noon", "t & t"} <= {text.text for text in picture.iter(f"{SVG}text")}


def test_labels_of_near_prices_do_not_cover_each_other(market):
    times = market.ticks.time_ms[:50].tolist()
    price = float(market.ticks.bid[0])
    levels = [Level(str(number), "#000000", times[:1], [price + number / 10], times[40]) for number in range(6)]
    picture = ElementTree.fromstring(TickChart("t", "s", market.ticks, 0, 49, levels).svg())
    heights = sorted(
        float(text.get("y"))
        for text in picture.iter(f"{SVG}text")
        if text.get("font-weight") == "600" and len(text.text) == 1 and text.text.isdigit()
    )
    assert len(heights) == 6
    assert np.diff(heights).min() > 15
