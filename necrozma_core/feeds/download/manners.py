"""How a client behaves, and the clock that it waits by."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

KILOBYTE: Final = 1024


@dataclass(frozen=True, slots=True)
class Manners:
    """How patient and how quick a client is.

    Attributes
    ----------
    tries : int
        Before a file is given up. Waits between them double, so six take half a minute.
    bad_answers : int
        Before a file whose answers are no ticks is left out: asking more often does not mend it.
    first_wait_s, longest_wait_s : float
        Before the second try, and between any two.
    longest_asked_s : float
        The longest wait that a service may ask for; where it wants more, the user comes back later.
    pause_s : float
        Between two requests. Dukascopy closed the connections of clients that asked ten times at once; a fifth of a
        second makes twenty minutes of a year of hours.
    silence_s : float
        Without a byte, until the connection counts as lost.
    slowest : int
        Bytes in `slow_after_s` seconds; fewer count as lost.
    redirects : int
        Followed on the same host.
    """

    tries: int = 6
    bad_answers: int = 3
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    longest_asked_s: float = 600.0
    pause_s: float = 0.2
    silence_s: float = 30.0
    slow_after_s: float = 60.0
    slowest: int = 60 * KILOBYTE
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, sleep and chance, for a test to replace.

    Attributes
    ----------
    now_ms : callable
        Milliseconds since 1970 UTC.
    monotonic : callable
        Seconds that only rise.
    sleep : callable
        Waits so many seconds.
    chance : callable
        A number from 0 to 1.
    """

    now_ms: Callable[[], int] = field(default=lambda: time.time_ns() // 1_000_000)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
