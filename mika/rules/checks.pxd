# checks.py is compiled as it is.
