"""What is at rest: ticks, results, runs, each published whole or not at all.

==============  ====================================================================
``publish``     one file, old or new, never half
``sealed``      small JSON records that carry their own hash
``schemas``     the columns of every Parquet file of results, versioned
``parquet``     streams tables to bytes that depend on nothing but the rows
``results``     the store: one committed entry a pair and key
``runs``        a run's folder; ``manifest`` is what is recorded there
``history``     runs listed, compared, cleaned
``lock``        one run at a time in a results folder
``verify``      everything read again, against its hash
``tick_store``  ticks by pair and year
==============  ====================================================================
"""
