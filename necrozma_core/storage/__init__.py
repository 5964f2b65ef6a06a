"""What is at rest: ``ticks``, ``bars``, ``results``, ``runs``; ``disk`` is how each is published whole or not at all.

``migrated`` keeps what the original program wrote as JSON.
``results_folder`` says where results and runs are in a results folder.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "BarStore": "bars.store",
        "ResultStore": "results.store",
        "ResultsFolder": "results_folder",
        "TickStore": "ticks.store",
    },
)
