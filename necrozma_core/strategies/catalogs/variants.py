"""One rule with several ways of being closed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from necrozma_core.strategies.order_settings import ORDER_SETTINGS, make_orders
from necrozma_core.strategies.rule import Rule

Variant: TypeAlias = Mapping[str, Any]
"""Settings by name, orders among them."""


def with_each(makers: Iterable[Callable[..., Rule]], variants: Iterable[Variant]) -> Iterator[Rule]:
    """Make every rule with every variant.

    Parameters
    ----------
    makers : iterable of callable
        Families, or partials that hold some of their parameters.
    variants : iterable of mapping
    """
    variants = tuple(variants)
    for make in makers:
        for variant in variants:
            orders = {name: value for name, value in variant.items() if name in ORDER_SETTINGS}
            settings = {name: value for name, value in variant.items() if name not in ORDER_SETTINGS}
            yield make(**settings, orders=make_orders(orders))
