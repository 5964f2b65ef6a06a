"""A run while it goes on, on a terminal: how far it is, how busy the machine is, what every worker does."""

import sys
import time
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.terminal.console import PlainConsole
from flows.terminal.plain_text import Name
from flows.terminal.tables import DEFAULT_WIDTH, duration
from necrozma_core.printing import printable
from necrozma_core.throttle.decisions import count_workers
from necrozma_core.throttle.gate import GateState
from necrozma_core.workers.progress import SlotProgress, SlotState

if TYPE_CHECKING:
    from flows.settings import Settings
    from necrozma_core.sweep.observer import RunView
    from necrozma_core.sweep.outcome import RunOutcome
    from necrozma_core.throttle.control import Look
    from necrozma_core.throttle.gate import GateView
    from necrozma_core.throttle.sensors.readings import Reading, Readings

_REFRESH_A_SECOND: Final = 4
_WINDOW_S: Final = 3.0
"""The window in which the share of held time is measured: several periods of the gate, yet short enough to follow a
change."""
_HELD_FROM: Final = 0.05
"""Share of held time from which a worker is shown as held; less is a pause between two pieces of work."""
_BAR_WIDTH: Final = 30
_COLUMNS: Final[tuple[tuple[str, Literal["left", "right"], int], ...]] = (
    ("#", "right", 1),
    ("pair", "left", 6),
    ("at work on", "left", 0),
    ("n of m", "right", 7),
    ("state", "left", 10),
    ("for", "right", 6),
    ("ticks/s", "right", 7),
)
"""Head, side and least width of the columns of the workers; what is wider moves the others as little as may be."""
_LABEL: Final = 2
"""The column that gets what the others leave of the line."""
_GAP: Final = 2
_ETA_AFTER_S: Final = 1.0
"""Before this, the time left would be guessed from next to nothing."""


class LiveConsole(PlainConsole):
    """Says what `PlainConsole` says, above a view that is drawn anew four times a second.

    Parameters
    ----------
    settings : Settings
    remarks : sequence of str
    console : Console
        A terminal.
    """

    def __init__(self, settings: "Settings", remarks: Sequence[str], console: Console) -> None:
        super().__init__(settings, remarks)
        self._console = console
        self._view: RunPicture | None = None
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=_REFRESH_A_SECOND,
            transient=True,
            # Where stderr is a file, its lines stay in that file.
            redirect_stderr=sys.stderr.isatty(),
        )

    def on_phase(self, text: str) -> None:
        """Say nothing: the view shows what goes on."""

    def on_start(self, run: "RunView") -> None:
        """Begin to draw."""
        super().on_start(run)
        self._view = RunPicture(run, self.settings, self.finished)
        self._live.start()

    def on_finish(self, outcome: "RunOutcome") -> None:
        """End the view, and say how the run ended."""
        self._live.stop()
        self._view = None
        super().on_finish(outcome)

    def say(self, text: str) -> None:
        """Write a line above the view."""
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def _draw(self) -> RenderableType:
        return self._view.draw(time.monotonic()) if self._view is not None else ""


class RunPicture:
    """Draws a run.

    Parameters
    ----------
    run : RunView
        Only read, and only by calls that take none of the locks under which the run calls us. We draw while holding
        the terminal's lock, and a thread that tells us something waits for that lock: taking a lock of the run here
        could be a deadlock.
    settings : Settings
    finished : collection of str
        Pairs that are stored or failed.
    """

    def __init__(self, run: "RunView", settings: "Settings", finished: Collection[str]) -> None:
        self._run = run
        self._settings = settings
        self._finished = finished
        self._began: float | None = None
        self._held: dict[int, _HeldShare] = {}
        self._rows: list[SlotProgress] = []

    def draw(self, now: float) -> RenderableType:
        """Return the view at a time of the monotonic clock, at most 80 columns wide."""
        # The board is closed a moment before the view ends; the last rows are shown until then.
        with suppress(ValueError):
            self._rows = self._run.progress()
        gate, look = self._run.gate(), self._run.latest_look()
        return Group(
            "",
            self._draw_progress(now),
            processor_line(look, gate.allowance, self._settings),
            memory_line(look.readings),
            self._draw_workers(now, gate),
        )

    def _draw_progress(self, now: float) -> RenderableType:
        total = len(self._run.requests)
        finished = len(self._finished)
        done = finished + sum(part_done(row) for row in self._rows)
        if self._began is None and any(row.started for row in self._rows):
            self._began = now
        line = Table.grid(padding=(0, 1))
        words = "stopping" if self._run.is_stopping else f"{finished} of {total} pairs"
        line.add_row(
            words,
            ProgressBar(total=max(total, 1), completed=done, width=_BAR_WIDTH),
            f"{done / max(total, 1):4.0%}",
            _time_left(now - self._began, done, total) if self._began is not None else "warming up",
        )
        return line

    def _draw_workers(self, now: float, gate: "GateView") -> Table:
        rows = []
        for number, row in enumerate(self._rows):
            share = self._held.setdefault(number, _HeldShare()).update(row, now)
            speed = row.ticks_per_second(now)
            cells = (
                str(number + 1),
                row.pair,
                row.label if row.stage == "strategies" else row.stage,
                f"{row.done:,}/{row.total:,}" if row.total else "",
                state_words(row, share, gate),
                duration(now - row.started) if row.started else "",
                _short(speed) if speed is not None else "",
            )
            rows.append(cells)
        return _laid_out(rows)


def _laid_out(rows: Sequence[Sequence[str]]) -> Table:
    """Lay out what the workers do in at most 80 columns: a strategy's name gives way, and nothing else."""
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    widths = [max(least, *(len(row[at]) for row in rows), 0) for at, (_, _, least) in enumerate(_COLUMNS)]
    others = sum(widths) - widths[_LABEL] + _GAP * (len(_COLUMNS) - 1)
    widths[_LABEL] = max(len(_COLUMNS[_LABEL][0]), DEFAULT_WIDTH - others)
    for (head, side, _), width in zip(_COLUMNS, widths, strict=True):
        table.add_column(head, justify=side, width=width, no_wrap=True)
    for row in rows:
        table.add_row(*(Name(cell) if at == _LABEL else Text(cell) for at, cell in enumerate(row)))
    return table


class _HeldShare:
    """The share of the last seconds for which the gate held a worker."""

    def __init__(self) -> None:
        self._pair_began = 0.0
        self._samples: deque[tuple[float, float]] = deque()

    def update(self, row: SlotProgress, now: float) -> float:
        if row.started != self._pair_began:
            self._pair_began = row.started
            self._samples.clear()
        self._samples.append((now, row.held_until(now)))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()
        elapsed = now - self._samples[0][0]
        return (self._samples[-1][1] - self._samples[0][1]) / elapsed if elapsed > 0 else 0.0


def processor_line(look: "Look", allowance: float, settings: "Settings") -> Text:
    """Say who uses the processor and what we may use, in one line of at most 80 columns."""
    readings = look.readings
    total, workers, overhead, others = (
        _percent(readings.percent(reading))
        for reading in (readings.total, readings.workers, readings.run_overhead, readings.others)
    )
    # Written as in the messages: neither "16.0" nor "1e+02".
    allowed = f"allowance {count_workers(allowance).split()[0]} of {settings.workers}"
    # The overhead is the server's but for the little that this command takes.
    of_the_run = f"workers {workers}, {'server' if settings.history else 'command'} {overhead}"
    return Text(f"CPU {total} of {settings.cpu_limit:g}%: {of_the_run}, others {others}  {allowed}", style="dim")


def memory_line(readings: "Readings") -> Text:
    """Say how much memory the workers hold and how much is left, in one line of at most 80 columns."""
    held, left = _memory(readings.memory_workers), _memory(readings.memory_available)
    return Text(f"memory: workers {held}, available {left}", style="dim")


def state_words(row: SlotProgress, held_share: float, gate: "GateView") -> str:
    """Say what a worker is doing."""
    if not row.pid:
        return "starting"
    if row.state is SlotState.WARMING:
        return "warming up"
    if gate.state is GateState.RESTING:
        return "resting"
    if not row.pair:
        return f"cooling {duration(gate.cooling_left_s)}" if gate.state is GateState.COOLING else "idle"
    return f"held {held_share:.0%}" if held_share >= _HELD_FROM else "running"


def part_done(row: SlotProgress) -> float:
    """Return how much of its pair a worker has done, 0 to 1; reading counts as nothing."""
    return min(row.done / row.total, 1.0) if row.pair and row.total else 0.0


def _time_left(elapsed_s: float, done: float, total: int) -> str:
    if elapsed_s < _ETA_AFTER_S or not 0 < done < total:
        return duration(elapsed_s)
    return f"{duration(elapsed_s)}, {duration(elapsed_s * (total - done) / done)} left"


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}%"


def _memory(reading: "Reading") -> str:
    if reading.value is None:
        return "?"
    return f"{reading.value / 1000:.1f} GB" if reading.value >= 1000 else f"{reading.value:.0f} MB"


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"
