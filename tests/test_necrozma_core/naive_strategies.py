"""The families' rules in plain Python with exact fractions, read off their definitions: the tests' oracle.

Nothing is shared with the code under test but the settings. Every function returns the state of each bar, None
while it is undefined; :func:`naive_signals` turns states into signals.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from necrozma_core.market.bars import Bars
from necrozma_core.strategies.catalog import FAMILIES

States = list[int | None]
Line = list[Fraction | None]


def sign(value: Fraction | float, margin: Fraction = Fraction(0)) -> int:
    return (value > margin) - (value < -margin)


def mean(values: Sequence[Any]) -> Fraction:
    return Fraction(sum(values)) / len(values)


def exponential(values: Line, period: int, weight: Fraction | None = None) -> Line:
    weight = Fraction(2, period + 1) if weight is None else weight
    out: Line = []
    known: list[Fraction] = []
    for value in values:
        if value is None:
            out.append(None)
            continue
        known.append(value)
        if len(known) < period:
            out.append(None)
        elif len(known) == period:
            out.append(mean(known))
        else:
            assert out[-1] is not None
            out.append(out[-1] + weight * (value - out[-1]))
    return out


def wilder(values: Line, period: int) -> Line:
    return exponential(values, period, Fraction(1, period))


def compare(a: Line, b: Line, margin: Fraction = Fraction(0)) -> States:
    return [None if x is None or y is None else sign(x - y, margin) for x, y in zip(a, b, strict=True)]


class Series:
    """What the rules look at, as Python integers."""

    def __init__(self, bars: Bars) -> None:
        self.high = [int(value) for value in bars.mid2_points[:, 1]]
        self.low = [int(value) for value in bars.mid2_points[:, 2]]
        self.close = [int(value) for value in bars.mid2_points[:, 3]]
        self.ticks = [int(value) for value in bars.tick_count]
        self.time_ms = [int(value) for value in bars.open_time_ms]
        self.line: Line = [Fraction(value) for value in self.close]

    def __len__(self) -> int:
        return len(self.close)


AVERAGES_EQUAL = Fraction(1, 10**6)


def sma_cross(s: Series, fast: int, slow: int) -> States:
    def average(period: int) -> Line:
        return [mean(s.close[i - period + 1 : i + 1]) if i >= period - 1 else None for i in range(len(s))]

    return compare(average(fast), average(slow))


def ema_cross(s: Series, fast: int, slow: int) -> States:
    return compare(exponential(s.line, fast), exponential(s.line, slow), AVERAGES_EQUAL)


def macd(s: Series, fast: int, slow: int, signal: int) -> States:
    pairs = zip(exponential(s.line, fast), exponential(s.line, slow), strict=True)
    line = [None if a is None or b is None else a - b for a, b in pairs]
    return compare(line, exponential(line, signal), AVERAGES_EQUAL)


def donchian(s: Series, period: int) -> States:
    states: States = [None] * min(period, len(s))
    for i in range(period, len(s)):
        above = s.close[i] > max(s.high[i - period : i])
        below = s.close[i] < min(s.low[i - period : i])
        states.append(above - below)
    return states


def outside_deviations(s: Series, period: int, width: float) -> States:
    states: States = [None] * min(period - 1, len(s))
    for i in range(period - 1, len(s)):
        window = s.close[i - period + 1 : i + 1]
        variance = mean([(value - mean(window)) ** 2 for value in window])
        away = s.close[i] - mean(window)
        beyond = away**2 > Fraction(width) ** 2 * variance
        states.append(-sign(away) if beyond else 0)
    return states


def bollinger(s: Series, period: int, width: float) -> States:
    return outside_deviations(s, period, width)


def zscore(s: Series, period: int, entry: float) -> States:
    return outside_deviations(s, period, entry)


def rsi_line(s: Series, period: int) -> Line:
    changes: Line = [None] + [Fraction(b - a) for a, b in zip(s.close, s.close[1:], strict=False)]
    gains = wilder([None if change is None else max(change, Fraction(0)) for change in changes][: len(s)], period)
    losses = wilder([None if change is None else max(-change, Fraction(0)) for change in changes][: len(s)], period)
    line: Line = []
    for gain, loss in zip(gains, losses, strict=True):
        if gain is None or loss is None:
            line.append(None)
        else:
            line.append(100 * gain / (gain + loss) if gain + loss else Fraction(50))
    return line


def rsi(s: Series, period: int, low: float, high: float) -> States:
    line = rsi_line(s, period)
    return [None if index is None else (index < Fraction(low)) - (index > Fraction(high)) for index in line]


def stochastic_lines(s: Series, period: int, smooth: int, signal: int) -> tuple[Line, Line]:
    """%K and %D."""

    def averaged(values: Line, count: int) -> Line:
        out: Line = []
        for i in range(len(values)):
            window = values[max(i - count + 1, 0) : i + 1]
            out.append(mean(window) if len(window) == count and None not in window else None)
        return out

    places: Line = []
    for i in range(len(s)):
        highest, lowest = max(s.high[max(i - period + 1, 0) : i + 1]), min(s.low[max(i - period + 1, 0) : i + 1])
        place = Fraction(100 * (s.close[i] - lowest), highest - lowest) if highest > lowest else Fraction(50)
        places.append(place if i >= period - 1 else None)
    line = averaged(places, smooth)
    return line, averaged(line, signal)


def stochastic(s: Series, period: int, smooth: int, signal: int, low: float, high: float) -> States:
    states: States = []
    for k, d in zip(*stochastic_lines(s, period, smooth, signal), strict=True):
        if k is None or d is None:
            states.append(None)
        else:
            # As written: 20.1 is 201/10, not the binary number beside it.
            states.append((k > d and d < Fraction(str(low))) - (k < d and d > Fraction(str(high))))
    return states


def momentum(s: Series, period: int, threshold_percent: float) -> States:
    share = Fraction(threshold_percent) / 100
    states: States = [None] * min(period, len(s))
    for i in range(period, len(s)):
        change = Fraction(s.close[i], s.close[i - period]) - 1
        states.append(sign(change, share))
    return states


def keltner(s: Series, period: int, atr_period: int, width: float) -> States:
    ranges: Line = [None]
    for i in range(1, len(s)):
        before = s.close[i - 1]
        reach = max(s.high[i] - s.low[i], abs(s.high[i] - before), abs(s.low[i] - before))
        ranges.append(Fraction(reach))
    middle, average = exponential(s.line, period), wilder(ranges[: len(s)], atr_period)
    states: States = []
    for close, centre, atr in zip(s.close, middle, average, strict=True):
        known = centre is not None and atr is not None
        states.append(sign(close - centre, Fraction(width) * atr + AVERAGES_EQUAL) if known else None)
    return states


def burst(s: Series, period: int, sigmas: float, activity: float) -> States:
    states: States = [None] * min(period + 1, len(s))
    changes = [0] + [b - a for a, b in zip(s.close, s.close[1:], strict=False)]
    for i in range(period + 1, len(s)):
        squares = mean([change**2 for change in changes[i - period : i]])
        large = squares > 0 and changes[i] ** 2 > Fraction(sigmas) ** 2 * squares
        busy = s.ticks[i] >= Fraction(activity) * mean(s.ticks[i - period : i])
        states.append(sign(changes[i]) if large and busy else 0)
    return states


def regime(s: Series, period: int, trending: float, ranging: float, entry: float) -> States:
    extremes = outside_deviations(s, period, entry)
    states: States = [None] * min(period, len(s))
    for i in range(period, len(s)):
        net = s.close[i] - s.close[i - period]
        path = sum(abs(s.close[j] - s.close[j - 1]) for j in range(i - period + 1, i + 1))
        if abs(net) > Fraction(trending) * path:
            states.append(sign(net))
        elif abs(net) < Fraction(ranging) * path:
            states.append(extremes[i])
        else:
            states.append(0)
    return states


OPENS = {"tokyo": ("Asia/Tokyo", 9), "london": ("Europe/London", 8), "new_york": ("America/New_York", 8)}


def naive_session(s: Series, session: str, range_minutes: int, trade_minutes: int) -> list[int]:
    """Bar by bar: which session it belongs to, by the clock on the wall, and what was seen of that session."""
    zone, hour = OPENS[session]
    signals = []
    today, highest, lowest, broken = None, None, None, set[int]()
    for i, time_ms in enumerate(s.time_ms):
        now = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(zone))
        opened = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        if now < opened:
            opened = (opened.replace(tzinfo=None) - timedelta(days=1)).replace(tzinfo=ZoneInfo(zone))
        if opened != today:
            today, highest, lowest, broken = opened, None, None, set()
        passed_ms = time_ms - round(opened.timestamp() * 1000)
        signal = 0
        if passed_ms < range_minutes * 60_000:
            highest = s.high[i] if highest is None else max(highest, s.high[i])
            lowest = s.low[i] if lowest is None else min(lowest, s.low[i])
        elif highest is not None and lowest is not None and passed_ms < (range_minutes + trade_minutes) * 60_000:
            side = (s.close[i] > highest) - (s.close[i] < lowest)
            if side and side not in broken:
                signal = side
                broken.add(side)
        signals.append(signal)
    return signals


Sided = list[tuple[bool | None, bool | None]]
"""For each bar whether a long, and whether a short, has reason to be closed; None while that is undefined."""

NEARLY = Fraction(1, 10**9)


def reached(values: Line, long_at: Fraction, short_at: Fraction) -> Sided:
    """A long is closed where the value is high, a short where it is low."""
    return [
        (None, None) if value is None else (value >= long_at - NEARLY, value <= short_at + NEARLY) for value in values
    ]


def turned(states: States) -> Sided:
    """A long is closed where the state is negative, a short where it is positive."""
    return [(None, None) if state is None else (state < 0, state > 0) for state in states]


def from_the_mean(s: Series, period: int) -> Line:
    """Deviations from the mean, exactly: as fractions where the root is one, and nearly elsewhere."""
    line: Line = [None] * min(period - 1, len(s))
    for i in range(period - 1, len(s)):
        window = s.close[i - period + 1 : i + 1]
        variance = mean([(value - mean(window)) ** 2 for value in window])
        away = s.close[i] - mean(window)
        line.append(Fraction(away) / root(variance) if variance else Fraction(0))
    return line


def root(value: Fraction) -> Fraction:
    # To some thirty digits.
    scale = 10**60
    return Fraction(math.isqrt(value.numerator * value.denominator * scale), value.denominator * math.isqrt(scale))


def naive_exits(family: str, s: Series, params: dict[str, Any], exit_: Any) -> Sided:
    """Return where each side has reason to be closed, by the definition of the family's natural exit."""
    match family:
        case "bollinger":
            return reached(from_the_mean(s, params["period"]), Fraction(0), Fraction(0))
        case "zscore":
            return reached(from_the_mean(s, params["period"]), -Fraction(exit_), Fraction(exit_))
        case "rsi":
            return reached(rsi_line(s, params["period"]), Fraction(exit_), 100 - Fraction(exit_))
        case "stochastic":
            _, line = stochastic_lines(s, params["period"], params["smooth"], params["signal"])
            return reached(line, Fraction(exit_), 100 - Fraction(exit_))
        case "keltner":
            return turned(compare(s.line, exponential(s.line, params["period"]), AVERAGES_EQUAL))
        case "donchian":
            return turned(donchian(s, exit_))
        case "momentum":
            return turned(momentum(s, params["period"], 0.0))
    raise AssertionError(family)


STATES = {
    function.__name__: function
    for function in (
        sma_cross, ema_cross, macd, donchian, bollinger, zscore, rsi, stochastic, momentum, keltner, burst, regime,
    )
}  # fmt: skip
ON_RETURN = {"bollinger", "rsi"}


def naive_signals(family: str, bars: Bars, params: dict[str, Any]) -> list[int]:
    """Return the signals of a family by its definition: a state entered, or left for nothing; then its exit."""
    series, rule = Series(bars), {name: value for name, value in params.items() if name != "exit"}
    signals = naive_entries(family, series, rule)
    if params.get("exit") is None:
        return signals
    closes = naive_closes(family, series, rule, params["exit"], signals)
    # Before its first possible entry a strategy says nothing.
    begins = FAMILIES[family](**rule).warm_up
    return [
        entry or (close if i >= begins else 0) for i, (entry, close) in enumerate(zip(signals, closes, strict=True))
    ]


CLOSE, CLOSE_LONG, CLOSE_SHORT = 2, 3, 4


def naive_closes(family: str, s: Series, params: dict[str, Any], exit_: Any, entries: list[int]) -> list[int]:
    if family == "session":
        return session_ends(s, params["session"], params["range_minutes"] + params["trade_minutes"])
    if family == "burst":
        closes, passed = [], None
        for entry in entries:
            passed = 0 if entry else None if passed is None else passed + 1
            closes.append(CLOSE if passed == exit_ else 0)
        return closes
    if family == "regime":
        line = from_the_mean(s, params["period"])
        sides = [None if value is None else sign(value, NEARLY) for value in line]
        pairs = zip([None, *sides], sides, strict=False)
        return [CLOSE if before and now is not None and now != before else 0 for before, now in pairs]
    reasons = naive_exits(family, s, params, exit_)
    closes = []
    for i, (long, short) in enumerate(reasons):
        long_before, short_before = reasons[i - 1] if i else (None, None)
        closes.append(
            CLOSE_LONG if long and long_before is False else CLOSE_SHORT if short and short_before is False else 0
        )
    return closes


def session_ends(s: Series, session: str, minutes: int) -> list[int]:
    """A bar that opens in no session, or in another one, after a bar that opened in one."""
    zone, hour = OPENS[session]
    closes, before = [], None
    for time_ms in s.time_ms:
        now = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(zone))
        opened = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        if now < opened:
            opened = (opened.replace(tzinfo=None) - timedelta(days=1)).replace(tzinfo=ZoneInfo(zone))
        passed_ms = time_ms - round(opened.timestamp() * 1000)
        current = opened if passed_ms < minutes * 60_000 else None
        closes.append(CLOSE if before is not None and current != before else 0)
        before = current
    return closes


def naive_entries(family: str, series: Series, params: dict[str, Any]) -> list[int]:
    if family == "session":
        return naive_session(series, **params)
    states = STATES[family](series, **params)
    signals = []
    for i, state in enumerate(states):
        before = states[i - 1] if i else None
        if state is None or before is None:
            signals.append(0)
        elif family in ON_RETURN:
            signals.append(before if state == 0 else 0)
        else:
            signals.append(state if state != before else 0)
    return signals
