"""What a command says where there is nothing to work on."""

from pathlib import Path

from necrozma_core.errors import UsageError


def no_ticks(data: Path) -> UsageError:
    """Say that there is nothing to backtest, and how that changes."""
    return UsageError(
        f"{data}: no ticks there; import some with `necrozma data import FILES --pair EURUSD --to {data}` "
        f"or make samples with `necrozma data sample --to {data}`"
    )


def no_runs(results: Path) -> UsageError:
    """Say that there is no run to show."""
    return UsageError(f"{results}: no run there yet; start one with `necrozma backtest`")
