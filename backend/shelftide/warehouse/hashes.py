"""Stable 64-bit hashes of Arrow columns, vectorised.

They are stored beside the rows and compared with later fetches, so they must never depend on the process, the platform
or a library's version. Not a defence against somebody who builds collisions: a wrong guess costs him his own update.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]
_LONG_TEXT_BYTES = 256


def mix(values: Hashes) -> Hashes:
    """Scatter bits (the finaliser of splitmix64): each bit in changes about half of the bits out."""
    x = values ^ (values >> np.uint64(30))
    x = x * np.uint64(0xBF58476D1CE4E5B9)
    x = x ^ (x >> np.uint64(27))
    x = x * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = x ^ (x >> np.uint64(31))
    return mixed


def hash_rows(batch: pa.RecordBatch, names: tuple[str, ...]) -> Hashes:
    """One hash a row over the named columns. A null adds nothing: a new, empty column leaves old hashes as they are."""
    total = np.zeros(batch.num_rows, np.uint64)
    for name in names:
        column = batch.column(name)
        if column.null_count == len(column):
            continue
        hashed = mix(hash_values(column) + _seed(name))
        if column.null_count:
            hashed[column.is_null().to_numpy(zero_copy_only=False)] = 0
        total += hashed
    return mix(total)


def _seed(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))


def hash_values(column: pa.Array) -> Hashes:
    """One hash a value; what a null hashes to is of no meaning. Raises TypeError for a type without a rule."""
    kind = column.type
    if pa.types.is_string(kind):
        return _hash_texts(column)
    if pa.types.is_decimal(kind):
        words = _fixed(column, np.dtype((np.uint64, 2)))
        return mix(mix(words[:, 0]) ^ words[:, 1])
    if pa.types.is_boolean(kind):
        bits: Hashes = column.cast(pa.uint64()).fill_null(0).to_numpy()
        return bits
    if pa.types.is_floating(kind):
        plain = _fixed(column, np.dtype(np.float64)) + 0.0  # -0.0 becomes 0.0
        return plain.view(np.uint64)
    if pa.types.is_timestamp(kind) or pa.types.is_int64(kind):
        return _fixed(column, np.dtype(np.uint64))
    if pa.types.is_date32(kind):
        return _fixed(column, np.dtype(np.int32)).astype(np.int64).view(np.uint64)
    raise TypeError(f"no hash for {kind}")


def _fixed(column: pa.Array, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    whole = np.frombuffer(column.buffers()[1], dtype, count=column.offset + len(column))
    return whole[column.offset :]


def _hash_texts(column: pa.Array) -> Hashes:
    """Eight bytes of every text at a time; long texts one by one."""
    offsets_buffer, data_buffer = column.buffers()[1:]
    offsets = np.frombuffer(offsets_buffer, np.int32, count=column.offset + len(column) + 1)[column.offset :]
    data = (data_buffer.to_pybytes() if data_buffer else b"") + bytes(8)
    words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data, strides=(1,))
    starts = offsets[:-1].astype(np.int64)
    lengths = offsets[1:].astype(np.int64) - starts
    hashes = mix(lengths.astype(np.uint64))
    active = np.flatnonzero((lengths > 0) & (lengths <= _LONG_TEXT_BYTES))
    step = 0
    while len(active):
        left = lengths[active] - step
        unused = (8 * (8 - np.minimum(left, 8))).astype(np.uint64)
        word = (words[starts[active] + step] << unused) >> unused
        hashes[active] = mix(hashes[active] * np.uint64(0x9E3779B97F4A7C15) + word)
        active = active[left > 8]
        step += 8
    for row in np.flatnonzero(lengths > _LONG_TEXT_BYTES):
        text = data[starts[row] : starts[row] + lengths[row]]
        hashes[row] = int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
    return hashes
