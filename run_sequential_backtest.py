"""The backtest command under its first name; the same as ``necrozma backtest``."""

from flows.cli.entry import main_sequential

if __name__ == "__main__":
    main_sequential()
