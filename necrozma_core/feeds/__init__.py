"""Source files to ticks, every row checked: the good ones are stored, the bad ones named, none silently changed.

================  =========================================================================
``intake``        files into the store, all or nothing: `import_files`
``sources``       a file told by its first bytes, unpacked within bounds
``exness``        Exness CSV, by the names of its columns
``generic``       any CSV or Parquet with timestamp, bid and ask
``delimited``     CSV as text cells with their line numbers
``times``         text and timestamps to exact integers
``prices``        text, decimals and floats to exact integers
``cells``         what a column of a batch becomes, and what can be wrong with it
``rows``          what a reader of a format gives, and what is wrong with a row by itself
``sieve``         rows judged in their order
``quarantine``    bad rows set aside
``sample``        seeded, realistic ticks: `write_samples`
``sample_paths``  the market they are drawn from
================  =========================================================================
"""

from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.feeds.sample import write_samples

__all__ = ["ImportReport", "import_files", "write_samples"]
