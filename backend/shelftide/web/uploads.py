"""Uploaded files: where they lie while they are imported, what they are called, and what a person says of them."""

import re
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from shelftide.core.errors import InvalidInputError
from shelftide.web.pages import AnyRequest

LARGEST_UPLOAD = 256 * 2**20


@asynccontextmanager
async def uploaded(request: AnyRequest) -> AsyncIterator[tuple[Path, str]]:
    """The file of a request and the name that it came with; it is gone afterwards. Raises InvalidInputError."""
    with tempfile.TemporaryDirectory(prefix="shelftide-import-") as folder:
        path = Path(folder) / "upload"
        yield path, plain_name(await _save(request, path))


def mapping_of(pairs: Iterable[str]) -> dict[str, str]:
    """`column=heading` pairs. Raises InvalidInputError."""
    split = [pair.partition("=") for pair in pairs]
    if any(not (column.strip() and sign and heading.strip()) for column, sign, heading in split):
        raise InvalidInputError("A mapping is column=heading.", hint="Give it once for each column.")
    return {column.strip(): heading.strip() for column, _, heading in split}


def plain_name(name: str) -> str:
    """The last part of a file's name, for people to read; never a path."""
    return re.sub(r"[\x00-\x1f]", "", name.replace("\\", "/").rsplit("/", 1)[-1])[:200] or "upload"


async def _save(request: AnyRequest, path: Path) -> str:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        part = (await request.form()).get("file")
        if part is None or isinstance(part, str):
            raise InvalidInputError("The form has no file.", hint="Send it as the part `file`.")
        with path.open("wb") as target:
            while chunk := await part.read(2**20):
                target.write(chunk)
        return str(part.filename)
    await _spool(request.stream(), path)
    return ""


async def _spool(chunks: AsyncIterator[bytes], path: Path) -> None:
    size = 0
    with path.open("wb") as target:
        async for chunk in chunks:
            size += len(chunk)
            if size > LARGEST_UPLOAD:
                raise InvalidInputError("The file is larger than 256 MB.", hint="Pack it with gzip, or cut it.")
            target.write(chunk)
