"""MetaTrader 4 and 5: tab-separated ``<DATE> <TIME> <BID> <ASK> <LAST> <VOLUME> <FLAGS>``, in the broker's time.

A side that is blank or zero stands for the price that it had before. Most brokers' clock is ``America/New_York+7``;
the file does not say it, so the user has to.
"""

from dataclasses import replace

from necrozma_core.feeds.formats import named
from necrozma_core.feeds.formats.layout import Head, Layout


def recognise(head: Head) -> Layout | None:
    """Tell a MetaTrader export by its column names in angle brackets."""
    if not head.has_header or not {"<date>", "<time>", "<bid>", "<ask>"} <= {name.lower() for name in head.header}:
        return None
    layout = named.recognise(head)
    reason = "columns called <DATE>, <TIME>, <BID>, <ASK>; a blank side is read as the price before"
    return layout and replace(layout, format="MetaTrader ticks", reason=reason, carries=True)
