"""Ticks, bars and signals to trades.

``instructions`` says what signals mean, ``events`` lists those that act, ``simulation`` trades them and states the
rules, ``bar_simulation`` does where there are no ticks, ``trades`` holds the result. ``spans`` and ``extremes`` say how
far prices went while positions were open.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "BUY": "instructions",
        "CLOSE": "instructions",
        "CLOSE_LONG": "instructions",
        "CLOSE_SHORT": "instructions",
        "ExitReason": "trades",
        "Instruction": "instructions",
        "SELL": "instructions",
        "Trades": "trades",
        "simulate": "simulation",
    },
)
