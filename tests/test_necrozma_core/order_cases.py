"""Random setups of orders on small markets that are full of what breaks engines, all orders mixed.

Whatever draws is a ``random.Random``: a seeded one, or that of hypothesis, which can then make a failing case small.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
from naive_bar_orders import openings_and_closings
from naive_bars import average_true_range, day_bars
from naive_clocks import local
from naive_engine import naive_bars
from naive_positions import Setup
from order_samples import MINUTE_MS, at, make_ticks

from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.execution import Execution
from necrozma_core.engine.orders import Orders
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks

ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Tokyo", "Australia/Sydney")
FIRST_TIMES = (
    "2024-01-05 15:50",  # a Friday, before London closes
    "2024-01-05 21:30",  # and before New York does
    "2024-03-08 20:40",  # the Friday before New York's clocks go forward
    "2024-03-10 06:50",  # just before they do
    "2024-03-31 00:50",  # just before London's do
    "2024-06-04 20:30",  # half an hour before the day ends in New York
    "2024-06-05 15:20",  # ten minutes before London closes
    "2024-10-27 00:20",  # just before an hour that London has twice
    "2024-11-03 05:20",  # and one that New York has twice
)
WAITS_MS = (0, 0, 1, 500, 10_000, 30_000, 59_999, 60_000, 61_000, 150_000)
LONG_WAITS_MS = (1_800_000, 3_600_000, 30_000_000, 86_400_000, 180_000_000)


def draw_ticks(random: Random, number: int, *, quiet: bool) -> Ticks:
    """Return quotes with jumps, equal times, empty bars, weekends, ticks at full minutes and half hours, wide spreads.

    Quiet ones move by few points, or by five, and so come to many levels exactly.
    """
    time, bid, rows = at(random.choice(FIRST_TIMES)) + random.choice((0, 59_999)), 10_000, []
    unit = random.choice((1, 5)) if quiet else 1
    size = random.choice((1, 2) if quiet else (3, 12, 60))
    spreads = (0, 0, 1) if quiet else (0, 0, 1, 2, 3, 15, 40)
    for _ in range(number):
        rows.append((time, bid, bid + unit * random.choice(spreads)))
        kind = random.randrange(40)
        if kind == 0:
            time += random.choice(LONG_WAITS_MS)
        elif kind < 8:
            whole = random.choice((60_000, 1_800_000))
            time = (time // whole + 1) * whole
        else:
            time += random.choice(WAITS_MS)
        bid += random.choice((-60, 0, 60)) if not quiet and kind % 5 == 0 else unit * random.randint(-size, size)
    return make_ticks(rows, random.choice((5, 5, 5, 4, 3)))


def draw_clock(random: Random, ticks: Ticks) -> str:
    """Return a time of some zone's clock that comes soon after one of the ticks, as an order says it."""
    zone = random.choice(ZONES)
    now = local(int(random.choice(ticks.time_ms.tolist())) + random.choice((1, 2, 5, 30)) * MINUTE_MS, zone)
    return f"{now:%H:%M}@{zone}"


class Pips:
    """Draws distances that are a few points, whole ones and fractions, as pips.

    Where it is quiet all of them are one to four steps of the market, so that levels meet each other and the prices.
    """

    def __init__(self, random: Random, ticks: Ticks, *, quiet: bool) -> None:
        self.random = random
        self.points_per_pip = Fraction(ticks.pair.points_per_pip(ticks.digits))
        step = max(1, int(np.gcd.reduce(np.diff(ticks.bid)))) if len(ticks) > 1 else 1
        self.steps = (step, 2 * step, 3 * step, 4 * step) if quiet else None

    def of(self, *points: float) -> float:
        return self.exactly(self.random.choice(self.steps or points))

    def exactly(self, points: float) -> float:
        return float(Fraction(str(points)) / self.points_per_pip)

    def below(self, limit_pips: float | None, *points: float) -> float:
        """Draw a distance that is nearer than a limit, where there is one."""
        distance = self.of(*points)
        return distance if limit_pips is None or distance < limit_pips else limit_pips / 2


def draw_setup(random: Random, number: int) -> Setup:
    """Return ticks, signals on bars of a minute, and any of the orders."""
    quiet = not random.randrange(3)
    ticks = draw_ticks(random, number, quiet=quiet)
    return know_atr(draw_orders(random, ticks, MINUTE_MS, quiet=quiet), tick_mids(ticks, MINUTE_MS))


def draw_day_setup(random: Random, number: int) -> Setup:
    """Return a setup on bars of some hours whose days end by a clock that changes."""
    hours, day_end = random.choice((1, 4, 8)), random.choice(("17:00@America/New_York", "00:00@Europe/London"))
    drawn = draw_ticks(random, number, quiet=False)
    times = drawn.time_ms[0] + (drawn.time_ms - drawn.time_ms[0]) * 60 * hours
    ticks = replace(drawn, time_ms=np.minimum(times, drawn.time_ms[0] + 40 * 86_400_000))
    length_ms = 60 * hours * MINUTE_MS
    setup = draw_orders(random, ticks, length_ms, quiet=False)
    bars, _ = day_bars(ticks.time_ms.tolist(), length_ms, day_end)
    mids = (ticks.bid + ticks.ask).tolist()
    return know_atr(
        replace(setup, signals=[random.choice((0, 1, -1)) for _ in bars], levels=BarLevels(), day_end=day_end),
        [(max(part), min(part), part[-1]) for part in ([mids[tick] for tick in bar.ticks] for bar in bars)],
    )


def draw_bar_setup(random: Random, number: int) -> tuple[QuoteBars, Setup]:
    """Return bars of a minute that no ticks are known of, and the same for bars of some minutes; no latency."""
    opened, level, times, bids, spreads = at(random.choice(FIRST_TIMES)), 10_000, [], [], []
    size = random.choice((3, 12, 40))
    for _ in range(number):
        closed = level + random.randint(-size, size)
        high, low = max(level, closed) + random.randint(0, size), min(level, closed) - random.randint(0, size)
        times.append(opened)
        bids.append((level, high, low, closed))
        spreads.append((random.choice((0, 0, 1, 3, 25)),) * 4)
        opened += MINUTE_MS * random.choice((1, 1, 1, 1, 1, 1, 2, 30, 60, random.choice((480, 1_440, 3_000))))
        level = closed + (random.randint(-size, size) if random.randrange(3) else 0)
    bid = np.array(bids, np.int32).reshape(-1, 4)
    ask = bid + np.array(spreads, np.int32).reshape(-1, 4)
    counts = np.zeros(number, np.int32)
    bars = QuoteBars(
        get_pair("EURUSD"), MINUTE_MS, random.choice((5, 5, 4)), np.array(times, np.int64), bid, ask, counts
    )
    setup = draw_orders(
        random, openings_and_closings(bars), MINUTE_MS * random.choice((1, 2, 5)), quiet=not random.randrange(3)
    )
    setup = replace(setup, execution=replace(setup.execution, latency_ms=0))
    return bars, know_atr(setup, bar_mids(bars, setup.timeframe_ms))


def draw_orders(random: Random, ticks: Ticks, timeframe_ms: int, *, quiet: bool) -> Setup:
    """Return signals and any of the orders; where it is quiet few signals and costs."""
    pips = Pips(random, ticks, quiet=quiet)
    n_bars = len(set((ticks.time_ms // timeframe_ms).tolist()))
    few = (*[0] * 12, 1, 1, -1)
    asked = random.choice((few, (0, 0, 1, -1), (0, 0, 0, 1, -1, 2), (0, 1, -1, 2, 3, 4)))
    # Some setups have few orders, so that these come to act before others close the position.
    focus = random.choice(("all", "clocks", "waiting", "moving stops" if quiet else "all"))
    held = focus in ("clocks", "waiting")  # no price closes the position
    has_stop, has_target = (focus == "all" and random.randrange(3) == 0 for _ in range(2))
    setup = Setup(
        ticks,
        timeframe_ms,
        [random.choice(few if quiet or held else asked) for _ in range(n_bars)],
        stop_loss_pips=pips.of(2.5, 20, 45.5, 60) if has_stop else None,
        take_profit_pips=pips.of(5, 7.5, 20, 45, 80.25) if has_target else None,
        on_opposite=random.choice(("reverse", "reverse", "close", "ignore")),
        stop_out={} if focus != "all" else draw_stop_out(random, n_bars),
    )
    soon = draw_clock(random, ticks)
    exits = draw_exits(random, pips, setup.take_profit_pips, soon, focus)
    setup.orders = Orders(**exits, **draw_entries(random, pips, draw_clock(random, ticks), focus))
    if not quiet or not random.randrange(3):
        setup.execution = Execution(
            slippage_pips=pips.exactly(random.choice((0, 0, 0, 0.3, 1, 2.5))),
            spread_markup_pips=pips.exactly(random.choice((0, 0, 0, 0.4, 1, 2, 7))),
            latency_ms=random.choice((0, 0, 0, 1, 500, 15_000, 70_000)),
            max_quote_age_ms=random.choice((None, None, None, None, 0, 5_000, 60_000)),
        )
    return draw_levels(random, pips, draw_atr(random, draw_sides(random, setup)), n_bars)


def draw_sides(random: Random, setup: Setup) -> Setup:
    """Let some setups enter one side alone."""
    if random.randrange(6):
        return setup
    sides, unwanted, close = random.choice((("long", -1, 3), ("short", 1, 4)))
    instead = 0 if setup.on_opposite == "ignore" else close
    return replace(setup, sides=sides, signals=[instead if each == unwanted else each for each in setup.signals])


def tick_mids(ticks: Ticks, timeframe_ms: int) -> list[tuple[int, int, int]]:
    """Return high, low and close of bid + ask of each bar: twice the mid price."""
    mids = (ticks.bid + ticks.ask).tolist()
    bars = [[mids[tick] for tick in bar.ticks] for bar in naive_bars(ticks, timeframe_ms)]
    return [(max(bar), min(bar), bar[-1]) for bar in bars]


def bar_mids(quote_bars: QuoteBars, timeframe_ms: int) -> list[tuple[int, int, int]]:
    """Return the same of bars: the sums of each side's extremes, though they may have been at different times."""
    groups = [{tick // 2 for tick in bar.ticks} for bar in naive_bars(openings_and_closings(quote_bars), timeframe_ms)]
    bid, ask = quote_bars.bid.tolist(), quote_bars.ask.tolist()
    return [
        (
            sum(max(side[number][1] for number in group) for side in (bid, ask)),
            sum(min(side[number][2] for number in group) for side in (bid, ask)),
            sum(side[max(group)][3] for side in (bid, ask)),
        )
        for group in groups
    ]


def know_atr(setup: Setup, mids: list[tuple[int, int, int]]) -> Setup:
    """Give a setup the average true range of its bars."""
    twice = average_true_range(mids, setup.orders.exit_atr_period)
    return replace(setup, atr=[None if average is None else average / 2 for average in twice])


def draw_stop_out(random: Random, n_bars: int) -> dict[int, float]:
    if random.randrange(4):
        return {}
    return {bar: random.choice((5.0, 12.5, 30.0)) for bar in range(n_bars) if random.randrange(3)}


def draw_exits(random: Random, pips: Pips, target: float | None, soon: str, focus: str) -> dict[str, Any]:
    """Draw what guards a position: little or much of it. What a target would make void is nearer than it."""
    found: dict[str, Any] = {}
    likely = random.choice((0.2, 0.5))

    def some(of: str) -> bool:
        return focus == of or (focus == "all" and random.random() < likely)

    if some("moving stops"):
        found["trailing_stop_pips"] = pips.of(1, 2, 2.5, 5, 10, 40)
        found["trailing_start_pips"] = random.choice((0.0, pips.below(target, 3, 9.5, 20)))
        found["trailing_step_pips"] = random.choice((0.0, pips.of(0.5, 2, 7.5)))
    if some("moving stops"):
        found["break_even_pips"] = pips.below(target, 0.5, 1, 3.5, 5, 10)
        found["break_even_lock_pips"] = random.choice((0.0, found["break_even_pips"] / 2))
    if some("partial targets"):
        found["targets"] = draw_targets(random, pips, target)
    kept = random.choice((slice(0, 3), slice(3, 6), slice(0, 6)))  # by time, by sessions, or by both
    times = {
        "max_bars": random.choice((1, 2, 5)),
        "max_minutes": random.choice((1, 2, 45, 1_440)),
        "close_at": soon,
        "close_session": random.choice(("tokyo", "london", "new_york")),
        "close_friday": soon,
        "close_before_roll_minutes": random.choice((1, 15, 30)),
    }
    if focus == "moving stops":
        return found
    return found | {name: value for name, value in list(times.items())[kept] if random.random() < likely}


def draw_atr(random: Random, setup: Setup) -> Setup:
    """Give some distances in ATR instead."""
    orders = replace(setup.orders, exit_atr_period=random.choice((1, 2, 3)))
    if setup.stop_loss_pips is not None and not random.randrange(4):
        orders, setup = (
            replace(orders, stop_loss_atr=random.choice((0.5, 1.1, 2.0))),
            replace(setup, stop_loss_pips=None),
        )
    if setup.take_profit_pips is not None and orders.targets is None and not random.randrange(4):
        orders, setup = (
            replace(orders, take_profit_atr=random.choice((1.5, 2.3))),
            replace(setup, take_profit_pips=None),
        )
    if orders.trailing_stop_pips is not None and not random.randrange(3):
        orders = replace(orders, trailing_stop_pips=None, trailing_stop_atr=random.choice((0.3, 1.0, 2.0)))
    return replace(setup, orders=orders)


def draw_targets(random: Random, pips: Pips, target: float | None) -> str:
    distances = sorted(random.sample(pips.steps or (1, 3, 4.5, 12, 19.5, 33, 60), random.choice((1, 2, 3))))
    fractions = random.choice((("0.5", "0.25", "0.125"), ("0.5", "0.25", "0.25"), ("0.3", "0.7"), ("0.1", "0.1")))
    parts = [
        (pips.exactly(points), fraction)
        for points, fraction in zip(distances, fractions, strict=False)
        if target is None or pips.exactly(points) < target
    ]
    return "+".join(f"{distance!r}:{fraction}" for distance, fraction in parts) or f"{target / 2!r}:0.5"  # type: ignore[operator]


def draw_entries(random: Random, pips: Pips, soon: str, focus: str) -> dict[str, Any]:
    """Draw how a signal enters, and when it may."""
    found: dict[str, Any] = {}
    if focus == "waiting" or (focus != "moving stops" and random.randrange(2)):
        found = {
            "entry_order": random.choice(("stop", "limit")),
            "entry_from": random.choice(("close", "extreme")),
            "entry_offset_pips": pips.of(0, 1, 2.5, 10),
            "entry_expiry_bars": random.choice((1, 2, 5)),
            "entry_sides": random.choice(("signal", "both")),
        }
    if not random.randrange(2 if found else 6):
        hours = random.sample(range(48), 2)
        clocks = [f"{half // 2:02d}:{half % 2 * 3}0" for half in hours]
        zone = random.choice(ZONES)
        if random.randrange(2):
            clocks[1], _, zone = soon.partition("@")
        if clocks[0] != clocks[1]:
            found["entry_window"] = f"{clocks[0]}-{clocks[1]}@{zone}"
    return found


def draw_levels(random: Random, pips: Pips, setup: Setup, n_bars: int) -> Setup:
    """Give some setups distances and prices by the bar instead."""

    def array(*points: float) -> np.ndarray:
        return np.array([pips.of(*points) for _ in range(n_bars)])

    def prices(closes: Sequence[int]) -> np.ndarray:
        moved = [random.choice((float("nan"), close - 9, close - 2, close + 3, close + 11)) for close in closes]
        return np.array(moved) / setup.ticks.scale

    bar = setup.ticks.time_ms // setup.timeframe_ms
    last_tick = np.searchsorted(bar, np.unique(bar), "right")
    closes = setup.ticks.bid[last_tick - 1].tolist()
    orders = setup.orders
    free_stop = setup.stop_loss_pips is None and orders.stop_loss_atr is None
    free_target = setup.take_profit_pips is None and orders.take_profit_atr is None and orders.targets is None
    waits = orders.entry_order != "market"
    levels = BarLevels(
        stop_pips=array(2.5, 20, 41, 70) if free_stop and not random.randrange(4) else None,
        target_pips=array(21, 33.5, 50) if free_target and not random.randrange(4) else None,
        buy_price=prices(closes) if waits and not random.randrange(3) else None,
        sell_price=prices(closes) if waits and not random.randrange(3) else None,
    )
    return replace(setup, levels=levels)


def written(setup: Setup) -> str:
    """Write a setup as it would be typed into a test."""
    ticks, levels = setup.ticks, setup.levels
    rows = list(zip(ticks.time_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist(), strict=True))
    arrays = {name: value.tolist() for name in BarLevels.__slots__ if (value := getattr(levels, name)) is not None}
    return (
        f"digits={ticks.digits} rows={rows}\nsignals={setup.signals}\norders={setup.orders.given()}\n"
        f"execution={setup.execution}\nstop_loss_pips={setup.stop_loss_pips} take_profit_pips={setup.take_profit_pips} "
        f"on_opposite={setup.on_opposite} sides={setup.sides}\nlevels={arrays}\nstop_out={setup.stop_out}"
    )
