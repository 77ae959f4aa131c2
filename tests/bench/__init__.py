"""What is measured, never timed as a test: `python -m tests.bench.stop` and its like."""
