"""What is traded, when, and at which prices.

====================  ==============================================================
``instruments``       pips, points, contract sizes
``conversion_paths``  by which pairs one currency becomes another
``calendars``         trading days and local clocks
``holidays``          when the market is closed, or may be silent
``levels``            between which prices each pair has traded, by year
``timeframes``        the names of bar lengths
``date_range``        what of the data a backtest is about
``moments``           times that people type
``bar_grid``          where bars begin, and days end
``arrays``            the kinds of arrays that signatures name
``ticks``             quotes of one pair, prices as whole points
``quote_bars``        what a feed of bars says, where there are no ticks
``bars``              half-open intervals of ticks, and longer ones gathered from them
``bar_prices``        the prices of bars by name
``lending``           bars that a user's strategy cannot change for others
``bar_building``      bars gathered; loads the compiler, which the others do not
====================  ==============================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Bars": "bars",
        "Pair": "instruments",
        "Terms": "instruments",
        "Ticks": "ticks",
        "bars_from_ticks": "bar_building",
        "format_timeframe": "timeframes",
        "get_pair": "instruments",
        "parse_timeframe": "timeframes",
    },
)
