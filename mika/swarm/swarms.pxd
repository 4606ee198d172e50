# swarms.py is compiled as it is: what it calls has the types.
