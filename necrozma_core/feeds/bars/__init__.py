"""Files of bars to stored bars: every row checked, both sides put together, nothing silently changed.

==============  =============================================================
``intake``      files into the store, all or nothing: `import_bars`
``sources``     files of bars told from files of ticks, and opened
``quoting``     one side with a spread, or two files, to both sides of the quote
``sides``       which side a file has, and what the spread is
``grid``        the timeframe that times have
``rows``        rows judged
``reports``     what an import did
``export``      stored bars as CSV or Parquet
``doubts``      what is doubtful about bars that are well formed
==============  =============================================================
"""
