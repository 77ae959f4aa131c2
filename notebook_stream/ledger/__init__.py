"""The cost of answers: prices, the sums of this session, and the usage in saved notebooks."""
