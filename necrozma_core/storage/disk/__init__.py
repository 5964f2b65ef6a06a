"""How anything reaches the disk.

================  ==================================================================
``publish``       one file, old or new, never half
``layer``         the system calls of a publish, which tests replace
``errors``        what the system says of a disk, as one line
``sealed``        small JSON records that carry their own hash
``parquet``       tables to bytes that depend on nothing but the rows
``columns``       columns without pandas
``schema_names``  the name and version that a file carries
``lock``          one run at a time in a results folder
``process``       a process told from a later one of the same number
``network``       folders that lie on another machine
================  ==================================================================
"""
