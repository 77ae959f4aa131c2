"""What is asked for: the options, and the body of the request."""
