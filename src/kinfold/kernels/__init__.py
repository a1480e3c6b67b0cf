"""Arrays in, arrays out, hot: no class of the upper rooms, no string, no file."""
