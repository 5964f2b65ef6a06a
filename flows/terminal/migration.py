"""What a migration says: a line a file, and sizes and time at the end, as the original's guide has them."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from necrozma_core.printing import one_line

if TYPE_CHECKING:
    from necrozma_core.storage.migrated.folder import Migrated, Migration


def found_line(count: int) -> str:
    """Say how many files there are."""
    return f"📁 Found {count:,} JSON {'file' if count == 1 else 'files'} to migrate"


def file_lines(one: "Migrated | tuple[str, str]") -> Iterator[str]:
    """Say what became of a file."""
    if isinstance(one, tuple):
        name, reason = one
        yield f"  ❌ {one_line(name)}: left as it is, {one_line(reason)}"
        return
    name = one_line(one.name)
    if one.was_stored and one.stored is not None:
        yield f"  ✅ {name}: migrated already, {_change(one.size, one.stored.bytes)}"
    elif one.stored is not None:
        yield f"  ✅ {name}: {_change(one.size, one.stored.bytes)}"
    else:
        rows = ", ".join(f"{rows:,} {'row' if rows == 1 else 'rows'} of {file}" for file, rows in one.rows.items())
        yield f"  ✅ {name}: {_size(one.size)} → {rows or 'no list of records'}"
    if one.deleted:
        yield f"     🗑️  Deleted {name}"
    elif one.kept:
        yield f"     ⚠️  Kept {name}: {one.kept}"


def closing_lines(migration: "Migration", results: Path, *, dry_run: bool) -> Iterator[str]:
    """Say what was done altogether, what was left, and how to open it."""
    yield ""
    yield _headline(len(migration.left), dry_run)
    yield f"   Files processed: {len(migration.done):,}"
    yield f"   Files failed: {len(migration.left):,}"
    yield f"   Total size before: {_size(migration.size_before)}"
    if not dry_run:
        yield f"   Total size after: {_size(migration.size_after)}"
        if migration.size_before:
            yield f"   Total savings: {_savings(migration.size_before, migration.size_after)}"
    yield f"   Time: {migration.seconds:.1f}s"
    if deleted := sum(one.deleted for one in migration.done):
        yield f"   JSON files deleted: {deleted:,}, every value of them found again in Parquet"
    if migration.parquet:
        yield f"   Parquet files of the original, left as they are: {migration.parquet:,}"
    for name, why in migration.passed_over:
        yield f"   Passed over: {one_line(name)}, {why}"
    if not dry_run:
        yield from _opening_lines(migration, results)


def _headline(left: int, dry_run: bool) -> str:
    if dry_run:
        return "📊 Dry run: nothing was written"
    if left:
        return f"⚠️  MIGRATION ENDED, and {'1 file stays' if left == 1 else f'{left:,} files stay'} JSON: see ❌ above"
    return "🎉 MIGRATION COMPLETE!"


def _opening_lines(migration: "Migration", results: Path) -> Iterator[str]:
    stored = [one.stored for one in migration.done if one.stored]
    if not stored:
        return
    best = next((each for each in stored if "metrics.parquet" in each.files), stored[0])
    file = best.folder / ("metrics.parquet" if "metrics.parquet" in best.files else "document.parquet")
    yield ""
    yield "💡 Parquet files are now ready for use! To open one:"
    path = repr(str(file))
    yield f"   {_python_line(f'import pandas; print(pandas.read_parquet({path}))')}"
    if sum("metrics.parquet" in each.files for each in stored) > 1:
        tables = results / "migrated" / "**" / "metrics.parquet"
        yield f"   All of them, in DuckDB: FROM read_parquet('{one_line(tables)}', union_by_name=true)"


def _python_line(program: str) -> str:
    is_plain = not set(program) & set('"$`\\!')
    return one_line(f'python -c "{program}"' if is_plain else f"python -c {shlex.quote(program)}")


def _change(before: int, after: int) -> str:
    return f"{_size(before)} → {_size(after)} ({_savings(before, after)} savings)"


def _savings(before: int, after: int) -> str:
    return f"{(1 - after / before) * 100:.0f}%"


def _size(size: int) -> str:
    """Write a size in megabytes, as the original does; in smaller units where that would say nothing."""
    if size < 1_000:
        return f"{size}B"
    return f"{size / 1e6:,.1f}MB" if size >= 100_000 else f"{size / 1e3:.1f}kB"
