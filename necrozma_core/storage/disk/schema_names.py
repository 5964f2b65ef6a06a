"""What a Parquet file says of itself: the name and version of its schema, and what it holds."""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

SCHEMA_KEY: Final = b"necrozma.schema"
"""The metadata key under which a file names its schema and version."""


def coded(schema: pa.Schema) -> pa.Schema:
    """Return a schema with a dictionary in the place of every string: how labels that repeat are held in memory."""
    dictionary = pa.dictionary(pa.int32(), pa.string())
    fields = [field.with_type(dictionary) if pa.types.is_string(field.type) else field for field in schema]
    return pa.schema(fields, metadata=schema.metadata)


def with_metadata(schema: pa.Schema, metadata: Mapping[str, str]) -> pa.Schema:
    """Add ``necrozma.<name>`` entries (pair, timeframe, currency) to a schema's metadata, in order of name."""
    extra = {f"necrozma.{name}".encode(): value.encode() for name, value in sorted(metadata.items())}
    return schema.with_metadata({**extra, SCHEMA_KEY: schema.metadata[SCHEMA_KEY]})


def schema_name(schema: pa.Schema) -> str:
    """Return the name and version that a schema carries, ``trades/1``; empty where it carries none."""
    return bytes((schema.metadata or {}).get(SCHEMA_KEY, b"")).decode("utf-8", "replace")
