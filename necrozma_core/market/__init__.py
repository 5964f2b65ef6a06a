"""What is traded, when, and at which prices.

================  ==============================================================
``instruments``   pips, points, contract sizes
``calendars``     trading days and local clocks
``holidays``      when the market is closed, or may be silent
``levels``        between which prices each pair has traded, by year
``timeframes``    the names of bar lengths
``arrays``        the kinds of arrays that signatures name
``ticks``         quotes of one pair, prices as whole points
``bars``          half-open intervals of ticks
``lending``       bars that a user's strategy cannot change for others
``bar_building``  ticks gathered into bars; loads the compiler, which the others do not
================  ==============================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Bars": "bars",
        "Pair": "instruments",
        "Ticks": "ticks",
        "bars_from_ticks": "bar_building",
        "format_timeframe": "timeframes",
        "get_pair": "instruments",
        "parse_timeframe": "timeframes",
    },
)
