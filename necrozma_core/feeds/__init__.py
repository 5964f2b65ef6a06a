"""Source files to ticks, every row checked: the good ones are stored, the bad ones named, none silently changed.

=====================  ========================================================
``intake``             files into the store, all or nothing: `import_files`
``bars``               files of bars into the store, likewise: `import_bars`
``download``           files of ticks from the services that give them away
``sorting``            files and folders by the pair that they hold: `sort_files`
``export``             stored ticks as CSV or Parquet
``import_inspection``  what an import says of its ticks
``comparison``         two feeds of a pair side by side
``compared``           what came of it, and a verdict
``shifts``             by how much one feed's clock is after another's
``minutes``            a feed reduced to minutes
``kept_reports``       data reports kept beside the ticks
``data_report``        a pair's ticks day by day, and a verdict
``plausibility``       whether ticks can be of their pair; what cannot is refused
``inspection``         what is doubtful about ticks that are well formed
``days``               the figures of each day
``formats``            one file a format; ``registry`` tells which one a file has
``reading``            bytes to checked cells, whatever the format
``sieve``              rows judged in their order
``quarantine``         bad rows set aside
``samples``            seeded, realistic ticks: `write_samples`
=====================  ========================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "BarImportReport": "bars.reports",
        "ImportReport": "intake",
        "import_bars": "bars.intake",
        "import_files": "intake",
        "ReadOptions": "formats.registry",
        "sort_files": "sorting",
        "write_samples": "samples.quotes",
    },
)
