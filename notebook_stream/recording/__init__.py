"""Recorded streams: the file, keys taken out of it, and the HTTP transport that plays it."""
