"""Moments that people type: a day, or a time with its zone."""

from datetime import UTC, datetime

from necrozma_core.errors import UsageError


def parse_moment(text: str, flag: str) -> int:
    """Read a moment.

    Parameters
    ----------
    text : str
        ``2024-01-15``, which is its midnight in UTC, or ISO 8601 with ``Z`` or an offset.
    flag : str
        What it was given for, for the message.

    Returns
    -------
    int
        Milliseconds since 1970 UTC.

    Raises
    ------
    UsageError
        It is neither, or has no zone, or lies within a millisecond.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{flag} {text[:40]}: expected a day such as 2024-01-15, or 2024-01-15T12:00:00Z") from error
    if moment.tzinfo is None:
        if "T" in text or " " in text or ":" in text:
            raise UsageError(f"{flag} {text[:40]}: expected a time with its zone, such as {text[:40]}Z")
        moment = moment.replace(tzinfo=UTC)
    if moment.microsecond % 1000:
        raise UsageError(f"{flag} {text[:40]}: expected a whole millisecond")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
