"""Pictures of the documents, drawn from generated ticks: ``python -m benchmarks.pictures --write``."""
