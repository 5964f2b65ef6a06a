"""Bytes to checked cells, whatever the format.

=============  ===================================================================
``files``      a file told by its first bytes, and unpacked
``unpacking``  gz, zip, xz, zst and UTF-16 as they stream
``plain_lines``  CSV of large files by a compiled loop, as far as its lines are plain
``delimited``  CSV as text cells with their line numbers
``loans``      what a library's own thread holds
``quoting``    quotes that stand where none can be
``parquet_pages``, ``thrift``  what a Parquet file would unpack to, before it does
``times``      text, whole numbers and timestamps to exact integers
``zones``      the zones of times that carry none
``prices``     text, decimals and floats to exact integers
``cells``      what a column of a batch becomes, and what can be wrong with it
``rows``       what a reader of a format gives, and what is wrong with a row by itself
``crossed``    asks below their bids, and their exchange
=============  ===================================================================
"""
