"""Breakouts of sessions and bursts: entered by orders that wait on one side or on both, closed by the clock."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from necrozma_core.strategies.catalogs.variants import Variant, with_each
from necrozma_core.strategies.families.burst import Burst
from necrozma_core.strategies.families.session import Session
from necrozma_core.strategies.rule import Rule

_SESSIONS: Final = ("tokyo", "london", "new_york")
_RANGES: Final = (30, 60)
_BURSTS: Final = (
    partial(Burst, 20, 2.5, 1.5, exit=12),
    partial(Burst, 50, 3.0, 1.5, exit=24),
    partial(Burst, 100, 3.0, 2.0, exit=48),
)

_BOTH_SIDES: Final[Variant] = {
    "entry_order": "stop",
    "entry_from": "extreme",
    "entry_offset_pips": 1,
    "entry_expiry_bars": 12,
    "entry_sides": "both",
}
_ONE_SIDE: Final[Variant] = {
    "entry_order": "stop",
    "entry_from": "extreme",
    "entry_offset_pips": 2,
    "entry_expiry_bars": 6,
}


def _of_session(session: str) -> tuple[Variant, ...]:
    close: Variant = {"close_session": session}
    return (
        {"stop_loss_pips": 20, **close},
        {"stop_loss_pips": 20, **close, **_BOTH_SIDES},
        {"stop_loss_atr": 2, "trailing_stop_atr": 3, **close, **_ONE_SIDE},
        {"stop_loss_pips": 20, "targets": "15:0.5+30:0.25", "break_even_pips": 15, **close},
        {"stop_loss_pips": 20, "exit": "end", "on_opposite": "ignore"},
    )


_OF_BURSTS: Final[tuple[Variant, ...]] = (
    {"stop_loss_pips": 15, "close_at": "20:00@Europe/London"},
    {"stop_loss_atr": 1.5, "take_profit_atr": 3},
    {"stop_loss_pips": 20, "trailing_stop_pips": 15, "trailing_start_pips": 10, "close_before_roll_minutes": 30},
    {"stop_loss_pips": 15, **_ONE_SIDE},
)


def breakouts() -> Iterator[Rule]:
    """Yield the strategies of sessions and bursts."""
    for session in _SESSIONS:
        rules = [partial(Session, session, minutes, 240) for minutes in _RANGES]
        yield from with_each(rules, _of_session(session))
    yield from with_each(_BURSTS, _OF_BURSTS)
