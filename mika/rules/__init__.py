"""May this announce go ahead? Every reason why not is on one page, refusal.py."""
