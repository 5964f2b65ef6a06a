"""The engine's rules on bars without ticks, written a second time: bar after bar, exact fractions, no cleverness.

Shares no code with the engine but the types it reads.
"""

from fractions import Fraction

from naive_engine import NaiveTrade, asks_to_close

from necrozma_core.market.quote_bars import QuoteBars


def naive_bar_trades(  # noqa: C901 -- the rules, one after the other
    bars: QuoteBars,
    due: dict[int, int],
    stop_loss_pips: float | None,
    take_profit_pips: float | None,
    slippage_points: Fraction | int = 0,
    on_opposite: str = "reverse",
    markup_points: Fraction | int = 0,
) -> list[NaiveTrade]:
    """Walk every bar in order and do what the rules say.

    ``due`` has the side of each signal by the bar at whose opening it acts. Ticks are numbered as the engine does:
    twice the bar for its opening, one more for anything after it.
    """
    per_pip = Fraction(bars.pair.points_per_pip(bars.digits))
    stop = None if stop_loss_pips is None else Fraction(str(stop_loss_pips)) * per_pip
    target = None if take_profit_pips is None else Fraction(str(take_profit_pips)) * per_pip
    trades: list[NaiveTrade] = []
    position: tuple[int, int, Fraction] | None = None

    def close(price: Fraction, tick: int, reason: str) -> None:
        nonlocal position
        assert position is not None
        cost = 0 if reason == "take_profit" else slippage_points
        trades.append(NaiveTrade(position[0], position[1], tick, position[2], price - position[0] * cost, reason))
        position = None

    for bar in range(len(bars)):
        entered_here, may_enter = False, True
        bid_open, bid_high, bid_low, bid_close = (int(value) - Fraction(markup_points) / 2 for value in bars.bid[bar])
        ask_open, ask_high, ask_low, ask_close = (int(value) + Fraction(markup_points) / 2 for value in bars.ask[bar])
        if position is not None:
            side, _, entry = position
            opening = bid_open if side > 0 else ask_open
            gain = (opening - entry) * side
            if stop is not None and gain <= -stop:
                close(opening, 2 * bar, "stop_loss")
            elif target is not None and gain >= target:
                close(opening, 2 * bar, "take_profit")
            elif asks_to_close(due.get(bar, 0), side, on_opposite):
                close(opening, 2 * bar, "signal")
                may_enter = on_opposite != "close"
        if position is None and due.get(bar) in (1, -1) and may_enter:
            side = due[bar]
            entry = ask_open + slippage_points if side > 0 else bid_open - slippage_points
            position = (side, 2 * bar, entry)
            entered_here = True
        if position is not None:
            side, _, entry = position
            opening = bid_open if side > 0 else ask_open
            worst, best = (bid_low, bid_high) if side > 0 else (ask_high, ask_low)
            if stop is not None and (worst - entry) * side <= -stop:
                level = entry - side * stop
                if entered_here and (opening - level) * side < 0:
                    level = opening
                close(level, 2 * bar + 1, "stop_loss")
            elif target is not None and (best - entry) * side >= target:
                close(entry + side * target, 2 * bar + 1, "take_profit")
        if position is not None and bar == len(bars) - 1:
            close(bid_close if position[0] > 0 else ask_close, 2 * bar + 1, "end_of_data")
    return trades
