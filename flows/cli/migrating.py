"""``necrozma migrate``: JSON files of the original program to Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from necrozma_core.errors import ExitCode


def migrate(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A folder of JSON files of the original, or one file.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="The results folder; that of config.py.")
    ] = None,
    delete_json: Annotated[
        bool, typer.Option("--delete-json", help="Remove a JSON file once every value was read back from Parquet.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read all, write nothing.")] = False,
) -> None:
    """Turn JSON results of the original program into Parquet, and compare every value."""
    from flows.cli.starting import results_folder  # noqa: PLC0415
    from flows.terminal.migration import closing_lines, file_lines, found_line  # noqa: PLC0415
    from necrozma_core.storage.disk.lock import lock_results  # noqa: PLC0415
    from necrozma_core.storage.migrated.folder import (  # noqa: PLC0415
        Migrated,
        look_for_documents,
        migrate_documents,
        preview_documents,
    )

    results = results_folder(to)
    found = look_for_documents(old, results)
    typer.echo(found_line(len(found.documents)))

    def tell(one: Migrated | tuple[str, str]) -> None:
        for line in file_lines(one):
            typer.echo(line)

    try:
        if dry_run:
            migration = preview_documents(found, results, tell)
        else:
            with lock_results(results) as lock:
                migration = migrate_documents(found, lock, tell, delete=delete_json)
    except KeyboardInterrupt:
        typer.echo("stopped; what is migrated stays, and the same command goes on from here", err=True)
        raise
    for line in closing_lines(migration, results, dry_run=dry_run):
        typer.echo(line)
    raise typer.Exit(ExitCode.PAIRS_FAILED if migration.left else ExitCode.OK)
