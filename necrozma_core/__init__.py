"""Backtest currency strategies, exact to the tick. This package is the domain; it knows no Prefect.

The river flows one way::

    ticks -> bars -> signals -> trades -> metrics -> stored results -> ranking -> report

==================  ===================================================================================
``feeds``           source files to ticks, every row checked
``ticks``           quotes of one pair, prices as whole points
``bars``            half-open intervals of ticks
``strategies``      bars to signals: one file a family, ``catalog`` names the default fifty
``simulation``      ticks, bars and signals to trades
``costs``           trades to money: commission, swap, slippage, conversion
``metrics``         money to figures, one function a formula
``evaluation``      the river for one pair, in one place
``recording``       what strategies came to, on its way to the store;  ``shards``: one pair by several workers
``storage``         what is at rest: ticks, results, runs, each published whole or not at all
``ranking``         all figures of a run in order; ``report`` shows them
``kernels``         compiled loops over arrays
``throttle``        how much of the machine may be used; knows nothing of the rest
``workers``         the processes that do the work, held back by the throttle
``instruments``     pips, points, contract sizes;  ``calendars``: trading days and local clocks
``errors``          everything that is raised on purpose
==================  ===================================================================================

Start reading at :mod:`necrozma_core.backtest.river`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from necrozma_core.version import __version__

if TYPE_CHECKING:
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
    "Costs": "money.costs",
    "Limits": "throttle.limits",
    "NecrozmaError": "errors",
    "Observer": "sweep.observer",
    "Priority": "throttle.priority",
    "RunOutcome": "sweep.outcome",
    "RunView": "sweep.observer",
    "Silent": "sweep.running",
    "StrategySource": "strategies.source",
    "SweepRequest": "sweep.request",
    "WorkerLimits": "workers.limits",
    "import_files": "feeds.intake",
    "run_sweep": "sweep.running",
    "write_samples": "feeds.samples.quotes",
}
"""Where each name of the public face is; a test holds it against the imports above."""

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 -- the names are in the dictionary


def __getattr__(name: str) -> Any:
    # Imported when asked for: whoever wants the errors alone must not wait for Arrow and the compiler.
    if home := _HOMES.get(name):
        return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
