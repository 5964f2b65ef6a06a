"""A user's own file: what it may do, and one line for whatever goes wrong."""

import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bar_samples import walking_bars

from necrozma_core.engine.orders import NO_ORDERS, Orders
from necrozma_core.errors import StrategyError, UsageError
from necrozma_core.strategies.bar_distances import checked_levels
from necrozma_core.strategies.checking import checked_signals
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.user import load_strategies

GOOD = '''
"""Two of my own and one that is built in."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from necrozma_core.strategies.families.sma_cross import SmaCross


@dataclass
class Above:
    level: float
    stop_loss_pips: float | None = np.float64(20.0)
    take_profit_pips: float | None = None

    @property
    def name(self) -> str:
        return f"above {self.level}"

    @property
    def params(self):
        return {"level": np.float64(self.level), "window": [1, 2], "what": None}

    def signals(self, bars):
        assert len(bars) == len(bars.open_time) == len(bars.mid_close)
        above = bars.mid_close > self.level
        return np.diff(above.astype(np.int8), prepend=above[:1])


def strategies():
    return [Above(2.2), SmaCross(5, 10, stop_loss_pips=20), Above(1.1)]
'''


def loaded(folder: Path, text: str, name: str = "mine.py") -> tuple:
    path = folder / name
    path.write_text(text)
    return load_strategies(path)


def with_object(body: str) -> str:
    return f"""
import numpy as np
class Mine:
    name = "mine"
    params = {{}}
    stop_loss_pips = None
    take_profit_pips = 10
    def signals(self, bars):
        return np.zeros(len(bars), np.int8)
{body}
def strategies():
    return [Mine()]
"""


def test_load_strategies_good_file_gives_checked_strategies(tmp_path: Path) -> None:
    above, cross, _ = loaded(tmp_path, GOOD)
    assert above.name == "above 2.2"
    assert above.params == {"level": 2.2, "window": [1, 2], "what": None}
    assert (above.stop_loss_pips, above.take_profit_pips) == (20.0, None)
    assert type(above.stop_loss_pips) is float
    assert cross == SmaCross(5, 10, stop_loss_pips=20)
    bars = walking_bars(500)
    signals = checked_signals(above, bars)
    assert signals.dtype == np.int8
    crossed = np.flatnonzero(np.diff(bars.mid_close > 2.2)) + 1
    assert np.array_equal(np.flatnonzero(signals), crossed)


def test_load_strategies_whole_numbers_of_pips_become_floats(tmp_path: Path) -> None:
    (mine,) = loaded(tmp_path, with_object(""))
    assert (mine.stop_loss_pips, mine.take_profit_pips) == (None, 10.0)
    assert type(mine.take_profit_pips) is float


def test_load_strategies_generator_and_tuple_are_lists_enough(tmp_path: Path) -> None:
    text = with_object("").replace("return [Mine()]", "yield Mine()")
    assert [strategy.name for strategy in loaded(tmp_path, text)] == ["mine"]


def test_load_strategies_no_module_gets_in_another_s_way(tmp_path: Path) -> None:
    import statistics

    before = set(sys.modules)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = loaded(tmp_path / "a", GOOD, "statistics.py")
    second = loaded(tmp_path / "b", GOOD.replace("above {", "over {"), "statistics.py")
    assert (first[0].name, second[0].name) == ("above 2.2", "over 2.2")
    assert sys.modules["statistics"] is statistics
    added = set(sys.modules) - before
    assert all(name.startswith("_necrozma_user_") for name in added if "necrozma_core" not in name)
    assert str(tmp_path / "a") not in sys.path


def test_load_strategies_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    loaded(tmp_path, GOOD)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_load_strategies_every_load_is_a_fresh_one(tmp_path: Path) -> None:
    text = (
        with_object("").replace("return [Mine()]", "seen.append(1)\n    return [Mine()] * len(seen)") + "\nseen = []\n"
    )
    assert len(loaded(tmp_path, text)) == 1
    assert len(loaded(tmp_path, text)) == 1


def test_load_strategies_runs_the_text_it_was_given_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("raise RuntimeError('changed meanwhile')")
    assert load_strategies(path, with_object(""))[0].name == "mine"


def test_load_strategies_classes_can_be_pickled_while_the_file_is_loaded(tmp_path: Path) -> None:
    above = loaded(tmp_path, GOOD)[0]
    assert pickle.loads(pickle.dumps(above.compute.__self__)) == above.compute.__self__


def test_load_strategies_encoding_that_the_file_declares_is_used(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = with_object("").replace('"mine"', '"größe"')
    path.write_bytes(f"# -*- coding: latin-1 -*-\n{text}".encode("latin-1"))
    assert load_strategies(path)[0].name == "größe"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"mine\.py: cannot read a Python file of strategies: "):
        load_strategies(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def strategies(:", "line 1: SyntaxError: "),
        ("x = 1\n  y = 2", "line 2: IndentationError: unexpected indent"),
        ("import numpy\n\n1 / 0\n", "running it raised ZeroDivisionError: division by zero (mine.py:3)"),
        ("import sys\nsys.exit(0)", "running it raised SystemExit: 0 (mine.py:2)"),
        ("import no_such_thing", "running it raised ModuleNotFoundError: No module named 'no_such_thing' (mine.py:1)"),
        ("raise ValueError('two\\nlines')", "running it raised ValueError: two lines (mine.py:1)"),
        ("", "defines no function strategies() that returns a list of strategies; see docs/strategies.md"),
        ("strategies = []", "defines no function strategies()"),
        (
            "def strategies(n):\n    return []",
            "strategies() raised TypeError: strategies() missing 1 required positional",
        ),
        (
            "def strategies():\n    x = 1\n    return 1 / 0",
            "strategies() raised ZeroDivisionError: division by zero (mine.py:3)",
        ),
        ("def strategies():\n    exit()", "strategies() raised SystemExit"),
        ("def strategies():\n    return []", "strategies() returned an empty list, expected a list of strategies"),
        ("def strategies():\n    return None", "strategies() returned a NoneType, expected a list of strategies"),
        ("def strategies():\n    return {'a': 1}", "strategies() returned a dict, expected a list"),
        ("def strategies():\n    return 'abc'", "strategies() returned a str, expected a list"),
        ("def strategies():\n    return [5]", "strategies()[0]: a int has no name; see docs/strategies.md"),
        (with_object("    del signals"), "strategies()[0]: a Mine has no signals"),
        (
            with_object("    name = property(lambda self: 1 / 0)"),
            "a Mine raised ZeroDivisionError: division by zero for its name",
        ),
        (
            with_object("    name = 5"),
            "strategies()[0]: name: expected a printable text of up to 200 characters, found 5",
        ),
        (with_object("    name = ' '"), "strategies()[0]: name: expected a printable text"),
        (with_object("    name = 'a\\nb'"), "strategies()[0]: name: expected a printable text"),
        (with_object("    name = 'a' * 201"), "strategies()[0]: name: expected a printable text"),
        (
            with_object("    params = []"),
            "strategies()[0] ('mine'): params: expected a dict with names as keys, found []",
        ),
        (with_object("    params = {1: 2}"), 'params: expected a dict with names as keys, found {"1": 2}'),
        (with_object("    params = {'a': {1, 2}}"), "params: cannot be written as JSON: TypeError: a set is neither"),
        (
            with_object("    params = {'a': float('nan')}"),
            "params: cannot be written as JSON: ValueError: Out of range float",
        ),
        (
            with_object("    params = {'a': np.zeros(2)}"),
            "params: cannot be written as JSON: TypeError: a ndarray is neither",
        ),
        (
            with_object("    params = {}\n    params['a'] = params"),
            "params: cannot be written as JSON: ValueError: Circular",
        ),
        (
            with_object("    stop_loss_pips = 0"),
            "('mine'): stop_loss_pips: expected a number of pips above zero, or none, found 0",
        ),
        (with_object("    stop_loss_pips = -5.0"), "('mine'): stop_loss_pips: expected a number of pips above zero"),
        (
            with_object("    take_profit_pips = np.inf"),
            "('mine'): take_profit_pips: expected a number of pips above zero",
        ),
        (
            with_object("    take_profit_pips = np.nan"),
            "('mine'): take_profit_pips: expected a number of pips above zero",
        ),
        (
            with_object("    take_profit_pips = True"),
            "('mine'): take_profit_pips: expected a number of pips above zero",
        ),
        (
            with_object("    take_profit_pips = '20'"),
            "('mine'): take_profit_pips: expected a number of pips above zero",
        ),
        (
            with_object("    take_profit_pips = [20]"),
            "('mine'): take_profit_pips: expected a number of pips above zero",
        ),
        (with_object("    signals = 5"), "('mine'): signals: expected a method signals(bars), found 5"),
        (
            with_object("").replace("[Mine()]", "[Mine(), Mine()]"),
            "strategies()[1]: the name 'mine' is already that of strategies()[0]",
        ),
    ],
)
def test_load_strategies_wrong_file_is_one_line_with_file_and_object(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "mine.py"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_strategies_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    for text in ("1 / 0", "x ="):
        before = set(sys.modules)
        with pytest.raises(UsageError):
            loaded(tmp_path, text)
        assert set(sys.modules) == before


def test_load_strategies_import_of_a_file_beside_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "my_lines.py").write_text("LEVEL = 1")
    with pytest.raises(UsageError, match="a strategies file stands alone: move what it needs"):
        loaded(tmp_path, "import my_lines")


def test_load_strategies_not_a_python_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(GOOD)
    with pytest.raises(UsageError, match=r"expected a Python file of strategies \(\.py\), found \.txt"):
        load_strategies(tmp_path / "mine.txt")
    with pytest.raises(UsageError, match=r"missing.py: no such file; expected a Python file of strategies"):
        load_strategies(tmp_path / "missing.py")


def test_user_strategy_that_fails_names_the_line_of_the_user_s_file(tmp_path: Path) -> None:
    text = with_object("""
    def signals(self, bars):
        return self.helper(bars)
    def helper(self, bars):
        return np.full(len(bars), 1).reshape(-1, 7, 11, 13, 17)
""")
    (mine,) = loaded(tmp_path, text)
    with pytest.raises(StrategyError) as caught:
        checked_signals(mine, walking_bars(10))
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "reshape" in line)
    assert str(caught.value).startswith("strategy 'mine' raised ValueError: cannot reshape array")
    assert str(caught.value).endswith(f"(mine.py:{line})")


def test_user_strategy_error_deep_in_a_library_names_the_user_s_line(tmp_path: Path) -> None:
    text = with_object("""
    def signals(self, bars):
        import pandas as pd
        return pd.Series(bars.mid_close).rolling(-5).mean()
""")
    (mine,) = loaded(tmp_path, text)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "rolling" in line)
    with pytest.raises(StrategyError, match=rf"\(mine\.py:{line}\)$"):
        checked_signals(mine, walking_bars(10))


def test_user_strategy_attributes_changed_later_do_not_matter(tmp_path: Path) -> None:
    text = with_object("""
    def signals(self, bars):
        self.name, self.stop_loss_pips = "other", -1
        self.params["x"] = 1
        return np.zeros(len(bars), np.int8)
""")
    (mine,) = loaded(tmp_path, text)
    checked_signals(mine, walking_bars(10))
    assert (mine.name, mine.params, mine.stop_loss_pips) == ("mine", {}, None)


_RAISING = {
    "running it": "raise {error}",
    "strategies()": "def strategies():\n    raise {error}",
    "strategies() as a generator": "def strategies():\n    yield 1\n    raise {error}",
    "an attribute": "class Mine:\n    @property\n    def name(self):\n        raise {error}\n"
    "def strategies():\n    return [Mine()]",
}


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "GeneratorExit", "SystemExit(3)", "BaseException('no')"])
@pytest.mark.parametrize("text", _RAISING.values(), ids=_RAISING)
def test_load_strategies_file_that_raises_what_ends_programs_is_refused(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(UsageError, match=f"raised {error.partition('(')[0]}"):
        loaded(tmp_path, text.format(error=error))


def test_load_strategies_real_ctrl_c_is_not_taken_for_the_file_s(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        loaded(tmp_path, "import signal\nsignal.raise_signal(signal.SIGINT)\nx = 1")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


_TRIAL = """
import sys
from pathlib import Path
from necrozma_core.strategies.source import StrategySource
StrategySource.from_file(Path(sys.argv[1])).try_file()
sys.exit("numba is loaded" if "numba" in sys.modules else 0)
"""


def test_trying_a_file_loads_no_compiler_that_it_does_not_ask_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(_ALONE)
    done = subprocess.run([sys.executable, "-c", _TRIAL, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


_ALONE = """
import numpy as np

class Mine:
    name, params, stop_loss_pips, take_profit_pips = "mine", {}, None, None
    def signals(self, bars):
        return np.zeros(len(bars), np.int8)

def strategies():
    return [Mine()]
"""


def test_load_strategies_orders_may_be_said_or_left_out(tmp_path: Path) -> None:
    said = with_object("    sides, on_opposite = 'long', 'ignore'")
    [strategy] = loaded(tmp_path, said)
    assert (strategy.sides, strategy.on_opposite) == ("long", "ignore")
    [strategy] = loaded(tmp_path, with_object(""), "other.py")
    assert (strategy.sides, strategy.on_opposite) == ("both", "reverse")
    with pytest.raises(UsageError, match=r"strategies\(\)\[0\] .*: on_opposite: unknown value"):
        loaded(tmp_path, with_object("    on_opposite = 'reverze'"), "wrong.py")


ORDERS = """
    trailing_stop_pips, trailing_start_pips = 15, np.float64(10)
    break_even_pips = None
    close_at = "16:30 Europe/London"
    max_bars = np.int64(96)
    entry_order, entry_offset_pips = "stop", 2
"""


def test_load_strategies_attributes_by_the_names_of_orders_are_orders(tmp_path: Path) -> None:
    [strategy] = loaded(tmp_path, with_object(ORDERS).replace("take_profit_pips = 10", "take_profit_pips = 30"))
    expected = SmaCross(
        orders=Orders(
            trailing_stop_pips=15, trailing_start_pips=10, close_at="16:30@Europe/London", max_bars=96,
            entry_order="stop", entry_offset_pips=2,
        )
    )  # fmt: skip
    assert strategy.orders == expected.orders
    assert strategy.params == expected.orders.given()
    [strategy] = loaded(tmp_path, with_object("    params = {'max_bars': 'mine'}\n    max_bars = 5"), "other.py")
    assert strategy.params == {"max_bars": "mine"}
    assert strategy.orders.max_bars == 5


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("trailing_stop_pips = -1", "trailing_stop_pips: expected a number of pips above zero, or none, found -1"),
        ("close_at = '16:30@Nowhere/At_All'", "close_at '16:30@Nowhere/At_All': unknown zone 'Nowhere/At_All'"),
        ("trailing_stop_pips, trailing_start_pips = 5, 10", "trailing_start_pips (10) must be below take_profit_pips"),
        ("take_profit_atr = 2", "take_profit_pips and take_profit_atr exclude each other"),
        ("max_bars = property(lambda self: 1 / 0)", "raised ZeroDivisionError: division by zero for its max_bars"),
        (
            "trailing_stop_pip = 15",
            "'trailing_stop_pip' is no attribute that is read: did you mean trailing_stop_pips?",
        ),
        ("breakeven_pips = 5", "'breakeven_pips' is no attribute that is read: did you mean break_even_pips?"),
        ("max_bras = 5", "'max_bras' is no attribute that is read: did you mean max_bars?"),
        ("stop_distances = 5", "stop_distances: expected a method stop_distances(bars), found 5"),
        (
            "def target_distances(self, bars): pass",
            "target_distances() and take_profit_pips exclude each other",
        ),
        ("def entry_prices(self, bars): pass", "entry_prices() needs an order that waits: entry_order stop or limit"),
        (
            "def entry_prices(self, bars): pass\n    entry_order, entry_offset_pips = 'limit', 3",
            "entry_prices() and entry_offset_pips exclude each other",
        ),
    ],
)
def test_load_strategies_wrong_orders_are_one_line_with_the_object(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, with_object(f"    {body}"))
    assert str(caught.value).startswith(f"{tmp_path / 'mine.py'}: strategies()[0] ('mine'): ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_strategies_names_that_are_only_alike_are_the_user_s_business(tmp_path: Path) -> None:
    body = "    target, side, min_bars, trailing_stop, stop_pips, atr_period, entry = 1, 2, 3, 4, 5, 6, 7\n"
    body += "    _trailing_stop_pip = 1\n    def stop_distance(self): return 5\n    def max_bar(self): return 5\n"
    [strategy] = loaded(tmp_path, with_object(body))
    assert strategy.orders is NO_ORDERS


def test_load_strategies_class_derived_from_a_family_has_methods_too(tmp_path: Path) -> None:
    text = """
from dataclasses import dataclass
from necrozma_core.strategies.families.sma_cross import SmaCross
@dataclass(frozen=True, slots=True)
class Mine(SmaCross):
    def stop_distances(self, bars): return bars.mid_close
def strategies(): return [Mine(5, 10%s)]
"""
    [strategy] = loaded(tmp_path, text % "")
    assert checked_levels(strategy, walking_bars(20), strategy.signals(walking_bars(20))) is not None
    with pytest.raises(UsageError, match=r"stop_distances\(\) and stop_loss_pips exclude each other"):
        loaded(tmp_path, text % ", stop_loss_pips=20", "other.py")
    with pytest.raises(UsageError, match=r"max_bars: what is derived from a family has its orders as orders=Orders"):
        loaded(tmp_path, (text % "").replace("    def stop", "    max_bars = 5\n    def stop"), "third.py")
