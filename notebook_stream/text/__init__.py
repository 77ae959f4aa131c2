"""Remove control characters, keys and passwords from text."""
