"""Trades to money: ``costs`` of a trade, ``conversion`` to the account's currency, ``equity`` day by day."""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Account": "costs",
        "Costs": "costs",
    },
)
