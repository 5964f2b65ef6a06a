"""Bars of feeds that have no ticks, at rest, by pair and timeframe.

============  ============================================================
``store``     a data folder: what is there, and bars added to it
``joining``   bars that are brought twice: stored once, or the difference named
``encoding``  bars to the bytes of a Parquet file, and back against their hash
``manifest``  which file of a pair and timeframe counts, and where it came from
============  ============================================================
"""
