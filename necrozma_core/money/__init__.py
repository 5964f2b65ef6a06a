"""Trades to money.

``costs`` and ``swaps`` of a trade, ``conversion`` to the account's currency, ``size`` and ``sizing`` of positions,
``margin`` that they tie up, ``equity`` day by day.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Account": "costs",
        "CommissionTerms": "costs",
        "Costs": "costs",
        "Margin": "margin",
        "Size": "size",
        "SwapTable": "swaps",
    },
)
