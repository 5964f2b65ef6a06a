"""Between which prices each pair has traded, widely: what lies outside is another pair, scale or year.

The bounds are round figures outside the extremes of the pair's history, mostly a fifth away: narrow enough that a price
ten times too high or a pair mistaken for one of another level shows, and wide enough that no market is called an error.
Of the years to come nobody knows, so since 2026 only the bounds of all years count.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from necrozma_core.market.instruments import get_pair

LEVELS: Final = MappingProxyType(
    {
        "EURUSD": (0.6, 2.2), "GBPUSD": (0.8, 2.8), "USDJPY": (60.0, 260.0), "USDCHF": (0.55, 2.6),
        "AUDUSD": (0.35, 1.5), "USDCAD": (0.7, 2.0), "NZDUSD": (0.3, 1.2), "EURGBP": (0.4, 1.3),
        "EURJPY": (70.0, 280.0), "EURCHF": (0.7, 2.4), "EURAUD": (0.9, 2.8), "EURCAD": (1.0, 2.3),
        "EURNZD": (1.2, 3.2), "GBPJPY": (90.0, 420.0), "GBPCHF": (0.8, 3.6), "GBPAUD": (1.1, 3.8),
        "GBPCAD": (1.2, 3.2), "GBPNZD": (1.5, 4.5), "AUDJPY": (40.0, 160.0), "AUDCHF": (0.4, 1.6),
        "AUDCAD": (0.6, 1.4), "AUDNZD": (0.8, 1.7), "NZDJPY": (30.0, 140.0), "NZDCHF": (0.35, 1.4),
        "NZDCAD": (0.5, 1.2), "CADJPY": (55.0, 170.0), "CADCHF": (0.4, 1.7), "CHFJPY": (45.0, 280.0),
        "USDSEK": (4.0, 16.0), "USDNOK": (3.5, 16.0), "USDDKK": (3.5, 12.0), "USDPLN": (0.8, 7.0),
        "USDMXN": (2.5, 40.0), "USDZAR": (2.0, 40.0), "USDTRY": (0.01, 150.0), "USDSGD": (0.9, 2.4),
        "USDHKD": (6.5, 9.0), "USDCNH": (4.5, 10.0), "EURSEK": (6.5, 16.0), "EURNOK": (5.5, 16.0),
        "EURDKK": (6.5, 8.5), "EURPLN": (2.5, 7.0), "EURTRY": (0.01, 180.0), "SGDJPY": (40.0, 180.0),
        "XAUUSD": (200.0, 15_000.0), "XAGUSD": (2.5, 250.0),
    }
)  # fmt: skip
"""The lowest and the highest price of all years, by pair."""

_OPEN_SINCE: Final = 2026

_ERAS: Final[Mapping[str, Mapping[int, tuple[float, float]]]] = MappingProxyType(
    {
        "EURUSD": {1990: (0.85, 1.8), 1999: (0.66, 1.45), 2003: (0.82, 1.65), 2007: (0.95, 1.95), 2015: (0.76, 1.5)},
        "GBPUSD": {1990: (1.15, 2.4), 1993: (1.1, 2.1), 2003: (1.15, 2.55), 2009: (1.08, 2.1), 2016: (0.82, 1.8)},
        "USDJPY": {1990: (76, 195), 1995: (63, 180), 2008: (60, 136), 2014: (79, 152), 2022: (90, 200)},
        "USDCHF": {1990: (0.88, 2.2), 2003: (0.88, 1.75), 2008: (0.56, 1.5)},
        "AUDUSD": {1990: (0.38, 1.0), 2003: (0.44, 1.18), 2008: (0.48, 1.35), 2015: (0.44, 1.0)},
        "USDCAD": {1990: (0.88, 1.98), 2003: (0.72, 1.9), 2015: (0.92, 1.8)},
        "NZDUSD": {1990: (0.31, 0.88), 2003: (0.4, 1.0), 2008: (0.39, 1.08), 2015: (0.43, 0.97)},
        "XAUUSD": {
            1990: (200, 520), 2002: (220, 680), 2006: (400, 1_500), 2010: (800, 2_350), 2020: (1_100, 2_650),
            2024: (1_500, 15_000),
        },
        "XAGUSD": {
            1990: (2.5, 9.5), 2004: (4.2, 27), 2010: (11, 62), 2014: (9, 28), 2020: (9, 38), 2024: (16, 250),
        },
    }
)  # fmt: skip
"""The same by the year with which each era begins."""


def level_of(pair_name: str, year: int) -> tuple[float, float]:
    """Return the lowest and the highest price that a pair may have had in a year.

    Of a cross of two currencies with eras, the bounds follow from its legs' as well.

    Parameters
    ----------
    pair_name : str
        A known one.
    year : int

    Returns
    -------
    tuple of float
    """
    low, high = LEVELS[pair_name]
    pair = get_pair(pair_name)
    base, quote = _in_dollars(pair.base, year), _in_dollars(pair.quote, year)
    if base is None or quote is None:
        return low, high
    return max(low, base[0] / quote[1]), min(high, base[1] / quote[0])


def _in_dollars(currency: str, year: int) -> tuple[float, float] | None:
    """Bound what a unit of a currency cost; None where the table knows no eras of it."""
    if currency == "USD":
        return 1.0, 1.0
    for name, is_inverse in ((f"{currency}USD", False), (f"USD{currency}", True)):
        if name in _ERAS:
            starts = [start for start in _ERAS[name] if start <= year]
            low, high = LEVELS[name] if year >= _OPEN_SINCE or not starts else _ERAS[name][max(starts)]
            return (1 / high, 1 / low) if is_inverse else (low, high)
    return None
