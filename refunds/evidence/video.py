"""MP4 by the structure of its boxes (ISO/IEC 14496-12): nothing is decoded, and what is no picture is blanked.

Boxes that say where, when and with what it was filmed become `free` boxes of the same length, filled with zeros, so
that every offset into the pictures stays right. Times of creation are set to zero.
"""

import mmap
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .cleaned import Cleaned
from .faults import Fault, Unacceptable

BRANDS: Final = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 avc1 dash mmp4 MSNV".split()
) | {b"M4V "}
TOP: Final = frozenset(
    b"ftyp styp pdin moov mdat moof mfra sidx ssix prft emsg free skip wide udta meta uuid".split()
)
CONTAINERS: Final = frozenset(b"moov trak mdia minf dinf stbl edts mvex moof traf".split())
BLANKED: Final = frozenset(b"udta meta uuid free skip wide emsg prft".split())
TIMED: Final = frozenset(b"mvhd tkhd mdhd".split())
KEPT_TRACKS: Final = frozenset({b"vide", b"soun"})
MOST_BOXES = 20_000
DEEPEST = 8


class Box(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


class _Film:
    """The file being cleaned, in place."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.boxes = 0

    def inside(self, start: int, end: int) -> Iterator[Box]:
        """The boxes that fill a range exactly. Raises Unacceptable where they do not."""
        at = start
        while at < end:
            self.boxes += 1
            if self.boxes > MOST_BOXES:
                raise Unacceptable(Fault.TOO_COMPLEX)
            box = self._box(at, end)
            yield box
            at = box.end

    def _box(self, at: int, end: int) -> Box:
        if end - at < 8:
            raise Unacceptable(Fault.DAMAGED)
        size, kind = struct.unpack_from(">I4s", self.data, at)
        body = at + 8
        if size == 1:
            if end - at < 16:
                raise Unacceptable(Fault.DAMAGED)
            size, body = struct.unpack_from(">Q", self.data, body)[0], at + 16
        elif size == 0:  # to the end of the file
            size = end - at
        if size < body - at or size > end - at:
            raise Unacceptable(Fault.DAMAGED)
        return Box(kind, at, body, at + size)

    def blank(self, box: Box) -> None:
        self.data[box.start + 4 : box.start + 8] = b"free"
        self.data[box.body : box.end] = bytes(box.end - box.body)

    def walk(self, parent: Box, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise Unacceptable(Fault.TOO_COMPLEX)
        for box in self.inside(parent.body, parent.end):
            if box.kind in BLANKED:
                self.blank(box)
            elif box.kind == b"trak" and self.handler(box) not in KEPT_TRACKS:
                self.blank(box)  # subtitles, chapters, positions: no picture and no sound
            elif box.kind in CONTAINERS:
                self.walk(box, depth + 1)
            elif box.kind in TIMED:
                self._forget_times(box)
            elif box.kind == b"hdlr":
                self._forget_name(box)
            elif box.kind == b"dref":
                self._only_itself(box)

    def handler(self, track: Box) -> bytes:
        for box in self.inside(track.body, track.end):
            if box.kind == b"mdia":
                for inner in self.inside(box.body, box.end):
                    if inner.kind == b"hdlr" and inner.end - inner.body >= 12:
                        return self.data[inner.body + 8 : inner.body + 12]
        return b""

    def _forget_times(self, box: Box) -> None:
        """Creation and modification follow the version byte and three flags: 4 bytes each, or 8 in version 1."""
        width = 8 if box.end > box.body and self.data[box.body] == 1 else 4
        if box.end - box.body < 4 + 2 * width:
            raise Unacceptable(Fault.DAMAGED)
        self.data[box.body + 4 : box.body + 4 + 2 * width] = bytes(2 * width)

    def _forget_name(self, box: Box) -> None:
        """A handler's name, behind its 24 fixed bytes, tells the maker of the camera."""
        name = min(box.body + 24, box.end)
        self.data[name : box.end] = bytes(box.end - name)

    def _only_itself(self, box: Box) -> None:
        """Pictures may lie in another file, named by address; ours hold their own (flag 1) and send nobody away."""
        for entry in self.inside(box.body + 8, box.end):
            if entry.end - entry.body < 4 or not self.data[entry.body + 3] & 1:
                raise Unacceptable(Fault.ACTIVE, found=["external data"])


def clean(source: Path, target: Path) -> Cleaned:
    """Copy `source` to `target` and blank what is no picture or sound. Raises Unacceptable."""
    shutil.copyfile(source, target)
    with target.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        film = _Film(data)
        top = list(film.inside(0, len(data)))
        _check_brand(data, top[0])
        if any(box.kind not in TOP for box in top):
            raise Unacceptable(Fault.DAMAGED)
        movies = [box for box in top if box.kind == b"moov"]
        tracks = [
            film.handler(track)
            for movie in movies
            for track in film.inside(movie.body, movie.end)
            if track.kind == b"trak"
        ]
        if len(movies) != 1 or b"vide" not in tracks or not any(box.kind == b"mdat" for box in top):
            raise Unacceptable(Fault.DAMAGED)
        for box in top:
            if box.kind in BLANKED:
                film.blank(box)
            elif box.kind in CONTAINERS:
                film.walk(box)
    return Cleaned()


def _check_brand(data: mmap.mmap, first: Box) -> None:
    brand = data[first.body : first.body + 4]
    if first.kind != b"ftyp" or first.end - first.body < 8 or brand not in BRANDS:
        raise Unacceptable(Fault.TYPE, brand=brand.decode("latin-1"))
