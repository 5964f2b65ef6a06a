"""Compiled loops: arrays and numbers in and out, never the domain's types.

They check nothing: the caller has checked. No fastmath and no parallel reduction, so that equal input
gives equal bits.
"""
