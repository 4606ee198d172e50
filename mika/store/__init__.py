"""Where users, torrents and peers are kept; `registry.py` finds the store that a URL names."""
