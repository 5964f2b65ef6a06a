"""Texts that steer terminals, forge lines and hide what they say, by seed; and a judge that knows none of our code."""

import random
import unicodedata

STEERING = (
    "\x1b[31m", "\x1b]0;title\x07", "\x1b[2J\x1b[H", "\x9b2J", "\x07", "\x08\x08\x08", "\x00", "\x7f", "\x0b", "\x0c",
    "\r", "\t", "\x1b]8;;http://evil\x1b\\", "\x90q\x9c", "\u202egnp.exe", "\u2066x\u2069", "\u200f", "\u061c",
    "\u2028", "\u2029", "\udc9b31m", "\udcff", "\ud800", "[red]", "[/]", "[link=file:///etc]", ":smile:",
    "%s %d {0} {x}", "\\",
)  # fmt: skip
PLAIN = ("EMA(12)", " ", "a", "超卖", "🚀", "é", "=1+2", "'", '"', "$HOME", "x" * 40)
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def hostile_texts(count: int, seed: int, *, unlike: str = "") -> list[str]:
    """Return texts of some length, each with something in it that steers; without the characters of ``unlike``."""
    chance = random.Random(seed)
    texts = []
    while len(texts) < count:
        parts = [chance.choice(PLAIN + STEERING) for _ in range(chance.randint(1, 6))]
        parts.insert(chance.randint(0, len(parts)), chance.choice(STEERING))
        if chance.random() < 0.3:
            parts.append(chr(chance.choice([*range(0x20), *range(0x7F, 0xA0)])))
        if text := "".join(sign for sign in "".join(parts) if sign not in unlike):
            texts.append(text)
    return texts


def steering_signs(shown: str) -> set[str]:
    """Return what in a shown text steers; empty for one that may be shown."""
    return {
        sign
        for sign in shown
        if (unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} and sign != "\n") or sign in _TURNING
    }
