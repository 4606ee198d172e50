# slots.py is compiled as it is.
