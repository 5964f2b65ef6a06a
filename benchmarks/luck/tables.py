"""The tables of docs/statistics.md."""

from benchmarks.luck.calibration import measure_luck
from benchmarks.luck.power import measure_power
from benchmarks.measuring.measure import Report, markdown_table, megabytes
from benchmarks.measuring.new_process import run_child
from benchmarks.scale import FULL, Scale


def measure_statistics(scale: Scale = FULL) -> Report:
    """Return what is said of luck and of planted edges, and what it costs to say it."""
    luck, counting = measure_luck(scale)
    power = measure_power(scale)
    work = _measure_work(scale)
    sweeps = (
        f"{scale.luck_seeds} sweeps a row, of {scale.luck_pairs} pairs x {scale.luck_settings:,} settings over 250 days"
    )
    text = "\n\n".join(
        (
            "### Sweeps of luck",
            luck.text,
            f"{sweeps}.",
            "### Ways to count settings",
            counting.text,
            "The same sweeps, in standard errors of a Sharpe ratio. `all`, `participation` and `entropy` take the "
            "deviation among the trials, as published.",
            "### Planted edges",
            power.text,
            f"{scale.luck_seeds} sweeps a row, of {scale.luck_pairs} pairs x {scale.luck_settings:,} crossings of "
            "averages on random walks.",
            "### What it takes",
            work.text,
            "One core.",
        )
    )
    return Report(text, {**luck.figures, **work.figures})


def _measure_work(scale: Scale) -> Report:
    settings = scale.settings[-1]
    found = run_child("statistics", str(settings))
    seconds = found["seconds"]
    total = sum(seconds.values())
    rows = [(name, f"{taken:.2f} s") for name, taken in seconds.items()]
    rows += [("all", f"{total:.1f} s"), ("most memory of the process", megabytes(found["peak_mb"]))]
    table = markdown_table((f"{settings:,} settings x 250 days", ""), rows)
    return Report(table, {"seconds": total, "peak_mb": found["peak_mb"]})
