"""The ticks that everything is measured on: seeded, generated once, kept in benchmarks/cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.ticks.store import TickStore

CACHE: Final = Path(__file__).parents[1] / "cache"
YEAR_TICKS: Final = 14_600_000
"""What a busy pair quotes in a year."""
TEN_PAIRS: Final = (
    "EURUSD",
    "GBPUSD",
    "USDJPY",
    "USDCHF",
    "AUDUSD",
    "USDCAD",
    "NZDUSD",
    "EURGBP",
    "EURJPY",
    "GBPJPY",
)
_SEED: Final = 1


def prepare_ticks(pairs: Sequence[str], ticks: int) -> Path:
    """Return a data folder that holds these pairs with so many ticks each; generate the missing ones.

    Parameters
    ----------
    pairs : sequence of str
    ticks : int
        Of each pair.

    Returns
    -------
    Path
    """
    folder = CACHE / f"ticks-{ticks}"
    folder.mkdir(parents=True, exist_ok=True)
    present = set(TickStore(folder).pairs())
    for pair in pairs:
        if pair not in present:
            write_samples(folder, [pair], ticks, _SEED)
    return folder
