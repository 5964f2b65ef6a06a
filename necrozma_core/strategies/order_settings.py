"""Orders as settings: what each may be, how it is written, and which do not go together.

The orders of :class:`~necrozma_core.engine.orders.Orders` are settings of every family and attributes of a user's
strategy, by the names of its attributes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from necrozma_core.engine.order_texts import SESSION_ENDS, parse_clock, parse_targets, parse_window
from necrozma_core.engine.orders import NO_ORDERS, EntryFrom, EntryKind, EntrySides, Orders
from necrozma_core.errors import UsageError, shown
from necrozma_core.strategies.parameters import MAX_PERIOD, MAX_PIPS, NONE, Bounds, OneOf, Pips, Real, Whole

_MINUTE_MS: Final = 60_000
_MAX_BARS: Final = 1_000_000
_MAX_MINUTES: Final = 10 * 366 * 24 * 60
_LAST_MINUTE: Final = 24 * 60 - 1
_MOST_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Text:
    """A text that a parser knows, written in one way, or None, written ``none``."""

    rewrite: Callable[[str, str], str]

    def check(self, where: str, value: object) -> str | None:
        """Return the text as it is written everywhere."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise UsageError(f"{where}: expected a text, or none, found {shown(value, 40)}")
        return self.rewrite(where, value)

    def read(self, where: str, text: str) -> str | None:
        """Read the text, or ``none``."""
        return None if text.lower() == NONE else self.check(where, text)


def _written(after_midnight_ms: int) -> str:
    hours, minutes = divmod(after_midnight_ms // _MINUTE_MS, 60)
    return f"{hours:02d}:{minutes:02d}"


def _clock(where: str, text: str) -> str:
    clock = parse_clock(text, where)
    return f"{_written(clock.after_midnight_ms)}@{clock.zone}"


def _window(where: str, text: str) -> str:
    window = parse_window(text, where)
    return f"{_written(window.from_ms)}-{_written(window.until_ms)}@{window.zone}"


def _targets(where: str, text: str) -> str:
    pairs = parse_targets(text, where)
    if pairs[-1][0] > MAX_PIPS:
        raise UsageError(f"{where} {shown(text, 60)}: expected at most {MAX_PIPS:,} pips")
    return "+".join(f"{_plain(pips)}:{_plain(fraction)}" for pips, fraction in pairs)


def _plain(number: float) -> str:
    return f"{Decimal(repr(number)).normalize():f}"


_ATR: Final = Real(0.0, 1000.0, above=True, or_none=True)
_OFFSET: Final = Real(0.0, MAX_PIPS)

ORDER_SETTINGS: Final[Mapping[str, Bounds]] = MappingProxyType(
    {
        "stop_loss_atr": _ATR,
        "take_profit_atr": _ATR,
        "exit_atr_period": Whole(2, MAX_PERIOD),
        "trailing_stop_pips": Pips(),
        "trailing_stop_atr": _ATR,
        "trailing_start_pips": _OFFSET,
        "trailing_step_pips": _OFFSET,
        "break_even_pips": Pips(),
        "break_even_lock_pips": _OFFSET,
        "targets": Text(_targets),
        "max_bars": Whole(1, _MAX_BARS, or_none=True),
        "max_minutes": Whole(1, _MAX_MINUTES, or_none=True),
        "close_at": Text(_clock),
        "close_session": OneOf(tuple(SESSION_ENDS), or_none=True),
        "close_friday": Text(_clock),
        "close_before_roll_minutes": Whole(1, _LAST_MINUTE, or_none=True),
        "entry_order": OneOf(tuple(EntryKind)),
        "entry_from": OneOf(tuple(EntryFrom)),
        "entry_offset_pips": _OFFSET,
        "entry_expiry_bars": Whole(1, _MAX_BARS),
        "entry_sides": OneOf(tuple(EntrySides)),
        "entry_window": Text(_window),
    }
)
"""What each order may be, in the order in which names and tables have them."""

ORDER_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType({entry.name: entry.default for entry in fields(Orders)})
"""What each order is where nobody gives it."""

assert set(ORDER_SETTINGS) == set(ORDER_DEFAULTS), "every order is a setting"


class _Checked(NamedTuple):
    """Orders that were checked, and what their setting's stop and target must agree with."""

    orders: Orders
    targets: tuple[tuple[float, float], ...]


_CHECKED: Final[dict[Orders, _Checked]] = {}


def make_orders(values: Mapping[str, object], where: str = "") -> Orders:
    """Make orders of settings.

    Parameters
    ----------
    values : mapping
        By the names of :data:`ORDER_SETTINGS`; what is left out is as always.
    where : str
        What a message begins with, up to the name.

    Returns
    -------
    Orders
        One object for all equal values; :data:`NO_ORDERS` where there are none.

    Raises
    ------
    UsageError
        A value is out of its range, or two do not go together.
    """
    found = {name: ORDER_SETTINGS[name].check(f"{where}{name}", value) for name, value in values.items()}
    orders = Orders(**found)
    if orders == NO_ORDERS:
        return NO_ORDERS
    if (known := _CHECKED.get(orders)) is not None:
        return known.orders
    if conflict := next(_conflicts(orders), None):
        raise UsageError(f"{where}{conflict}")
    if len(_CHECKED) >= _MOST_KEPT:
        _CHECKED.clear()
    _CHECKED[orders] = _Checked(orders, parse_targets(orders.targets) if orders.targets else ())
    return orders


def checked_orders(orders: Orders) -> Orders:
    """Return orders as :func:`make_orders` makes them; UsageError where they cannot be."""
    if orders is NO_ORDERS:
        return orders
    if not isinstance(orders, Orders):
        raise UsageError(f"orders: expected Orders(...), found {shown(orders, 40)}")
    known = _CHECKED.get(orders) if _is_hashable(orders) else None
    return orders if known is not None and known.orders is orders else make_orders(_all_of(orders))


def find_conflict(orders: Orders, stop_pips: float | None, target_pips: float | None, sides: str) -> str | None:
    """Say what of checked orders does not go with the other settings of a strategy, or None.

    Parameters
    ----------
    orders : Orders
        Of :func:`make_orders`.
    stop_pips, target_pips : float or None
    sides : str
    """
    if orders is NO_ORDERS:
        return None
    if stop_pips is not None and orders.stop_loss_atr is not None:
        return "stop_loss_pips and stop_loss_atr exclude each other"
    if target_pips is not None and orders.take_profit_atr is not None:
        return "take_profit_pips and take_profit_atr exclude each other"
    if orders.entry_sides == EntrySides.BOTH and sides != "both":
        return f"entry_sides=both leaves orders on both sides, and sides={sides} allows one"
    if target_pips is None:
        return None
    return next(_beyond(orders, target_pips, f"take_profit_pips ({target_pips:g})"), None) or _of_targets(
        orders, target_pips
    )


def _of_targets(orders: Orders, target_pips: float) -> str | None:
    targets = _targets_of(orders)
    if _close_all(targets):
        return (
            f"targets ({orders.targets}) close all of the lot, so take_profit_pips ({target_pips:g}) is never reached"
        )
    if targets and targets[-1][0] >= target_pips:
        return f"targets ({orders.targets}) must lie before take_profit_pips ({target_pips:g})"
    return None


def _targets_of(orders: Orders) -> tuple[tuple[float, float], ...]:
    known = _CHECKED.get(orders)
    if known is not None:
        return known.targets
    return parse_targets(orders.targets) if orders.targets else ()


def _close_all(targets: tuple[tuple[float, float], ...]) -> bool:
    return sum(Decimal(repr(fraction)) for _, fraction in targets) == 1


def _conflicts(orders: Orders) -> Iterator[str]:
    yield from _conflicts_of_trailing(orders)
    yield from _conflicts_of_break_even(orders)
    yield from _conflicts_of_entry(orders)
    in_atr = (orders.stop_loss_atr, orders.take_profit_atr, orders.trailing_stop_atr)
    if orders.exit_atr_period != ORDER_DEFAULTS["exit_atr_period"] and in_atr == (None, None, None):
        yield (
            f"exit_atr_period ({orders.exit_atr_period}) needs a distance in ATR: "
            "stop_loss_atr, take_profit_atr or trailing_stop_atr"
        )
    targets = _targets_of(orders)
    if _close_all(targets):
        yield from _beyond(orders, targets[-1][0], f"the last of targets ({orders.targets})")
        if orders.take_profit_atr is not None:
            yield f"targets ({orders.targets}) close all of the lot, so take_profit_atr is never reached"


def _conflicts_of_trailing(orders: Orders) -> Iterator[str]:
    if orders.trailing_stop_pips is not None and orders.trailing_stop_atr is not None:
        yield "trailing_stop_pips and trailing_stop_atr exclude each other"
    if orders.trailing_stop_pips is None and orders.trailing_stop_atr is None:
        for name in ("trailing_start_pips", "trailing_step_pips"):
            if value := getattr(orders, name):
                yield f"{name} ({value:g}) needs trailing_stop_pips or trailing_stop_atr"


def _conflicts_of_break_even(orders: Orders) -> Iterator[str]:
    lock, trigger = orders.break_even_lock_pips, orders.break_even_pips
    if lock and trigger is None:
        yield f"break_even_lock_pips ({lock:g}) needs break_even_pips"
    elif trigger is not None and lock >= trigger:
        yield f"break_even_lock_pips ({lock:g}) must be below break_even_pips ({trigger:g})"


def _conflicts_of_entry(orders: Orders) -> Iterator[str]:
    if orders.entry_order != EntryKind.MARKET:
        return
    for name in ("entry_from", "entry_offset_pips", "entry_expiry_bars", "entry_sides"):
        if (value := getattr(orders, name)) != ORDER_DEFAULTS[name]:
            text = f"{value:g}" if isinstance(value, float) else value
            yield f"{name} ({text}) needs an order that waits: entry_order stop or limit"


def _beyond(orders: Orders, target_pips: float, target: str) -> Iterator[str]:
    if orders.trailing_start_pips >= target_pips:
        yield f"trailing_start_pips ({orders.trailing_start_pips:g}) must be below {target}"
    if orders.break_even_pips is not None and orders.break_even_pips >= target_pips:
        yield f"break_even_pips ({orders.break_even_pips:g}) must be below {target}"


def _all_of(orders: Orders) -> dict[str, object]:
    """Return every value that is not as always, whatever its type is."""
    found = ((name, getattr(orders, name)) for name in ORDER_DEFAULTS)
    return {name: value for name, value in found if value is not ORDER_DEFAULTS[name]}


def _is_hashable(orders: Orders) -> bool:
    try:
        hash(orders)
    except TypeError:  # a list for a text, which is refused by name
        return False
    return True
