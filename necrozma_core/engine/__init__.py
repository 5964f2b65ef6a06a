"""Ticks, bars and signals to trades.

``events`` are the signals that act, ``simulation`` trades them by the rules that stand there, ``trades`` is what comes
of it.
"""
