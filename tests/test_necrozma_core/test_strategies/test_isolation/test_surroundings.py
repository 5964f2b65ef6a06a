"""The surroundings of strategies: put back, complained of, or given up."""

import decimal
import math
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from necrozma_core.market.bars import Bars
from necrozma_core.strategies.isolation.surroundings import Left, Surroundings


@pytest.fixture(autouse=True)
def unwatched() -> Iterator[None]:
    """Keep pytest's own timer, which runs on, out of what is compared."""
    before = signal.setitimer(signal.ITIMER_REAL, 0.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, *before)


def test_surroundings_nothing_changed_leaves_nothing() -> None:
    assert Surroundings().restore() == Left()


def draw() -> tuple[float, float]:
    return np.random.random(), random.random()  # noqa: NPY002 -- what users' code does


def change_everything_quietly(folder: Path) -> None:
    np.seterr(all="raise")
    np.random.seed(1)  # noqa: NPY002 -- what users' code does
    random.seed(1)
    decimal.getcontext().prec = 3
    warnings.simplefilter("error")
    os.chdir(folder)
    os.umask(0o777)
    os.environ["HOSTILE"] = "1"
    sys.path.insert(0, "nowhere")
    sys.setrecursionlimit(500)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 60.0)


def test_surroundings_settings_are_put_back_without_a_word(tmp_path: Path) -> None:
    surroundings = Surroundings()
    before = np.geterr(), decimal.getcontext().prec, Path.cwd(), list(warnings.filters), list(sys.path)
    drawn = draw()
    surroundings.restore()

    change_everything_quietly(tmp_path)

    assert surroundings.restore() == Left()
    assert (np.geterr(), decimal.getcontext().prec, Path.cwd(), list(warnings.filters), list(sys.path)) == before
    assert draw() == drawn
    assert "HOSTILE" not in os.environ
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda: setattr(math, "sqrt", math.sin), "replaced math.sqrt, which other strategies use too"),
        (lambda: delattr(np, "mean"), "replaced numpy.mean, which other strategies use too"),
        (lambda: setattr(np.linalg, "norm", None), "replaced numpy.linalg.norm, which other strategies use too"),
        (lambda: sys.modules.update(json=sys), "replaced sys.modules['json'], which other strategies use too"),
        (
            lambda: (setattr(np, "std", None), setattr(np, "var", None)),
            "replaced numpy.std and 1 more, which other strategies use too",
        ),
    ],
)
def test_surroundings_replaced_functions_are_put_back_with_a_complaint(
    change: Callable[[], object], complaint: str
) -> None:
    surroundings = Surroundings()
    change()
    left = surroundings.restore()
    assert (left.complaint, left.is_whole) == (complaint, False)
    assert surroundings.restore() == Left()
    assert math.sqrt(4.0) == np.linalg.norm([2.0]) == np.mean([2.0]) == 2.0


def test_surroundings_threads_and_children_need_a_new_process() -> None:
    surroundings = Surroundings()
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    assert surroundings.restore() == Left(is_whole=False)
    go_on.set()
    thread.join()
    assert surroundings.restore() == Left()


def test_what_is_put_before_an_inherited_price_is_found_and_taken_away() -> None:
    surroundings = Surroundings()
    Bars.mid_close = property(lambda bars: bars.bid_close)  # type: ignore[assignment, method-assign]

    assert surroundings.restore().complaint.startswith("replaced necrozma_core.market.bars.Bars.mid_close")
    assert "mid_close" not in vars(Bars)
    assert surroundings.restore() == Left()
