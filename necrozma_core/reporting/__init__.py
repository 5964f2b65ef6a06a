"""Stored results as people read them: ``ranking`` orders, ``curves`` follows accounts, ``charts`` and ``page`` show."""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "rank_metrics": "ranking",
        "render_report": "page",
    },
)
