"""Room: learn."""
