"""The address of a result: a hash of everything that the result depends on."""

import ast
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from necrozma_core.backtest.conversion_choice import legs_of
from necrozma_core.backtest.prices import converting_bars, prices_fingerprint
from necrozma_core.backtest.request import PairRequest
from necrozma_core.storage.disk.sealed import JSON, content_key

_PACKAGE: Final = "necrozma_core"
_ROOTS: Final = (f"{_PACKAGE}.backtest.river", f"{_PACKAGE}.backtest.parts")
"""What a worker calls; results are made by what these import, and by what that imports in turn."""

_LIBRARIES: Final = ("numba", "numpy", "pyarrow")
"""Whose arithmetic, and whose encoding and decoding, the engine uses."""

WITHOUT_INFLUENCE: Final = frozenset(
    {
        # They bring bytes that others made to the disk, whole or not at all, and never look at them.
        f"{_PACKAGE}.storage.disk.errors",
        f"{_PACKAGE}.storage.disk.layer",
        f"{_PACKAGE}.storage.disk.lock",
        f"{_PACKAGE}.storage.disk.process",
        f"{_PACKAGE}.storage.disk.publish",
        # It writes what messages say.
        f"{_PACKAGE}.printing",
        # The seam to the operating system: how a call is made, never what is computed.
        f"{_PACKAGE}.system.chosen",
        f"{_PACKAGE}.system.locks",
        f"{_PACKAGE}.system.portable",
        f"{_PACKAGE}.system.posix",
        # It tells whether a user's file can be loaded, and nothing that it computes comes back.
        f"{_PACKAGE}.strategies.trial",
        # Times go into the receipt, which is not stored.
        f"{_PACKAGE}.backtest.stage_clock",
    }
)
"""Modules that the engine imports and that cannot change a result, each for the reason given."""


@cache
def engine_fingerprint(root: Path = Path(__file__).parents[1]) -> str:
    """Name the engine by its source and by the libraries that it computes and decodes with.

    A number that someone has to raise by hand is forgotten once, and then old results pass for new ones. So is a list
    of files: hence the imports are followed.

    Parameters
    ----------
    root : Path
        The folder of the package.

    Returns
    -------
    str
        sha256, 64 hex digits.
    """
    digest = sha256(" ".join(f"{library} {version(library)}" for library in _LIBRARIES).encode())
    for name, content in sorted(_import_closure(root).items()):
        if name not in WITHOUT_INFLUENCE:
            digest.update(name.encode() + sha256(content).digest())
    return digest.hexdigest()


def _import_closure(root: Path) -> dict[str, bytes]:
    """Return the source of every module that the engine imports, late imports and those for types included."""
    files = {".".join((_PACKAGE, *path.relative_to(root).with_suffix("").parts)): path for path in root.rglob("*.py")}
    found: dict[str, bytes] = {}
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = files[name].read_bytes()
            waiting += _imports(found[name], files)
    return found


def _imports(source: bytes, files: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in files else f"{node.module}" for name in names]
        else:
            continue
        # Modules import from modules; a package's face would hide where a name is, and a test keeps them from it.
        yield from (name for name in names if name in files)


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
        If the pair, or a pair that converts its profits, has no stored ticks.
    """
    parts: dict[str, JSON] = {
        "engine": engine_fingerprint(),
        "pair": request.pair,
        "made_from": request.made_from,
        "prices": prices_fingerprint(request.data_dir, request.pair, request.bars_ms, request.until_ms),
        "instrument": [str(request.instrument.pip), request.instrument.contract_size],
        "conversion": [_leg_fingerprint(request, leg.pair.name) for leg in legs_of(request)],
        "timeframe_ms": request.timeframe_ms,
        "grid": asdict(request.grid),
        "dates": asdict(request.dates),
        "holdout": asdict(request.holdout) if request.holdout else None,
        "strategies": request.source.fingerprint(),
        "lots": request.lots,
        "size": str(request.size),
        "lot_rules": asdict(request.terms.lot_rules),
        "margin": asdict(request.margin),
        "conversion_at_sides": request.sides,
        "costs": asdict(request.costs),
        "latency_ms": request.latency_ms,
        "max_quote_age_ms": request.max_quote_age_ms,
        "account": asdict(request.account),
        "keep_trades": request.keep_trades,
    }
    if request.set_aside:
        # Without these strategies the result is another one; the whole one is tried again by the next run.
        parts["set_aside"] = [[position, why] for position, why in request.set_aside]
    return content_key(parts)


def _leg_fingerprint(request: PairRequest, pair_name: str) -> str:
    bars_ms = request.bars_ms if pair_name == request.pair else converting_bars(request.data_dir, pair_name)
    return prices_fingerprint(request.data_dir, pair_name, bars_ms, request.until_ms)


def with_key(request: PairRequest) -> PairRequest:
    """Return a request with its key and its legs, itself where it has a key; errors as `result_key`."""
    if request.key:
        return request
    request = replace(request, legs=legs_of(request))
    return replace(request, key=result_key(request))
