"""The guide to the Parquet files says what the schemas say."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from necrozma_core.storage.disk.schema_names import schema_name
from necrozma_core.storage.results.schemas import (
    GOVERNOR_SCHEMA,
    METRICS_SCHEMA,
    MOMENTS_SCHEMA,
    RANKING_SCHEMA,
    RETURNS_SCHEMA,
    TRADES_SCHEMA,
)

GUIDE = Path(__file__).parents[4] / "docs" / "parquet.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


def documented(name: str) -> list[tuple[str, str, bool]]:
    """Columns of one section of the guide: name, type, whether they may be null."""
    (section,) = (part for part in GUIDE.read_text().split("\n## ") if part.startswith(f"`{name}`"))
    return [(column, kind.strip(), null.strip() != "never") for column, kind, null in ROW.findall(section)]


def declared(schema: pa.Schema) -> list[tuple[str, str, bool]]:
    return [(field.name, str(field.type), field.nullable) for field in schema]


@pytest.mark.parametrize(
    "schema", [TRADES_SCHEMA, METRICS_SCHEMA, MOMENTS_SCHEMA, RETURNS_SCHEMA, GOVERNOR_SCHEMA], ids=schema_name
)
def test_guide_documents_every_column_with_its_type_and_null_rule(schema: pa.Schema) -> None:
    assert documented(schema_name(schema)) == declared(schema)


def test_guide_documents_the_ranking_as_a_rank_the_metrics_and_what_was_found() -> None:
    rank, *found = documented("ranking/2")
    assert [rank, *documented("metrics/2"), *found] == declared(RANKING_SCHEMA)
