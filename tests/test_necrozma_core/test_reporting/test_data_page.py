"""The page of a data report: whole, escaped, and the same for the same ticks; and what a browser makes of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from necrozma_core.feeds.data_report import DataReport, report_data
from necrozma_core.feeds.inspection import Doubt, Finding
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.reporting.data_page import render_data_report

from .test_page import Page

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "</li><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


@pytest.fixture
def report() -> DataReport:
    """Three days with a jump in one, a day missing, and a name that no pair has."""
    start = int(np.datetime64("2024-01-15", "ms").astype(np.int64))
    minutes = np.concatenate([np.arange(600) + day * 1440 for day in (0, 1, 3)])
    bid = (109_000 + np.arange(1_800) % 3).astype(np.int32)
    ask = bid + np.int32(9)
    bid[700] = ask[700] = 1_090_000
    found = report_data(Ticks(get_pair("EURUSD"), 5, start + minutes * 60_000, bid, ask))
    return replace(found, pair=HOSTILE, findings=(*found.findings, Finding(Doubt.JUMP, 1, HOSTILE)))


def test_page_has_every_day_the_verdict_and_a_picture(report: DataReport) -> None:
    page = Page(text := render_data_report([report]))

    for day in report.days:
        assert str(day.day) in page.text
    for sentence in report.verdict():
        assert " ".join(sentence.split()) in page.text
    assert page.tags.count("svg") == 1
    assert "triangles: doubtful ticks; shaded: days missing" in page.text
    assert text == render_data_report([report])


def test_page_runs_and_loads_nothing(report: DataReport) -> None:
    page = Page(render_data_report([report]))

    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in {"src", "href"}]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 1360])
def test_page_in_a_browser_asks_nobody_and_shows_a_hostile_name(
    tmp_path: Path, report: DataReport, scheme: str, width: int
) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make setup")
    path = tmp_path / "page.html"
    path.write_text(render_data_report([report]), encoding="utf-8")
    asked: list[str] = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert page.title() == "Data report"
        assert page.locator("h2").inner_text() == HOSTILE
        page.locator("summary").click()
        assert page.locator("details tbody tr").count() == 3
        # What is wide scrolls by itself; the page does not.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        text, ground = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.querySelector('.note')).backgroundColor]"
        )
        browser.close()
    assert asked == [path.as_uri()]
    assert (sum(map(int, text[4:-1].split(","))) > 380) == (scheme == "dark")
    assert (sum(map(int, ground[4:-1].split(","))) < 380) == (scheme == "dark")
