"""Files → Report: what is wrong with data before anything is learned from it.

`check.check` is the door; it recognizes the kind of data (`kind`) and hands it to `texts` (texts, labeled ones,
sentences with tags), `pairs`, `interactions`, `tables` or `images`. Each gives issues (`issue`), which become a Report.
"""
