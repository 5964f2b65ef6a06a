"""The user guide's own examples, run as a user would run them."""

import re
from pathlib import Path

import numpy as np
import pytest
from bar_samples import first_bars, walking_bars

from necrozma_core.strategies.bar_distances import checked_levels
from necrozma_core.strategies.catalog import FAMILIES
from necrozma_core.strategies.checking import checked_signals, entering_signals
from necrozma_core.strategies.filters import FilterText
from necrozma_core.strategies.order_settings import ORDER_SETTINGS
from necrozma_core.strategies.parameters import write_value
from necrozma_core.strategies.settings import load_settings, parse_grid
from necrozma_core.strategies.user import load_strategies

GUIDE = Path(__file__).parents[3] / "docs" / "strategies.md"


def block(language: str, part: str = "") -> str:
    """Return the first block of a language that has a part."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return next(found for found in blocks if part in found)


def test_guide_s_python_file_loads_trades_and_sees_no_future() -> None:
    strategies = load_strategies(Path("my_strategies.py"), block("python"))
    assert [strategy.name for strategy in strategies] == ["row of 3 sl20 tp30", "row of 4 sl20 tp30"]
    bars = walking_bars(500)
    for strategy in strategies:
        signals = checked_signals(strategy, bars)
        assert set(np.unique(signals)) == {-1, 0, 1}
        assert np.array_equal(checked_signals(strategy, first_bars(bars, 300)), signals[:300])


def test_guide_s_python_file_with_orders_loads_and_gives_levels_where_it_enters() -> None:
    (wide,) = load_strategies(Path("my_orders.py"), block("python", "entry_prices"))
    assert wide.orders.given() == {
        "trailing_stop_pips": 25.0, "trailing_start_pips": 15.0, "entry_order": "stop", "entry_expiry_bars": 12,
    }  # fmt: skip
    bars = walking_bars(2_000)
    signals = checked_signals(wide, bars)
    levels = checked_levels(wide, bars, signals)
    assert set(np.unique(signals)) == {-1, 0, 1}
    assert levels is not None
    assert levels.stop_pips is not None
    assert levels.target_pips is None
    assert (levels.stop_pips[signals != 0] > 0).all()


def test_page_of_orders_lists_every_one() -> None:
    page = GUIDE.with_name("orders.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert set(ORDER_SETTINGS) <= set(listed)


def test_guide_s_file_of_higher_timeframes_trades_and_sees_no_future() -> None:
    (strategy,) = load_strategies(Path("my_strategies.py"), block("python", "bars.higher"))
    assert strategy.filter == "atr(5)@1d>0.3%"
    bars = walking_bars(4_000)
    signals = checked_signals(strategy, bars)
    assert set(np.unique(signals)) == {-1, 0, 1}
    entering = entering_signals(strategy, signals, bars)
    assert 0 < np.isin(entering, (1, -1)).sum() < np.isin(signals, (1, -1)).sum()
    for count in (1, 900, 2_500, 3_000):
        past = first_bars(bars, count)
        assert np.array_equal(checked_signals(strategy, past), signals[:count])
        assert np.array_equal(entering_signals(strategy, signals[:count], past), entering[:count])


def test_guide_s_filters_are_read_as_they_are_written() -> None:
    section = GUIDE.read_text(encoding="utf-8").partition("\n### Filters\n")[2].partition("\n## ")[0]
    written = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(written) == 6
    for text in written:
        assert FilterText().check("filter", text) == text
    (grid,) = re.findall(r"`(family=[^`]+)`", section)
    assert len(parse_grid(grid).strategies) == 3


def test_guide_s_toml_file_loads() -> None:
    sweep = load_settings(Path("sweep.toml"), block("toml"))
    assert {strategy.family for strategy in sweep.strategies} == {"sma_cross", "session"}


def test_guide_s_grids_parse() -> None:
    grids = re.findall(r"--grid '([^']+)'", GUIDE.read_text(encoding="utf-8"))
    assert len(grids) == 3
    for grid in grids:
        assert parse_grid(grid).strategies


@pytest.mark.parametrize("family", FAMILIES)
def test_guide_lists_every_family_with_its_defaults(family: str) -> None:
    row = next(line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{family}` |"))
    shown = ", ".join(f"`{name}` {write_value(value)}" for name, value in FAMILIES[family]().params.items())
    assert row.split("|")[2].strip() == shown
