"""Texts that hold their labels, `__label__warm __label__dry some text`: labels and the rest are taken apart."""

from __future__ import annotations

from kinfold.kernels._jit import inline, jit


@inline
def _blank(byte):
    """Whether fastText splits here: ASCII white space, or NUL."""
    return byte == 32 or 9 <= byte <= 13 or byte == 0


@jit
def part(data, ends, prefix, out, out_ends, labels, label_ends, counts):
    """Takes the labels out of texts.

    A label is a token that begins with the prefix and goes on behind it; without a prefix, the first token of a text.

    Args:
        data: Valid UTF-8, uint8.
        ends: Where each text ends (texts,) int64.
        prefix: uint8; may be empty.
        out: uint8, out, as long as `data`; the texts without labels, and without the white space behind each label.
        out_ends: (texts,) int64, out.
        labels: uint8, out, as long as `data`; the labels without their prefix.
        label_ends: int64, out, with room for `most_labels`.
        counts: (texts,) int64, out; labels of each text.

    Returns:
        Bytes of `out` and of `labels`, and how many labels there are.
    """
    at = to = label_to = count = 0
    for text in range(len(ends)):
        end = ends[text]
        before = count
        while at < end:
            if _blank(data[at]):
                out[to] = data[at]
                to += 1
                at += 1
                continue
            stop = at
            while stop < end and not _blank(data[stop]):
                stop += 1
            is_label = stop - at > len(prefix) and (len(prefix) > 0 or count == before)
            for step in range(len(prefix)):
                if not is_label:
                    break
                is_label = data[at + step] == prefix[step]
            if is_label:
                for place in range(at + len(prefix), stop):
                    labels[label_to] = data[place]
                    label_to += 1
                label_ends[count] = label_to
                count += 1
                at = stop + 1 if stop < end and data[stop] != 10 else stop
            else:
                for place in range(at, stop):
                    out[to] = data[place]
                    to += 1
                at = stop
        out_ends[text] = to
        counts[text] = count - before
    return to, label_to, count


def most_labels(size: int, texts: int, prefix: int) -> int:
    """How many labels so many bytes of so many texts hold at most."""
    return size // (prefix + 2) + texts if prefix else texts
