"""What stands below a ranking: how much of it is likely to be luck, in sentences."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from necrozma_core.reporting.marks import advice
from necrozma_core.statistics.verdicts import Verdict

_COUNTED: Final = {
    Verdict.STRONG: "strong",
    Verdict.PLAUSIBLE: "plausible",
    Verdict.LIKELY_LUCK: "likely luck",
    Verdict.TOO_LITTLE_DATA: "with too little data",
}


def verdict_counts(ranking: pa.Table) -> dict[str, int]:
    """Count a ranking's settings by verdict, all four of them; empty where nothing was judged."""
    verdicts = ranking["verdict"].drop_null()
    if not len(verdicts):
        return {}
    counts = {str(entry["values"]): int(entry["counts"]) for entry in verdicts.value_counts().to_pylist()}
    return {verdict.value: counts.get(verdict.value, 0) for verdict in Verdict}


def luck_lines(ranking: pa.Table, findings: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Say how much of a ranking is likely to be luck.

    Parameters
    ----------
    ranking : pyarrow.Table
        Of RANKING_SCHEMA.
    findings, settings : mapping
        As a manifest records them; findings are empty in a run of an earlier release.

    Returns
    -------
    list of str
        Whole sentences, a few to each.
    """
    counts = verdict_counts(ranking)
    if not counts:
        return [f"A list sorted by result has the luckiest on top: {advice(settings)}"]
    counted = ", ".join(f"{counts[verdict.value]:,} {text}" for verdict, text in _COUNTED.items())
    lines = [f"Of {len(ranking):,} settings: {counted}."]
    if tests := _tests(findings):
        lines.append(tests)
    if counts[Verdict.STRONG] or counts[Verdict.PLAUSIBLE]:
        lines.append(f"As for the strong and the plausible: {advice(settings)}")
    else:
        lines.append("Nothing here is better than luck makes the best of so many; more data may show what is.")
    return lines


def _tests(findings: Mapping[str, Any]) -> str:
    pbo, superiority = findings.get("pbo"), findings.get("spa_p_value")
    said = []
    if pbo is not None:
        said.append(
            f"The best on one half of the days fell into the worse half on the others in {pbo:.0%} of cuts (PBO)."
        )
    if superiority is not None:
        said.append(f"Luck alone makes a best as good as this one {superiority:.0%} of the time (SPA).")
    return " ".join(said)
