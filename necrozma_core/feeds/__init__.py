"""Source files to ticks, every row checked: the good ones are stored, the bad ones named, none silently changed.

==============  =============================================================
``intake``      files into the store, all or nothing: `import_files`
``formats``     one file a format; ``registry`` tells which one a file has
``reading``     bytes to checked cells, whatever the format
``sieve``       rows judged in their order
``quarantine``  bad rows set aside
``samples``     seeded, realistic ticks: `write_samples`
==============  =============================================================
"""

from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.feeds.samples.quotes import write_samples

__all__ = ["ImportReport", "import_files", "write_samples"]
