"""The store of results.

==================  ============================================================
``store``           one committed entry a pair and key
``schemas``         the columns of every Parquet file of results, versioned
``tables``          figures and trades laid out as the schemas ask
``returns_tables``  daily returns and their shape, likewise and back
``part_files``      what one worker found of a pair that several share
==================  ============================================================
"""
