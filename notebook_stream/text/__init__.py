"""Text from outside, without control characters, keys and passwords."""
