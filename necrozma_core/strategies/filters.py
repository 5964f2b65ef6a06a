"""Filters: what must be true at the bar of a signal, or nothing is entered.

A filter is a text of one condition, or of several joined by ``+``, which must all hold:

=========================  ==================================  ===================================
condition                  a long is entered where             a short is entered where
=========================  ==================================  ===================================
``ema(200)@1h``            the close is above the average      the close is below it
``sma(50)``                the same with the plain mean
``rsi(14)@4h>55``          the RSI is above 55                 the RSI is below 45
``rsi(14)@4h<30``          the RSI is below 30                 the RSI is above 70
``atr(14)@1d>0.5%``        the ATR exceeds half a per cent of the price
``atr(14)@1d<0.5%``        it is below that
=========================  ==================================  ===================================

The close is the mid close of the signal's bar. The indicator is that of the strategy's bars, or of the last bar of the
timeframe behind ``@`` that had closed by the signal's bar's end. Nothing is entered before the indicator exists.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import numpy as np

from necrozma_core.engine.instructions import BUY, CLOSE_LONG, CLOSE_SHORT, SELL, Instruction, OnOpposite
from necrozma_core.errors import UsageError, nearest, shown
from necrozma_core.market.arrays import FloatArray, Int8Array
from necrozma_core.market.bars import Bars
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe
from necrozma_core.strategies.parameters import MAX_PERIOD, Real, Whole, within, write_value
from necrozma_core.strategies.protocol import Strategy

_CONDITION: Final = re.compile(r"([a-z]+)\((\d{1,9})\)(?:@(\w+))?(?:([<>])(\d{1,9}(?:\.\d{1,9})?)(%?))?", re.ASCII)
_AVERAGES: Final = ("ema", "sma")
_PERIODS: Final = {name: Whole(1, MAX_PERIOD) for name in _AVERAGES} | {
    name: Whole(2, MAX_PERIOD) for name in ("rsi", "atr")
}
_LEVELS: Final = {"rsi": Real(0.0, 100.0), "atr": Real(0.0, 100.0, above=True)}
_UNITS: Final = {"rsi": "", "atr": "%"}
_MOST_CONDITIONS: Final = 8
_LONG, _SHORT = 1, 2
_CLOSES_EQUAL: Final = 1e-6
"""Half points: in a market that stands still a close and an average differ by rounding alone."""
_LEVELS_EQUAL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter.

    Attributes
    ----------
    indicator : str
        ``ema``, ``sma``, ``rsi`` or ``atr``.
    period : int
    timeframe_ms : int or None
        Of the bars that the indicator is made of; None for the strategy's.
    is_above : bool
        Whether a long needs a value above the level; no average has one.
    level : float or None
    """

    indicator: str
    period: int
    timeframe_ms: int | None
    is_above: bool = True
    level: float | None = None

    def __str__(self) -> str:
        """Write the condition as every name shows it."""
        text = f"{self.indicator}({self.period})"
        if self.timeframe_ms is not None:
            text += f"@{format_timeframe(self.timeframe_ms)}"
        if self.level is None:
            return text
        return f"{text}{'>' if self.is_above else '<'}{write_value(self.level)}{_UNITS[self.indicator]}"

    @property
    def has_sides(self) -> bool:
        """Whether a long and a short ask for different things."""
        return self.indicator != "atr"


@dataclass(frozen=True, slots=True)
class FilterText:
    """What a setting may be that is a filter: its text, or None for no filter, written ``none``."""

    def check(self, where: str, value: object) -> str | None:
        """Return the text as it is written everywhere."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise UsageError(f"{where}: expected a filter such as ema(200)@1h, or none, found {shown(value, 40)}")
        return "+".join(map(str, parse_filter(value, where)))

    def read(self, where: str, text: str) -> str | None:
        """Read a filter, or ``none``."""
        return None if text.strip().lower() == "none" else self.check(where, text)


FILTER: Final = within(FilterText())


@lru_cache(maxsize=4096)
def parse_filter(text: str, where: str = "filter") -> tuple[Condition, ...]:
    """Return the conditions of a filter, each once.

    Raises
    ------
    UsageError
        Naming ``where``: the text is no filter, or a number is out of its range.
    """
    parts = text.split("+")
    if len(parts) > _MOST_CONDITIONS:
        raise UsageError(f"{where}: expected at most {_MOST_CONDITIONS} conditions, found {len(parts):,}")
    return tuple(dict.fromkeys(_parse_condition(part, where) for part in parts))


def check_filter_on(text: str, timeframe_ms: int) -> None:
    """Refuse a filter whose bars cannot be made of a strategy's.

    Raises
    ------
    UsageError
        Naming both timeframes.
    """
    for condition in parse_filter(text):
        if condition.timeframe_ms is not None and condition.timeframe_ms % timeframe_ms:
            filtered, traded = format_timeframe(condition.timeframe_ms), format_timeframe(timeframe_ms)
            problem = "is shorter than" if condition.timeframe_ms < timeframe_ms else "is no multiple of"
            raise UsageError(f"filter {condition}: its timeframe {filtered} {problem} the strategy's, {traded}")


def check_filters(strategies: Sequence[Strategy], timeframe_ms: int) -> None:
    """Refuse strategies whose filter does not go with the timeframe of their bars; UsageError, naming the first."""
    checked: set[str] = set()
    for strategy in strategies:
        if strategy.filter is not None and strategy.filter not in checked:
            try:
                check_filter_on(strategy.filter, timeframe_ms)
            except UsageError as error:
                raise UsageError(f"strategy {shown(strategy.name)}: {error}") from None
            checked.add(strategy.filter)


def has_sides(text: str) -> bool:
    """Tell whether a filter asks for different things of a long and of a short."""
    return any(condition.has_sides for condition in parse_filter(text))


def keep_filtered(signals: Int8Array, text: str, bars: Bars, on_opposite: str) -> Int8Array:
    """Return signals that enter where a filter allows it alone: others close the opposite side instead.

    Parameters
    ----------
    signals : int8 array, shape (n_bars,)
        Values of `necrozma_core.engine.instructions.Instruction`.
    text : str
        The filter.
    bars : Bars
    on_opposite : str
        Where opposite signals are ignored, what may not enter does nothing.

    Returns
    -------
    int8 array, shape (n_bars,)
        Entry k made of bars up to and including k.

    Raises
    ------
    UsageError
        The filter's bars cannot be made of these.
    """
    check_filter_on(text, bars.timeframe_ms)
    sides = _allowed_sides(text, bars)
    kept = signals.copy()
    for entry, side, instead in ((BUY, _LONG, CLOSE_SHORT), (SELL, _SHORT, CLOSE_LONG)):
        what = Instruction.NOTHING if on_opposite == OnOpposite.IGNORE else instead
        kept[(signals == entry) & (sides & side == 0)] = what
    return kept


def _parse_condition(text: str, where: str) -> Condition:
    found = _CONDITION.fullmatch("".join(text.split()).lower())
    if found is None:
        raise UsageError(
            f"{where}: expected conditions such as ema(200)@1h, sma(50), rsi(14)@4h>50 or atr(14)@1d>0.5%, "
            f"joined by +, found {shown(text.strip(), 40)}"
        )
    indicator, period, timeframe, sign, number, unit = found.groups()
    if indicator not in _PERIODS:
        raise UsageError(f"{where}: unknown indicator {shown(indicator, 20)}: {nearest(indicator, _PERIODS)}")
    where = f"{where}: {indicator}"
    count = int(period)
    _PERIODS[indicator].check(where, count)
    try:
        length_ms = None if timeframe is None else parse_timeframe(timeframe)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if indicator in _AVERAGES:
        if sign is not None:
            raise UsageError(f"{where}: an average is compared with the close; leave out {sign}{number}{unit}")
        return Condition(indicator, count, length_ms)
    if sign is None or unit != _UNITS[indicator]:
        example = {"rsi": "rsi(14)>50", "atr": "atr(14)>0.5%, of the price"}[indicator]
        raise UsageError(f"{where}: expected > or < and a number, such as {example}; found {shown(text, 40)}")
    level = float(number)
    _LEVELS[indicator].check(where, level)
    return Condition(indicator, count, length_ms, sign == ">", level)


def _allowed_sides(text: str, bars: Bars) -> Int8Array:
    """Return which sides may be entered after each bar: 1 for longs plus 2 for shorts, int8, shape (n_bars,)."""
    sides = np.full(len(bars), _LONG | _SHORT, np.int8)
    for condition in parse_filter(text):
        # Settings that differ in other things share the answer.
        sides &= bars.remember(("filter", str(condition)), partial(_sides_of, condition, bars))
    return sides


def _sides_of(condition: Condition, bars: Bars) -> Int8Array:
    longs, shorts = _RULES[condition.indicator](condition, bars)
    return np.asarray(longs * np.int8(_LONG) + shorts * np.int8(_SHORT))


def _on_its_bars(condition: Condition, bars: Bars, compute: Callable[[Bars], np.ndarray]) -> FloatArray:
    """Compute values on the condition's bars; NaN where none of them had closed, or too few."""
    higher = None if condition.timeframe_ms is None else bars.higher(format_timeframe(condition.timeframe_ms))
    source = bars if higher is None else higher.bars
    values = compute(source) if len(source) >= condition.period else np.full(len(source), np.nan)
    return values.astype(np.float64) if higher is None else higher.align(values)


def _above_average(condition: Condition, bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    from necrozma_core.strategies import indicators  # noqa: PLC0415 -- settings are made without the compiler

    period = condition.period

    def total(source: Bars) -> np.ndarray:
        # Whole numbers, exact in float64 too: at most 10,000 closes below 2**31 each.
        sums = indicators.close_sums(source)
        totals = np.full(len(source), np.nan)
        totals[period - 1 :] = sums[period:] - sums[:-period]
        return totals

    if condition.indicator == "sma":
        away = indicators.close(bars) * np.float64(period) - _on_its_bars(condition, bars, total)
        return away > 0, away < 0
    average = _on_its_bars(condition, bars, lambda source: indicators.ema(source, period))
    away = indicators.close(bars) - average
    return away > _CLOSES_EQUAL, away < -_CLOSES_EQUAL


def _beyond_rsi(condition: Condition, bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    from necrozma_core.strategies import indicators  # noqa: PLC0415 -- as above

    index = _on_its_bars(condition, bars, lambda source: indicators.rsi(source, condition.period))
    return _beyond(index, condition), _beyond(100.0 - index, condition)


def _beyond_atr(condition: Condition, bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    from necrozma_core.strategies import indicators  # noqa: PLC0415 -- as above

    def per_cent(source: Bars) -> FloatArray:
        return np.asarray(100.0 * indicators.atr(source, condition.period) / indicators.close(source))

    beyond = _beyond(_on_its_bars(condition, bars, per_cent), condition)
    return beyond, beyond


def _beyond(values: FloatArray, condition: Condition) -> np.ndarray:
    assert condition.level is not None, "averages alone have none"
    above = values - condition.level
    return above > _LEVELS_EQUAL if condition.is_above else above < -_LEVELS_EQUAL


_RULES: Final = {"ema": _above_average, "sma": _above_average, "rsi": _beyond_rsi, "atr": _beyond_atr}
