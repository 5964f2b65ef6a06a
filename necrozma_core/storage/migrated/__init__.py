"""JSON files of the original program as Parquet tables that are compared with them value by value.

===============  =====================================================================
``json_values``  JSON's values without loss: wide numbers, NaN, minus zero, key by key
``json_stream``  a document's parts one after the other, whatever the file's size
``levels``       the original's universes as records
``survey``       which columns a list of records needs, from a look at all of them
``tables``       records to columns and back
``documents``    one document: surveyed, written, read back, published, known again
``folder``       a folder of documents: found, migrated, and removed where asked
``verifying``    everything that was migrated against its hashes, later on
===============  =====================================================================
"""
