"""What an announce is worth, and what the stores do not have yet."""
