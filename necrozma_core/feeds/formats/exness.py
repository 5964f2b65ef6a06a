"""Exness: CSV with the columns Exness, Symbol, Timestamp, Bid, Ask, in whichever order a month's file has them.

The symbol names the account's kind as well: ``EURUSD_Zero_Spread``, ``EURUSD_Raw_Spread``, ``EURUSDm``. What
follows the pair's six letters is stripped, and the pair must be the one that was asked for, in every row.
"""

from dataclasses import replace

from necrozma_core.feeds.formats import named
from necrozma_core.feeds.formats.layout import Head, Layout


def recognise(head: Head) -> Layout | None:
    """Tell an Exness file by the column that bears the broker's name."""
    if not head.has_header or "exness" not in head.names:
        return None
    layout = named.recognise(head)
    return layout and replace(layout, format="Exness ticks", reason="a column called Exness")
