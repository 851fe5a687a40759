"""Which encoding a text file has: found from its bytes, or said to be unclear. Nothing is guessed from a name."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from shelftide.core.errors import InvalidInputError

ENCODINGS = ("utf-8", "utf-16", "gb18030", "cp1252")
_CHUNK = 2**18
_SAMPLE = 2**20
_HIGH = re.compile(rb"[\x80-\xff]+")
# In Western text: letters with accents, currency signs, quotes and dashes. The rest hardly stands in a table.
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŠšŽžŒœŸ€£¥¢§©®™°²³µ·º«»‘’“”–—…•\xa0¿¡ªðþÐÞ×†"
)
_ASK = "Save it as CSV (UTF-8), or say the encoding: " + ", ".join(ENCODINGS) + "."


def find_encoding(file: BinaryIO) -> str:
    """The encoding of the whole file, which is read once. Raises InvalidInputError when it is unclear."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    bare = _bare_utf16(file.read(4096))
    file.seek(0)
    if bare:
        return bare
    sample = _foreign(file)
    file.seek(0)
    return "utf-8" if sample is None else _legacy(sample)


def _bare_utf16(start: bytes) -> str:
    even, odd = start[::2], start[1::2]
    if len(start) < 8 or 0 not in start:
        return ""
    if odd.count(0) > len(odd) * 0.4 > even.count(0) * 4:
        return "utf-16-le"
    if even.count(0) > len(even) * 0.4 > odd.count(0) * 4:
        return "utf-16-be"
    raise InvalidInputError("The file is no text: it holds NUL bytes.", hint="Export it as CSV, TSV, XLSX or JSONL.")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _foreign(file: BinaryIO) -> bytes | None:
    """None where all is UTF-8, else the lines around what is not, to judge by."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    high: list[bytes] = []
    failed = False
    size = 0
    for chunk in _chunks(file):
        if not failed:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                failed = True
        if not chunk.isascii() and size < _SAMPLE:
            high.append(chunk)
            size += len(chunk)
        if failed and size >= _SAMPLE:
            break
    if not failed:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            failed = True
    return b"".join(high) if failed else None


def _legacy(sample: bytes) -> str:
    runs = [len(run) for run in _HIGH.findall(sample)]
    paired = sum(length for length in runs if length % 2 == 0) / sum(runs)
    chinese = _chinese_share(sample)
    western = _western(sample)
    if chinese > 0.9 and (paired > 0.6 or not western):
        return "gb18030"
    if western and paired < 0.6:
        return "cp1252"
    raise InvalidInputError("The file's encoding is unclear: it is not UTF-8 text.", hint=_ASK)


def _chinese_share(sample: bytes) -> float:
    """How many of the characters beyond ASCII are Chinese when the sample is read so; 0 when it cannot be."""
    cut = sample[: sample.rfind(b"\n") + 1] or sample
    try:
        text = cut.decode("gb18030")
    except UnicodeDecodeError:
        return 0.0
    found = [c for c in text if c > "\x7f"]
    good = sum("\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uffef" for c in found)
    return good / len(found) if found else 0.0


def _western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return all(c <= "\x7f" or c in _WESTERN for c in text)
