"""Ticks, bars and signals to trades.

``events`` lists the signals that act, ``simulation`` trades them and states the rules, ``trades`` holds the result.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "ExitReason": "trades",
        "Trades": "trades",
        "simulate": "simulation",
    },
)
