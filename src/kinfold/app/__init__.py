"""The process: the command line."""
