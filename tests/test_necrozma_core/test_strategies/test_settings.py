"""Grids of settings, from a TOML file and from a line of text."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import UsageError
from necrozma_core.strategies import settings
from necrozma_core.strategies.families.rsi import Rsi
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.settings import load_settings, parse_grid


def sweep_of(folder: Path, text: str) -> settings.Sweep:
    path = folder / "sweep.toml"
    path.write_text(text)
    return load_settings(path)


def test_parse_grid_all_combinations_in_the_family_s_order_without_the_impossible() -> None:
    sweep = parse_grid("slow=20:40:20 fast=10,30 family=sma_cross stop_loss_pips=20 take_profit_pips=none,60")
    assert [strategy.name for strategy in sweep.strategies] == [
        "sma_cross(10,20) sl20",
        "sma_cross(10,20) sl20 tp60",
        "sma_cross(10,40) sl20",
        "sma_cross(10,40) sl20 tp60",
        "sma_cross(30,40) sl20",
        "sma_cross(30,40) sl20 tp60",
    ]
    assert (sweep.conflicting, sweep.repeated) == (2, 0)


def test_load_settings_file_means_the_same_as_the_line(tmp_path: Path) -> None:
    sweep = sweep_of(
        tmp_path,
        """
        [[grid]]                        # comments are welcome
        family = "sma_cross"
        slow = "20:40:20"
        fast = [10, 30]
        stop_loss_pips = 20
        take_profit_pips = ["none", 60.0]

        [[grid]]
        family = "rsi"
        period = [7, "14:28:7"]
        low = [20, 25.5]
        """,
    )
    line = (
        "family=sma_cross fast=10,30 slow=20:40:20 stop_loss_pips=20 take_profit_pips=none,60 ; "
        "family=rsi period=7,14:28:7 low=20,25.5"
    )
    assert sweep == parse_grid(line)
    assert len(sweep.strategies) == 6 + 8
    assert sweep.strategies[-1] == Rsi(28, 25.5, 70.0)


def test_parse_grid_family_alone_is_its_default_setting() -> None:
    assert parse_grid("family=sma_cross").strategies == (SmaCross(),)


def test_parse_grid_repeated_settings_are_kept_once_and_counted() -> None:
    sweep = parse_grid("family=rsi period=7,14,7:14:7;family=rsi period=14,21;")
    assert [strategy.params["period"] for strategy in sweep.strategies] == [7, 14, 21]
    assert (sweep.conflicting, sweep.repeated) == (0, 3)


def test_parse_grid_fractions_step_exactly() -> None:
    sweep = parse_grid("family=keltner width=0.1:0.7:0.1")
    assert [strategy.params["width"] for strategy in sweep.strategies] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_parse_grid_range_without_step_counts_by_one() -> None:
    assert [strategy.params["period"] for strategy in parse_grid("family=donchian period=3:5").strategies] == [3, 4, 5]
    assert [strategy.params["period"] for strategy in parse_grid("family=donchian period=3:3").strategies] == [3]


def test_parse_grid_names_may_be_many() -> None:
    sweep = parse_grid("family=session session=tokyo,london range_minutes=30,60")
    assert [strategy.name for strategy in sweep.strategies] == [
        "session(tokyo,30,240)", "session(tokyo,60,240)", "session(london,30,240)", "session(london,60,240)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "grid: expected family=NAME and its values"),
        (" ; ", "grid: expected family=NAME and its values"),
        ("fast=5", "grid 1: expected a family: one of bollinger, burst, donchian"),
        ("famly=rsi", "grid 1: unknown name 'famly': did you mean family?"),
        ("Family=rsi period=7", "grid 1: unknown name 'Family': did you mean family?"),
        ("family=rsi;fam=rsi", "grid 2: unknown name 'fam': did you mean family?"),
        ("family=rsi famly=rsi", "grid 1: rsi has no setting 'famly': did you mean family?"),
        ("perod=7", "grid 1: expected a family: one of bollinger, burst, donchian"),
        ("rsi", "grid 1: expected name=values without spaces, found 'rsi'; did you mean family=rsi?"),
        ("family=sma", "grid 1: unknown family 'sma': did you mean sma_cross?"),
        ("family=sma_cros", "grid 1: unknown family 'sma_cros': did you mean sma_cross"),
        ("family=zzz", "grid 1: unknown family 'zzz': known are bollinger, burst"),
        ("family=sma_cross fats=5", "grid 1: sma_cross has no setting 'fats': did you mean fast or targets?"),
        (
            "family=sma_cross stop_loss=5",
            "sma_cross has no setting 'stop_loss': did you mean stop_loss_atr or stop_loss_pips?",
        ),
        ("family=rsi;family=sma_cross qq=5", "grid 2: sma_cross has no setting 'qq': known are fast, slow, exit"),
        ("family=sma_cross fast=0", "grid 1: fast: expected a whole number from 1 to 10000, found 0"),
        ("family=sma_cross fast=ten", "grid 1: fast: expected a whole number from 1 to 10000, found 'ten'"),
        ("family=sma_cross fast=5,", "grid 1: fast: expected a whole number from 1 to 10000, found ''"),
        ("family=sma_cross fast=2.5", "grid 1: fast: expected a whole number from 1 to 10000, found '2.5'"),
        ("family=sma_cross fast=1:9:0.5", "grid 1: fast: expected a whole number from 1 to 10000, found '1.5'"),
        ("family=sma_cross fast=5:1", "grid 1: fast: expected a range such as 5:50:5, from the first to the last"),
        ("family=sma_cross fast=1:5:0", "grid 1: fast: expected a range such as 5:50:5"),
        ("family=sma_cross fast=1:5:-1", "grid 1: fast: expected a range such as 5:50:5"),
        ("family=sma_cross fast=1:nan", "grid 1: fast: expected a range such as 5:50:5"),
        ("family=sma_cross fast=1:5:1:1", "grid 1: fast: expected a range such as 5:50:5"),
        ("family=sma_cross fast=a:b", "grid 1: fast: expected a range such as 5:50:5"),
        (
            "family=keltner width=1:2:0.3",
            "grid 1: width: the range 1:2:0.3 misses its end: after 1.9 comes 2.2; write 1:1.9:0.3, or another step",
        ),
        ("family=donchian period=3:9:4", "the range 3:9:4 misses its end: after 7 comes 11; write 3:7:4"),
        ("family=donchian period=5,3:9:40", "the range 3:9:40 misses its end: after 3 comes 43; write 3, or another"),
        ("family=keltner width=0.5:2", "the range 0.5:2 misses its end: after 1.5 comes 2.5; write 0.5:1.5:1"),
        ("family=sma_cross fast=1:1e12", "grid 1: fast: the range 1:1e12 holds more than 1,000,000 values"),
        ("family=keltner width=nan", "grid 1: width: expected a number above 0 up to 100, found nan"),
        ("family=keltner width=1:inf", "grid 1: width: expected a range such as"),
        ("family=session session=tokio", "grid 1: session: unknown value 'tokio': did you mean tokyo?"),
        ("family=rsi stop_loss_pips=0,20", "grid 1: stop_loss_pips: expected a number of pips above zero, or none"),
        ("family=rsi stop_loss_pips=NaN", "grid 1: stop_loss_pips: expected a number of pips above zero, or none"),
        ("family=rsi period", "grid 1: expected name=values without spaces, found 'period'"),
        ("family=rsi period= 7", "grid 1: expected name=values without spaces, found 'period='"),
        ("family=rsi period=7 period=8", "grid 1: period is given twice"),
        (
            "family=rsi;family=sma_cross fast=30,40 slow=20,30",
            "grid 2: no combination is possible: sma_cross: fast (30) must be below slow (20)",
        ),
        (
            "family=sma_cross fast=1:1000 slow=1001:2001:1",
            "grid 1: 1,001,000 combinations so far, at most 1,000,000 are allowed",
        ),
    ],
)
def test_parse_grid_wrong_text_is_refused_with_the_nearest_names(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_grid(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected at least one table that begins with [[grid]]"),
        ("grid = 5", "expected at least one table that begins with [[grid]]"),
        ("grid = []", "expected at least one table that begins with [[grid]]"),
        ('[grid]\nfamily = "rsi"', "expected [[grid]], with two brackets on each side, found [grid]"),
        ('[[grids]]\nfamily = "rsi"', "unknown name 'grids': did you mean grid?"),
        ('[[Grid]]\nfamily = "rsi"', "unknown name 'Grid': did you mean grid?"),
        ('family = "rsi"', "unknown name 'family': known are tables that begin with [[grid]], in which settings stand"),
        ('[[grid]]\nfamly = "rsi"', "grid 1: unknown name 'famly': did you mean family?"),
        ('[[grid]]\nfamily = ["rsi"]', "found a list, and a grid has one"),
        ("[[grid]]\nfamily = 5", "grid 1: expected a family: one of bollinger"),
        (
            '[[grid]]\nfamily = "rsi"\nperiod = true',
            "grid 1: period: expected a whole number from 2 to 10000, found true",
        ),
        ('[[grid]]\nfamily = "rsi"\nperiod = []', "grid 1: period: expected at least one value, found an empty list"),
        (
            '[[grid]]\nfamily = "rsi"\nperiod = [[7]]',
            "grid 1: period: expected values, or texts such as '5:50:5', found a list in a list",
        ),
        (
            '[[grid]]\nfamily = "rsi"\nperiod = {a = 1}',
            "grid 1: period: expected values, or texts such as '5:50:5', found a table",
        ),
        ('[[grid]]\nfamily = "rsi"\nperiod = [4, "2:9:3"]', "the range 2:9:3 misses its end: after 8 comes 11"),
        ('[[grid]]\nfamily = "rsi"\nlow = nan', "grid 1: low: expected a number from 0 to 100, found nan"),
        ('[[grid]]\nfamily = "rsi"\nperiod = 7\nperiod = 8', "not valid TOML: Cannot overwrite a value"),
        ("[[grid", "not valid TOML: "),
    ],
)
def test_load_settings_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sweep_of(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "sweep.toml"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_settings_other_formats_and_missing_files_are_refused(tmp_path: Path) -> None:
    for name in ("sweep.yaml", "sweep.json", "sweep"):
        (tmp_path / name).write_text("")
        with pytest.raises(UsageError, match=r"expected a settings file in TOML \(\.toml\), found"):
            load_settings(tmp_path / name)
    with pytest.raises(UsageError, match=r"no\.toml: no such file; expected a settings file in TOML"):
        load_settings(tmp_path / "no.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UsageError, match="a folder; expected a settings file in TOML"):
        load_settings(tmp_path / "folder.toml")
    (tmp_path / "latin.toml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(UsageError, match="expected UTF-8 text, found byte 0xe9"):
        load_settings(tmp_path / "latin.toml")


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.lists(st.integers(2, 40), min_size=1, max_size=6),
    st.lists(st.none() | st.integers(1, 90), min_size=1, max_size=4),
)
def test_parse_grid_any_values_equal_the_loops(fast: list[int], slow: list[int], stops: list[int | None]) -> None:
    expected = [
        SmaCross(a, b, stop_loss_pips=stop)
        for a, b, stop in product(dict.fromkeys(fast), dict.fromkeys(slow), dict.fromkeys(stops))
        if a < b
    ]
    text = "family=sma_cross " + " ".join(
        f"{name}={','.join(str(value).lower() for value in values)}"
        for name, values in (("fast", fast), ("slow", slow), ("stop_loss_pips", stops))
    )
    if not expected:
        with pytest.raises(UsageError, match="no combination is possible"):
            parse_grid(text)
        return
    assert list(parse_grid(text).strategies) == expected


def test_parse_grid_fifty_thousand_settings_have_fifty_thousand_names() -> None:
    sweep = parse_grid("family=sma_cross fast=2:51 slow=60:159 stop_loss_pips=5:50:5")
    assert len(sweep.strategies) == 50_000
    assert len({strategy.name for strategy in sweep.strategies}) == 50_000
