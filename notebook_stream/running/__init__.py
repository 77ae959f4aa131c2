"""One answer on its way, and whether it may be sent."""
