"""The ways from one currency to another over the pairs of the table: one pair, or two by a third currency."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from necrozma_core.market.instruments import CURRENCIES, PAIRS, Pair


@dataclass(frozen=True, slots=True)
class Leg:
    """One pair on the way from a currency to another.

    Attributes
    ----------
    pair : Pair
    multiply : bool
        True where an amount is multiplied by the pair's price (GBP to USD by GBPUSD), False where it is divided by it
        (JPY to USD by USDJPY).
    """

    pair: Pair
    multiply: bool

    @property
    def source(self) -> str:
        """The currency that the leg turns into `target`."""
        return self.pair.base if self.multiply else self.pair.quote

    @property
    def target(self) -> str:
        """The currency that comes out."""
        return self.pair.quote if self.multiply else self.pair.base


def conversion_paths(
    currency: str, account_currency: str, names: Collection[str] = PAIRS.keys()
) -> list[tuple[Leg, ...]]:
    """List the ways to turn one currency into another by at most two pairs.

    Parameters
    ----------
    currency, account_currency : str
    names : collection of str
        The pairs that may be used; others than those of the table are passed over.

    Returns
    -------
    list of tuple of Leg
        The single pair first, then two by the third currency's name; an empty path alone where both currencies are
        the same; nothing where the pairs do not suffice.
    """
    if currency == account_currency:
        return [()]
    direct = _leg(currency, account_currency, names)
    paths: list[tuple[Leg, ...]] = [] if direct is None else [(direct,)]
    for middle in sorted(CURRENCIES - {currency, account_currency}):
        first, second = _leg(currency, middle, names), _leg(middle, account_currency, names)
        if first is not None and second is not None:
            paths.append((first, second))
    return paths


def describe_path(path: Sequence[Leg]) -> list[str]:
    """Say of each leg what it turns into what by which pair: ``CAD to USD by USDCAD``."""
    return [f"{leg.source} to {leg.target} by {leg.pair.name}" for leg in path]


def long_path_lines(paths: Mapping[str, Sequence[str]]) -> list[str]:
    """Write a line for every way by two pairs: whose profits take it, and how it goes.

    Parameters
    ----------
    paths : mapping of str to sequence of str
        The traded pairs, and what `describe_path` says of each; a way by one pair gets no line.
    """
    pairs_of: dict[tuple[str, ...], list[str]] = {}
    for pair, legs in paths.items():
        pairs_of.setdefault(tuple(legs), []).append(pair)
    return [
        f"profits of {', '.join(pairs)} are converted from {', then from '.join(legs)}"
        for legs, pairs in pairs_of.items()
        if len(legs) > 1
    ]


def _leg(source: str, target: str, names: Collection[str]) -> Leg | None:
    for name, multiply in ((source + target, True), (target + source, False)):
        if name in names and name in PAIRS:
            return Leg(PAIRS[name], multiply)
    return None
