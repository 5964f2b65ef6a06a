"""Source files to ticks, every row checked: the good ones are stored, the bad ones named, none silently changed.

==============  =============================================================
``intake``      files into the store, all or nothing: `import_files`
``arrival``     one file of an import, read and judged
``data_report``  stored ticks day by day, and a verdict
``export``      stored ticks as CSV or Parquet
``sorting``     files and folders by the pair that they hold: `sort_files`
``formats``     one file a format; ``registry`` tells which one a file has
``reading``     bytes to checked cells, whatever the format
``inspection``  what is doubtful about ticks that are well formed
``sieve``       rows judged in their order
``quarantine``  bad rows set aside
``samples``     seeded, realistic ticks: `write_samples`
==============  =============================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "ImportReport": "intake",
        "import_files": "intake",
        "ReadOptions": "formats.registry",
        "sort_files": "sorting",
        "write_samples": "samples.quotes",
    },
)
