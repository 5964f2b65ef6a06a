"""Money to figures: ``formulas``, one function each; the ``figures`` of a strategy; its ``merit`` in a ranking."""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Metrics": "figures",
    },
)
