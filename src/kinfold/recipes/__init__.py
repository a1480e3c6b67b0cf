"""One file for each kind of data: which rooms to walk through, and in what order. No algorithm lives here."""
