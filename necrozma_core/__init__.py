"""Backtest currency strategies, exact to the tick. This package is the domain; it knows no Prefect.

The river flows one way::

    ticks -> bars -> signals -> trades -> metrics -> stored results -> ranking -> report

The rooms, from the ground up; a room imports only rooms above it in this table.

==============  =====================================================================================
``errors``      everything that is raised on purpose;  ``version``: which version this is
``system``      what differs between operating systems
``kernels``     compiled loops over arrays
``market``      what is traded, when, at which prices: pairs, calendars, ticks, bars
``throttle``    how much of the machine may be used; knows nothing of backtests
``engine``      ticks, bars and signals to trades
``strategies``  bars to signals: one file a family, ``catalog`` names the default fifty
``money``       trades to money: costs, conversion, equity
``metrics``     money to figures, one function a formula
``statistics``  many settings judged at once: how much of what they earned is luck
``storage``     files: ticks, results, runs, each published whole or not at all
``feeds``       source files to stored ticks, every row checked
``backtest``    one pair: ``river`` joins the rooms above, ``key`` addresses its result
``reporting``   all figures of a run in order, and the page that shows them
``workers``     the processes that compute pairs, held back by the throttle
``sweep``       many pairs: ``running`` does a whole sweep in one call
==============  =====================================================================================

Start reading at :mod:`necrozma_core.backtest.river`, then :mod:`necrozma_core.sweep.running`.
"""

from typing import TYPE_CHECKING, Final

from necrozma_core.face import face
from necrozma_core.version import __version__ as __version__

if TYPE_CHECKING:
    from necrozma_core.engine.instructions import BUY as BUY
    from necrozma_core.engine.instructions import CLOSE as CLOSE
    from necrozma_core.engine.instructions import CLOSE_LONG as CLOSE_LONG
    from necrozma_core.engine.instructions import CLOSE_SHORT as CLOSE_SHORT
    from necrozma_core.engine.instructions import SELL as SELL
    from necrozma_core.errors import NecrozmaError as NecrozmaError
    from necrozma_core.feeds.intake import import_files as import_files
    from necrozma_core.feeds.samples.quotes import write_samples as write_samples
    from necrozma_core.money.costs import Account as Account
    from necrozma_core.money.costs import Costs as Costs
    from necrozma_core.strategies.source import StrategySource as StrategySource
    from necrozma_core.sweep.observer import Observer as Observer
    from necrozma_core.sweep.observer import RunView as RunView
    from necrozma_core.sweep.outcome import RunOutcome as RunOutcome
    from necrozma_core.sweep.request import SweepRequest as SweepRequest
    from necrozma_core.sweep.running import Silent as Silent
    from necrozma_core.sweep.running import run_sweep as run_sweep
    from necrozma_core.throttle.limits import Limits as Limits
    from necrozma_core.throttle.priority import Priority as Priority
    from necrozma_core.workers.limits import WorkerLimits as WorkerLimits


_HOMES: Final = {
    "Account": "money.costs",
    "BUY": "engine.instructions",
    "CLOSE": "engine.instructions",
    "CLOSE_LONG": "engine.instructions",
    "CLOSE_SHORT": "engine.instructions",
    "Costs": "money.costs",
    "Limits": "throttle.limits",
    "NecrozmaError": "errors",
    "Observer": "sweep.observer",
    "Priority": "throttle.priority",
    "RunOutcome": "sweep.outcome",
    "RunView": "sweep.observer",
    "SELL": "engine.instructions",
    "Silent": "sweep.running",
    "StrategySource": "strategies.source",
    "SweepRequest": "sweep.request",
    "WorkerLimits": "workers.limits",
    "import_files": "feeds.intake",
    "run_sweep": "sweep.running",
    "write_samples": "feeds.samples.quotes",
}
"""Where each name is; a test holds it against what the type checker sees above."""

__all__, __getattr__, __dir__ = face(__name__, _HOMES)
