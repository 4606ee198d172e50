"""Who is in each swarm, and which peers are handed out."""
