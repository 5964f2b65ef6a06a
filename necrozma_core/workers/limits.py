"""What one worker may take, and how politely."""

from dataclasses import dataclass

from necrozma_core.throttle.priority import Priority


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one worker may take, and how politely.

    Attributes
    ----------
    priority : Priority
        How politely it asks for the processor.
    memory_mb : int or None
        Megabytes that a worker may allocate; None is unlimited.
    pair_timeout_s : float or None
        Seconds that a pair may take, time held by the gate not counted; None is unlimited.
    """

    priority: Priority = Priority.NORMAL
    memory_mb: int | None = None
    pair_timeout_s: float | None = None
