"""Scripts by the blocks of Unicode, and languages by the small words that each of them uses all the time."""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

import numpy as np

# Blocks of letters, by their first and last code point; within a script that stands twice both count.
_BLOCKS = (
    ("Latin", 0xAA, 0xAA), ("Latin", 0xBA, 0xBA), ("Latin", 0xC0, 0xD6), ("Latin", 0xD8, 0xF6),
    ("Latin", 0xF8, 0x24F), ("Latin", 0x250, 0x2AF), ("mark", 0x300, 0x36F), ("Greek", 0x370, 0x3FF),
    ("Cyrillic", 0x400, 0x52F), ("Armenian", 0x531, 0x58F), ("Hebrew", 0x591, 0x5F4), ("Arabic", 0x610, 0x6FF),
    ("Arabic", 0x750, 0x77F), ("Devanagari", 0x900, 0x97F), ("Bengali", 0x980, 0x9FF), ("Gurmukhi", 0xA00, 0xA7F),
    ("Gujarati", 0xA80, 0xAFF), ("Tamil", 0xB80, 0xBFF), ("Telugu", 0xC00, 0xC7F), ("Kannada", 0xC80, 0xCFF),
    ("Malayalam", 0xD00, 0xD7F), ("Sinhala", 0xD80, 0xDFF), ("Thai", 0xE01, 0xE5B), ("Lao", 0xE80, 0xEFF),
    ("Tibetan", 0xF00, 0xFFF), ("Myanmar", 0x1000, 0x109F), ("Georgian", 0x10A0, 0x10FF), ("Hangul", 0x1100, 0x11FF),
    ("Ethiopic", 0x1200, 0x139F), ("Khmer", 0x1780, 0x17FF), ("Latin", 0x1E00, 0x1EFF), ("Greek", 0x1F00, 0x1FFF),
    ("Han", 0x2E80, 0x2FDF), ("Kana", 0x3041, 0x30FF), ("Han", 0x3400, 0x4DBF), ("Han", 0x4E00, 0x9FFF),
    ("Hangul", 0xAC00, 0xD7AF), ("Han", 0xF900, 0xFAFF), ("Latin", 0xFF21, 0xFF5A), ("Kana", 0xFF66, 0xFF9F),
    ("Han", 0x20000, 0x323AF),
)  # fmt: skip
# Scripts that put no space between words.
_UNSPACED = ("Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
SCRIPTS = tuple(dict.fromkeys(name for name, _, _ in _BLOCKS if name != "mark"))

# Frequent words; those that several languages share speak for each of them.
_WORDS = {
    "English": "the of and to in is that it was for with as his on be at by had not but from have they which or this "
    "are she her you were an their there been would who what will when if we my he him has all one more your can so "
    "a i do no me up out than then them some into very should could did said now only how about any its us am",
    "German": "der die das und in zu den ist nicht von mit sich des auf für dem ein eine als auch es an werden aus er "
    "hat dass sie nach wird bei einer um am sind noch wie einem über so zum kann wir ich war nur oder aber vor bis",
    "French": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce il sont avec ou son "
    "aux elle cette nous vous je mais ses était été leur ont même comme tout où sans être fait",
    "Spanish": "de la que el en y los se del las un por con no una su para es al lo como más o pero sus le ha me si "
    "sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está",
    "Italian": "di e il la che in un per è una non sono le si del della con da al i dei nel alla come più ma anche lo "
    "gli delle ha nella questo se o ai dal dalla essere stato quando suo sua erano era io mi",
    "Portuguese": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das "
    "tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era",
    "Dutch": "de het een van en in is dat op te zijn met voor niet aan er om die ook als bij door naar maar heeft uit "
    "werd nog wordt tot over hij ze wij ik dit deze hun zou kan geen al meer haar",
    "Swedish": "och i att det som en på är av för med den till inte om ett han men var jag sig från vi så kan när "
    "har de eller hon under också efter vid mot skulle hade ut sin där bara",
    "Danish or Norwegian": "og i at det er en til af som på de med den for ikke der var et har jeg han men om vi sig "
    "fra skal kan være hun hvor blev efter eller ved også nu vil hadde etter av å ble fra bare",
    "Polish": "w i na się z do nie to jest że o jak ale za co po od przez tak jego dla już czy tylko jej był są było "
    "ma może które który która oraz jeszcze być ich ze mnie pan kiedy bardzo",
    "Czech": "a se v na je že to do i ve si pro k by byl za jako po jsem který ale od která jeho jsou bylo tak "
    "nebo už jen když byla není podle aby co při jak také ještě",
    "Finnish": "ja on ei että se oli hän mutta ovat kuin tai ole joka myös sen niin kun mitä jos olla siitä hänen "
    "vain jo ne sitten nyt minä olen oli ollut vielä kanssa voi mukaan",
    "Hungarian": "a az és hogy nem is egy volt ez de meg csak már mint azt még ha van el vagy fel ki sem mert aki "
    "amely lehet nagyon majd minden kell után azonban",
    "Turkish": "bir ve bu da de için ile çok ne daha olan gibi ama en kadar sonra olarak o var ya mi değil her ben "
    "iki şey diye olduğu ancak onun şimdi yok hiç",
    "Romanian": "de și în a la cu o să că pe nu este un din care mai se pentru au ce ca fi dar sunt ale lui era prin "
    "sau el după foarte fost cum această acest când",
    "Russian": "и в не на что я с он как это по но к его а из у за же так от она бы был все они мы для ее вы то еще "
    "было мне нет только если уже или был когда был меня ещё",
    "Ukrainian": "і в не на що я з він як це по але до його та у за же так від вона був усі вони ми для її ви то ще "
    "було мені немає тільки якщо вже або коли мене є",
}  # fmt: skip
LANGUAGES = tuple(_WORDS)

# Words of a text, and those among them that a language uses all the time, from which its language is told.
_LEAST_WORDS, _LEAST_FOUND, _LEAST_SHARE, _LEAD = 8, 4, 0.3, 1.6


class Tables(NamedTuple):
    """What the kernel looks up; see `kernels.looks.look`."""

    begins: np.ndarray
    kinds: np.ndarray
    single: np.ndarray
    composed: np.ndarray
    slots: np.ndarray
    masks: np.ndarray


@functools.cache
def tables() -> Tables:
    """The tables, made once."""
    from kinfold.kernels.looks import APART, LETTER, MARK, word_hash

    begins, kinds, before = [0], [APART], 0
    for name, first, last in _BLOCKS:
        if first > before:
            begins.append(before)
            kinds.append(APART)
        begins.append(first)
        kinds.append(MARK if name == "mark" else LETTER + SCRIPTS.index(name))
        before = last + 1
    begins.append(before)
    kinds.append(APART)
    masks: dict[int, int] = {}
    for at, words in enumerate(_WORDS.values()):
        for word in set(words.split()):
            hashed = int(word_hash(np.array([ord(each) for each in word], np.int64)))
            masks[hashed] = masks.get(hashed, 0) | 1 << at
    size = 1 << (4 * len(masks)).bit_length()
    slots, bits = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for hashed, mask in masks.items():
        place = hashed & (size - 1)
        while slots[place]:
            place = (place + 1) & (size - 1)
        slots[place], bits[place] = hashed, mask
    composed = np.array([bool(_parts(each)) for each in range(8192)])
    single = np.array([name in _UNSPACED for name in SCRIPTS])
    return Tables(np.array(begins, np.int32), np.array(kinds, np.int32), single, composed, slots, bits)


def _parts(point: int) -> bool:
    """Whether a letter is a letter and a mark in one."""
    character = chr(point)
    return len(unicodedata.normalize("NFD", character)) > 1 and unicodedata.normalize("NFC", character) == character


def language_of(words: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """The language of each text (n,) int64, its place in LANGUAGES, or -1 where it cannot be told.

    A text has a language where at least 8 words stand in it, of which four, and three in ten, are among the language's
    most frequent ones, and at least 1.6 times as many as of any other.

    Args:
        words: How many each text has (n,).
        spoken: How many of them are frequent ones of each language (n, languages).
    """
    if not len(spoken):
        return np.zeros(0, np.int64)
    best = spoken.argmax(axis=1)
    most = spoken.max(axis=1)
    second = np.partition(spoken, -2, axis=1)[:, -2]
    clear = (words >= _LEAST_WORDS) & (most >= _LEAST_FOUND) & (most >= _LEAST_SHARE * words) & (most >= _LEAD * second)
    found: np.ndarray = np.where(clear, best, -1)
    return found
