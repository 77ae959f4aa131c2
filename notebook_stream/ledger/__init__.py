"""What answers cost: prices, the sums of this session, and what saved notebooks used."""
