"""Real servers of the test run's own: in temporary directories, on free ports of the loopback, stopped at its end."""
