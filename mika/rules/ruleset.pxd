# ruleset.py is compiled as it is.
