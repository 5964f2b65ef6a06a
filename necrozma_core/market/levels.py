"""Between which prices each pair has traded since 1990, widely: what lies outside is another pair, or another scale.

The bounds are round figures outside the extremes of the pair's history, with room for years to come: narrow enough that
a price ten times too high or a pair mistaken for one of another level shows, and wide enough that no market is called
an error.
"""

from types import MappingProxyType
from typing import Final

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
"""The lowest and the highest price, by pair."""
