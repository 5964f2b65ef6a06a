"""What is asked of a worker and what it answers: small values that cross process borders.

Kept apart from :mod:`necrozma_core.evaluation` so that the process which hands out the work need not load the
compiler that does it.
"""

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

from necrozma_core.costs import Account, Costs
from necrozma_core.instruments import find_conversion, get_pair
from necrozma_core.storage.results import ResultStore
from necrozma_core.storage.sealed import JSON, content_key
from necrozma_core.storage.tick_store import TickStore
from necrozma_core.strategies.source import StrategySource

_ENGINE_SOURCES: Final = (
    "bars.py",
    "calendars.py",
    "conversion.py",
    "costs.py",
    "equity.py",
    "evaluation.py",
    "formulas.py",
    "instruments.py",
    "kernels/bars.py",
    "kernels/lookup.py",
    "kernels/simulation.py",
    "metrics.py",
    "ranking.py",
    "recording.py",
    "shards.py",
    "simulation.py",
    "storage/columns.py",
    "storage/schemas.py",
)


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Everything a worker needs to backtest one pair; small, and equal requests have equal keys.

    Attributes
    ----------
    pair : str
    timeframe_ms : int
    source : StrategySource
        Where the strategies come from; the worker loads them itself.
    data_dir, results_dir : Path
    lots : float
        Size of every trade.
    costs : Costs
    account : Account
    keep_trades : int or None
        How many strategies' trades are stored, the best first; None stores all.
    key : str
        The address of the result in the store, see :func:`result_key`. Empty until it is known.
    """

    pair: str
    timeframe_ms: int
    source: StrategySource
    data_dir: Path
    results_dir: Path
    lots: float = 0.1
    costs: Costs = field(default_factory=Costs)
    account: Account = field(default_factory=Account)
    keep_trades: int | None = 50
    key: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a worker reports of one pair.

    Attributes
    ----------
    pair, key : str
        Where the result is in the store.
    computed : bool
        False where it was stored already.
    strategies, trades, ticks : int
    failures : tuple of (str, str)
        Strategies that failed, with one line each on why.
    seconds : dict of str to float
        Time by stage: read, bars, strategies, publish; empty where nothing was computed.
    """

    pair: str
    key: str
    computed: bool
    strategies: int
    trades: int
    ticks: int
    failures: tuple[tuple[str, str], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


@cache
def engine_fingerprint() -> str:
    """Name the engine by its source and by the libraries whose arithmetic it uses.

    A number that someone has to raise by hand is forgotten once, and then old results pass for new ones.

    Returns
    -------
    str
        sha256, 64 hex digits.
    """
    digest = sha256(f"numpy {version('numpy')} numba {version('numba')}".encode())
    for name in _ENGINE_SOURCES:
        digest.update(name.encode() + files("necrozma_core").joinpath(name).read_bytes())
    return digest.hexdigest()


def result_key(request: PairRequest) -> str:
    """Return the address of a request's result: a hash of all that the result depends on.

    Parameters
    ----------
    request : PairRequest
        Its own ``key`` is ignored.

    Returns
    -------
    str
        sha256, 64 hex digits.

    Raises
    ------
    DataError
        If the pair, or the pair that converts its profits, has no stored ticks.
    """
    store = TickStore(request.data_dir)
    found = find_conversion(get_pair(request.pair).quote, request.account.currency)
    parts: dict[str, JSON] = {
        "engine": engine_fingerprint(),
        "pair": request.pair,
        "ticks": store.fingerprint(request.pair),
        "conversion": store.fingerprint(found[0].name) if found else None,
        "timeframe_ms": request.timeframe_ms,
        "strategies": request.source.fingerprint(),
        "lots": request.lots,
        "costs": asdict(request.costs),
        "account": asdict(request.account),
        "keep_trades": request.keep_trades,
    }
    return content_key(parts)


def with_key(request: PairRequest) -> PairRequest:
    """Return a request with its key, itself where it has one; errors as `result_key`."""
    return request if request.key else replace(request, key=result_key(request))


def stored_receipt(store: ResultStore, request: PairRequest, seconds: dict[str, float] | None = None) -> Receipt:
    """Read back the receipt of a stored result; ``seconds`` are given where it was just computed."""
    details = store.commit_of(request.pair, request.key)["details"]
    return Receipt(
        pair=request.pair,
        key=request.key,
        computed=seconds is not None,
        strategies=details["strategies"],
        trades=details["trades"],
        ticks=details["ticks"],
        failures=tuple((name, reason) for name, reason in details["failures"]),
        seconds=seconds or {},
    )
