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

__version__ = "0.1.0"
