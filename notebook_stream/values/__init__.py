"""Plain values: an answer that grows, a Reply, its message. No Jupyter, network or clock."""
