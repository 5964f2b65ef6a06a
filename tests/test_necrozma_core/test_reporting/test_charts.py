"""Pictures: inside their frame, at any length."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from necrozma_core.market.calendars import DAY_MS
from necrozma_core.money.equity import Equity
from necrozma_core.reporting.charts import equity_svg


@pytest.mark.parametrize("day_end", [[], [10_000.0], [10_000.0] * 3, [9_000.0, -50.0], list(range(1, 3_000))])
def test_equity_svg_any_length_is_a_picture_inside_its_frame(day_end: list[float]) -> None:
    equity = Equity(10_000.0, np.arange(len(day_end)) * DAY_MS, np.array(day_end, np.float64), np.empty(0))
    picture = ET.fromstring(equity_svg(equity, "a < b & c"))
    space = "{http://www.w3.org/2000/svg}"
    assert picture.findtext(f"{space}title") == "a < b & c"
    line = picture.find(f"{space}polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(points) == min(len(day_end) + 1, 320)
    assert all(0 <= x <= 640 and 0 <= y <= 140 for x, y in points)
    assert [x for x, _ in points] == sorted({x for x, _ in points})


def test_equity_svg_rises_with_the_account() -> None:
    equity = Equity(100.0, np.arange(2) * DAY_MS, np.array([150.0, 200.0]), np.empty(0))
    line = ET.fromstring(equity_svg(equity, "")).find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    # From 100 at the bottom (16 above the edge of 140) to 200 at the top (16 below it), in two steps.
    assert line.attrib["points"] == "0.0,124.0 320.0,70.0 640.0,16.0"
