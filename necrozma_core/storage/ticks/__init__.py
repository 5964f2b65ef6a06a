"""Ticks at rest, by pair and year.

============  ============================================================
``store``     a data folder: what is there, and ticks added to it
``reading``   stored ticks to arrays, each file against its hash
``writing``   new ticks to files, joined with those of their year
``manifest``  which files of a pair count
``encoding``  ticks to the bytes of a Parquet file, and back
``spans``     pieces of ticks joined, cut and checked against each other
``quality``   what was found out about the ticks, kept beside them
``summary``   gaps and spreads of stored ticks
============  ============================================================
"""
