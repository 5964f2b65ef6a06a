"""Ticks at rest, by pair and year.

============  ============================================================
``store``     a data folder: what is there, and ticks added to it
``reading``   stored ticks to arrays, each file against its hash
``writing``   new ticks to files, joined with those of their year
``manifest``  which files of a pair count
``joining``   what of new ticks is stored already, and what differs
``merging``   several spans as one, in order of time
``spooling``  ticks on their way, in a temporary file
``encoding``  ticks to the bytes of a Parquet file, and back
``spans``     pieces of ticks joined, cut and checked
``quality``   what was found out about the ticks, kept beside them
``summary``   gaps and spreads of stored ticks
============  ============================================================
"""
