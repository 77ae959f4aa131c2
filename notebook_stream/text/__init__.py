"""Make text from outside safe: remove control characters and keys, repair surrogates."""
