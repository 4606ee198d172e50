"""What looks like cheating, found in what announces were worth: pure, fed by `follow.py`. docs/cheating.md."""
