"""Many pairs: what runs a sweep, with or without Prefect.

================  =================================================================
``request``       what a sweep is asked to do, as one value
``running``       a whole sweep in one call
``plan``          a request for every pair, the largest first; what is stored already
``data_reports``  what is doubtful about the pairs' data, recorded and told
``opening``       a run opened and closed
``session``       what lives as long as a run
``dispatch``      pairs begun in order, each when the throttle admits it
``retries``       which failures are tried again
``record``        how each pair went, noted and told
``observer``      what shows a run to a person, and what of it it may see
``outcome``       how a run ended
``publishing``    the ranking and the report in the run's folder
``governor_log``  what the governor did, as a table
================  =================================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Observer": "observer",
        "RunOutcome": "outcome",
        "RunView": "observer",
        "Silent": "running",
        "SweepRequest": "request",
        "open_session": "opening",
        "run_sweep": "running",
    },
)
