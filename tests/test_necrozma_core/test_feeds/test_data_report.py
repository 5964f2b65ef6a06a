"""The data report against days counted one by one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from necrozma_core.feeds.data_report import report_data
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.reporting.data_page import render_data_report
from necrozma_core.storage.ticks.store import TickStore


@pytest.fixture(scope="module")
def ticks(tmp_path_factory: pytest.TempPathFactory) -> Ticks:
    folder = tmp_path_factory.mktemp("data")
    write_samples(folder, 1, 30_000, 3)
    return TickStore(folder).read("EURUSD")


def test_days_are_those_that_end_at_five_in_new_york(ticks: Ticks) -> None:
    counted: dict[str, list[float]] = {}
    for time, bid, ask in zip(ticks.time_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist(), strict=True):
        local = datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo("America/New_York"))
        day = (local + timedelta(hours=7)).date().isoformat()
        counted.setdefault(day, []).append((ask - bid) / 10)

    report = report_data(ticks)

    assert [(str(day.day), day.ticks) for day in report.days] == [(day, len(s)) for day, s in counted.items()]
    quantiles = [np.quantile(spreads, (0.5, 0.95, 1.0)) for spreads in counted.values()]
    assert np.allclose([day.spread_pips for day in report.days], quantiles, rtol=1e-12)
    assert [day.zero_spreads for day in report.days] == [s.count(0.0) for s in counted.values()]
    assert (report.weekend_ticks, report.findings) == (0, ())
    assert list(report.verdict())[-1] == "Nothing doubtful."


def test_ticks_of_a_weekend_are_doubtful() -> None:
    saturday = np.datetime64("2024-01-13T12:00", "ms").astype(np.int64)
    points = np.array([109_000, 109_000], dtype=np.int32)

    report = report_data(Ticks(get_pair("EURUSD"), 5, np.array([saturday, saturday]), points, points))

    assert report.is_doubtful
    assert list(report.verdict()) == [
        "Doubtful: 2 ticks while the market is closed for the weekend: check the zone.",
        "1 tick repeats the one before in time and prices.",
        "100 % of the ticks have no spread: a raw feed, whose costs are the commission.",
    ]


def test_page_shows_every_pair_and_day_and_needs_nothing_else(tmp_path: Path, ticks: Ticks) -> None:
    report = report_data(ticks)

    page = render_data_report([report])

    assert page == render_data_report([report_data(ticks)])
    assert "<h2>EURUSD</h2>" in page
    assert all(f">{day.day}<" in page for day in report.days)
    assert "default-src 'none'" in page
    assert "<script" not in page
