"""Several runs on the terminal, in lines: all of them, what a cleaning takes, what differs between two."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from flows.terminal.run_settings import describe_run, setting_name, setting_text
from flows.terminal.tables import run_duration

if TYPE_CHECKING:
    from necrozma_core.storage.runs.cleaning import Cleaning
    from necrozma_core.storage.runs.comparison import PairDiff, RunDiff
    from necrozma_core.storage.runs.manifest import Manifest

_HEADS: Final = ("run", "status", "took", "pairs", "computed", "stored", "failed")
_ONE_LINE: Final = 140
"""Columns from which a run and what it was asked for fit on one line, most of the time."""

_HASH: Final = 12
_CONVERSION: Final = "conversion"
_NO_PRICES: Final = frozenset({_CONVERSION, "without_swap_rates"})
"""Inputs that are told elsewhere, or by the settings."""


def run_lines(runs: Sequence["Manifest"], width: int) -> Iterator[str]:
    """Write runs: how each went, and what it was asked for, beside that or below it as the width allows."""
    rows = [_row(run) for run in runs]
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    is_wide = width >= _ONE_LINE
    yield _aligned(_HEADS, widths) + ("  what" if is_wide else "")
    for run, row in zip(runs, rows, strict=True):
        line, what = _aligned(row, widths), describe_run(run.settings, count_strategies(run))
        if is_wide:
            yield f"{line}  {what}"
        else:
            yield line
            yield f"    {what}"


def cleaning_lines(cleaning: "Cleaning") -> Iterator[str]:
    """Write what a cleaning removes, and which runs it spares beyond the number that stays."""
    if not cleaning.folders:
        yield "nothing to remove"
    if cleaning.runs:
        yield f"{_count(len(cleaning.runs), 'run')} to remove:"
        for run in cleaning.runs:
            what = describe_run(run.settings, count_strategies(run))
            yield f"    {run.run_id}  {run.status}  {_names(run.pairs) or 'no pairs'}  {what}"
    if cleaning.entries:
        pairs = Counter(pair for pair, _ in cleaning.entries)
        names = ", ".join(f"{number} of {pair}" for pair, number in sorted(pairs.items()))
        yield f"{_count(len(cleaning.entries), 'result')} to remove that no run which stays names: {names}"
    if cleaning.folders:
        yield f"{cleaning.size / 1e6:,.1f} MB in all"
    if cleaning.spared:
        yield "staying though older, because of the last result of its kind:"
        for run, kinds in cleaning.spared:
            what = "; ".join(f"{kind.pair} {kind.timeframe}".strip() for kind in kinds)
            yield f"    {run.run_id}  {what}, {describe_run(run.settings, None)}"


def diff_lines(diff: "RunDiff") -> Iterator[str]:
    """Write what differs in what was asked, in what it was computed from and in what came out, but for the ranks."""
    settings = {
        name: tuple(setting_text(key, value) for value in values)
        for key, values in diff.settings.items()
        if (name := setting_name(key)) is not None
    }
    # Of a pair that one run does not have, the results tell.
    inputs = {
        _input_name(key): tuple(_hash(value) for value in values)
        for key, values in diff.inputs.items()
        # The doubts are told by the report's digest as well.
        if None not in values and key not in _NO_PRICES and not key.endswith(" doubts")
    } | _conversions(*diff.inputs.get(_CONVERSION, ({}, {})))
    versions = {key: tuple(str(value or "–") for value in values) for key, values in diff.versions.items()}
    for what, values in (("settings", settings), ("inputs", inputs), ("versions", versions)):
        yield from _value_lines(what, values)
    yield from _result_lines(diff.pairs)


def count_strategies(run: "Manifest") -> int | None:
    """Return how many strategies a run had; None where no pair of it came that far."""
    return max(
        (record.counts["strategies"] for record in run.pairs.values() if "strategies" in record.counts), default=None
    )


def _row(run: "Manifest") -> tuple[str, ...]:
    from necrozma_core.storage.runs.manifest import PairState  # noqa: PLC0415 -- loads pyarrow

    states = (PairState.COMPUTED, PairState.REUSED, PairState.FAILED)
    counts = (str(len(run.pairs_in(state))) for state in states)
    return (run.run_id, str(run.status), run_duration(run), str(len(run.pairs)), *counts)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    # Names to the left, numbers to the right.
    return "  ".join(
        cell.ljust(width) if position < 2 else cell.rjust(width)
        for position, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def _value_lines(what: str, values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if not values:
        yield f"{what}: the same"
        return
    yield f"{what}:"
    width = max(map(len, values))
    for name, (before, after) in values.items():
        yield f"    {name.ljust(width)}  {before} -> {after}"


def _result_lines(pairs: Mapping[str, "PairDiff"]) -> Iterator[str]:
    from necrozma_core.storage.runs.comparison import PairChange  # noqa: PLC0415 -- loads pyarrow

    if not pairs:
        yield "results: none"
        return
    yield "results:"
    for change in PairChange:
        found = {pair: diff for pair, diff in pairs.items() if diff.change is change}
        if change is PairChange.OTHER_FIGURES:
            for pair, diff in found.items():
                yield f"    {pair}: {change}: {_figures(diff)}"
        elif change is PairChange.SAME_FIGURES:
            for pair, diff in found.items():
                yield f"    {pair}: {change}: {diff.trades_before:,} before and {diff.trades_after:,} after"
        elif found:
            yield f"    {_names(found)}: {change}"


def _figures(diff: "PairDiff") -> str:
    parts = [f"{diff.differing:,} of {diff.strategies:,} strategies that both have"] if diff.strategies else []
    parts += [f"{diff.only_before:,} only before"] if diff.only_before else []
    parts += [f"{diff.only_after:,} only after"] if diff.only_after else []
    return ", ".join(parts)


def _input_name(key: str) -> str:
    named = {"engine": "code of the engine", "strategies": "strategies"}
    pair, is_report, _ = key.partition(" report")
    return f"data report of {pair}" if is_report else named.get(key, f"ticks of {key}")


def _conversions(before: Any, after: Any) -> dict[str, tuple[str, ...]]:
    """Return by which pairs two runs converted a pair's profits, where both did and otherwise."""
    paths = {pair: (before[pair], after[pair]) for pair in sorted((before or {}).keys() & (after or {}).keys())}
    return {
        f"conversion of {pair}": tuple(map(", ".join, values))
        for pair, values in paths.items()
        if values[0] != values[1]
    }


def _hash(value: Any) -> str:
    return str(value)[:_HASH]


def _names(pairs: Iterable[str]) -> str:
    return ", ".join(sorted(pairs))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
