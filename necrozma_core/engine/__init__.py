"""Ticks, bars and signals to trades.

``events`` lists the signals that act, ``simulation`` trades them and states the rules, ``trades`` holds the result.
"""
