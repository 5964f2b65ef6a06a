"""How a broker fills: what a fill costs, how long it takes, how old a quote may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How every order of a run is filled.

    Attributes
    ----------
    slippage_pips : float
        Lost at every fill but that of a resting order at its level (target, partial target, limit entry).
    spread_markup_pips : float
        Added to every spread, half of it on each side, for prices that are better than one's broker's. Signals do not
        see it.
    latency_ms : int
        A signal acts on the first tick at least so long after its bar's close. What a tick sets off (a stop of any
        kind, a time, a stop entry) fills on the first tick at least so long after it, at that tick's price. Resting
        orders fill without it.
    max_quote_age_ms : int or None
        An entry whose first tick comes later than this after its bar's close, latency not counted, is not taken.
    """

    slippage_pips: float = 0.0
    spread_markup_pips: float = 0.0
    latency_ms: int = 0
    max_quote_age_ms: int | None = None
