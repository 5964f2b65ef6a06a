"""Bytes to checked cells, whatever the format.

=============  ===================================================================
``files``      a file told by its first bytes, unpacked within bounds
``delimited``  CSV as text cells with their line numbers
``times``      text and timestamps to exact integers
``prices``     text, decimals and floats to exact integers
``cells``      what a column of a batch becomes, and what can be wrong with it
``rows``       what a reader of a format gives, and what is wrong with a row by itself
=============  ===================================================================
"""
