"""The options of a call, their checks, and the body of the request that they make."""
