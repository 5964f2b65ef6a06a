"""Quotes whose ask lies below their bid, and what an import does with them."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np

from necrozma_core.errors import UsageError
from necrozma_core.feeds.reading.cells import NO_FAULT
from necrozma_core.feeds.reading.rows import RowBatch


class Crossed(StrEnum):
    """What becomes of a quote whose ask lies below its bid.

    It is refused as any bad row is; it is set aside, however many there are; or its bid and ask are exchanged.
    """

    REFUSE = "refuse"
    ASIDE = "aside"
    SWAP = "swap"

    @classmethod
    def parse(cls, text: str) -> "Crossed":
        """Read what was given for ``--crossed``.

        Raises
        ------
        UsageError
        """
        if text not in set(cls):
            raise UsageError(f"--crossed {text[:40]}: expected one of {', '.join(sorted(cls, reverse=True))}")
        return cls(text)


CROSSED_ADVICE: Final = (
    "--crossed swap exchanges bid and ask where the ask is below the bid, --crossed aside leaves such quotes out"
)


def uncross(batch: RowBatch) -> tuple[RowBatch, "np.typing.NDArray[np.bool_]"]:
    """Exchange bid and ask of the rows whose ask lies below the bid.

    Returns
    -------
    batch : RowBatch
        The same one where there is no such row. What `original` gives is as the source has it.
    crossed : bool array, shape (n_rows,)
        Which rows; none whose cells are bad by themselves.
    """
    bid, ask = batch.bid, batch.ask
    crossed = (ask.values < bid.values) & (ask.values > 0) & (bid.faults == NO_FAULT) & (ask.faults == NO_FAULT)
    if not crossed.any():
        return batch, crossed
    lower, upper = np.where(crossed, ask.values, bid.values), np.where(crossed, bid.values, ask.values)
    return replace(batch, bid=replace(bid, values=lower), ask=replace(ask, values=upper)), crossed
