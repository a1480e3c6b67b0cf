"""Chunks as the script conlleval finds them, word by word: its rules for where a chunk ends and begins."""


def starts(before, before_type, tag, kind):
    found = tag in "BSU"
    found |= before in "ESLU" and tag in "EI"
    found |= before == "O" and tag in "EILSU"
    return found or (tag != "O" and before_type != kind)


def ends(before, before_type, tag, kind):
    found = before in "ESLU"
    found |= before in "BI" and tag in "BSUO"
    return found or (before != "O" and before_type != kind)


def split(tag):
    return ("O", "") if tag == "O" else (tag[0], tag[2:])


def chunks(tags):
    """(type, first, past the last) of each chunk."""
    found, begin, before, before_type = [], None, "O", ""
    for at, tag in enumerate([*tags, "O"]):
        prefix, kind = split(tag)
        if begin is not None and ends(before, before_type, prefix, kind):
            found.append((before_type, begin, at))
            begin = None
        if starts(before, before_type, prefix, kind) and prefix != "O":
            begin = at
        before, before_type = prefix, kind
    return found


def counts(known, told):
    """Hits, told and known chunks over all sentences."""
    hits = all_told = all_known = 0
    for one, other in zip(known, told, strict=True):
        a, b = set(chunks(one)), set(chunks(other))
        hits, all_told, all_known = hits + len(a & b), all_told + len(b), all_known + len(a)
    return hits, all_told, all_known
