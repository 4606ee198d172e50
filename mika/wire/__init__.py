"""Bytes to values and back, with no socket: what clients send, and what they are answered."""
