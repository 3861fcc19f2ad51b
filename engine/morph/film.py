"""Write a morph as WebP, GIF, MP4 or PNG frames in a folder, completely or not at all, with its settings inside.

The settings are in the Exif description of a WebP, in the comment of a GIF and of an MP4, and in the text
"tweedie-morph" of every PNG.
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import Cancelled
from engine.files import check_writable, replace_file
from engine.pictures.image_file import info_of
from engine.pictures.png import enlarge_picture, save_image
from engine.spec.edit import Pixels
from engine.spec.morph import Morph, MorphError

if TYPE_CHECKING:
    from av.video.stream import VideoStream

KINDS = {".webp": "WebP", ".gif": "GIF", ".mp4": "MP4", "": "PNG frames"}  # by the suffix of the name; "" is a folder
DESCRIPTION = 0x010E  # Exif: ImageDescription
TEXT = "tweedie-morph"
QUALITY = 90  # of WebP
CRF = 16  # of H.264: no visible loss
PALETTE_FRAMES = 32  # frames from which a GIF's palette is computed
FASTEST_GIF = 50  # frames a second: its times are hundredths of a second, and players take 1 for 10
NO_VIDEO = (
    "MP4 needs PyAV, which is not installed: run “pip install av” in the studio's environment (.venv), "
    "or choose WebP, GIF or PNG frames."
)

GIF_TOO_FAST = f"A GIF shows at most {FASTEST_GIF} frames a second: choose fewer, or another format."

OnFrame = Callable[[int, int], object]  # called with the frames done and their total
Stop = Callable[[], bool]
Write = Callable[[Path, int, Callable[[int], Pixels], Morph], None]


def save(
    path: Path,
    frames: Sequence[Pixels],
    morph: Morph,
    enlarge: int = 1,
    resampling: str = "nearest",
    on_frame: OnFrame = lambda done, total: None,
    stop: Stop = lambda: False,
) -> None:
    """Write the film of a morph's frames (H, W, 3), in its order and at its rate, `enlarge` times as large.

    stop     -- called before each frame; True raises Stopped
    on_frame -- called after each frame

    Raises MorphError for a kind that cannot be written and for a folder that exists, and OSError. After an error
    nothing is left behind, and an older file is unchanged.
    """
    if len(frames) != morph.frames:
        raise MorphError(f"{len(frames)} of {morph.frames} frames are ready: let the morph finish, then export it.")
    write = _writer(path)
    order = morph.order()

    def frame(n: int) -> Pixels:
        if stop():
            raise Stopped
        on_frame(n + 1, len(order))
        return np.ascontiguousarray(enlarge_picture(frames[order[n]], enlarge, resampling))

    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, len(order), frame, morph)


def check(path: Path, morph: Morph) -> None:
    """Raise now the errors that save() would raise for the name: MorphError, OSError."""
    write = _writer(path)
    if write is _mp4:
        _av()
    if write is _gif and morph.rate > FASTEST_GIF:
        raise MorphError(GIF_TOO_FAST)
    if write is _folder:
        _check_folder(path)
    check_writable(path)


def _writer(path: Path) -> Write:
    """Return the writer for the name's ending. Raises MorphError for an unknown ending."""
    if not path.name:
        raise MorphError("This is a folder: add the name of a file.")
    write: Write | None = {".webp": _webp, ".gif": _gif, ".mp4": _mp4, "": _folder}.get(path.suffix.lower())
    if write is None:
        kinds = "in .webp, .gif or .mp4, or leave it out for a folder of PNG frames"
        raise MorphError(f"“{path.suffix}” is not a film format: end the name {kinds}.")
    return write


def save_frame(path: Path, rgb: Pixels, morph: Morph) -> None:
    """Write one frame (H, W, 3) as a PNG with the morph's settings, atomically. Raises OSError."""
    save_image(path, Image.fromarray(np.ascontiguousarray(rgb)), "PNG", pnginfo=_text(morph))


def read(path: Path) -> Morph | None:
    """Read the settings from a film of one file, or from one of its PNG frames; None where there are none.

    Raises RequestError for damaged settings, OSError for a file that cannot be read.
    """
    if path.suffix.lower() == ".mp4":
        av = _av()
        try:
            with av.open(str(path)) as video:
                text = video.metadata.get("comment")
        except (av.FFmpegError, UnicodeDecodeError) as error:
            raise MorphError(f"{path.name} cannot be read as a film: get it again from where it came.") from error
    else:
        info, exif = info_of(path)
        text = info.get(TEXT) or exif.get(DESCRIPTION) or info.get("comment")
    text = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    return Morph.from_json(text) if text else None


class Stopped(Cancelled):
    """The caller stopped the writing of a film: nothing of it is left."""


class _Film(Image.Image):
    """All frames as one animated picture: a writer requests each frame when it needs it, so none waits in memory."""

    def __init__(self, count: int, frame: Callable[[int], Image.Image]) -> None:
        super().__init__()
        self.n_frames, self.is_animated, self._frame, self._at = count, True, frame, -1
        self.seek(0)

    def seek(self, n: int) -> None:
        if not 0 <= n < self.n_frames:
            raise EOFError
        if n != self._at:
            image = self._frame(n)
            self._im, self._mode, self._size, self.palette = image.im, image.mode, image.size, image.palette
            self._at = n

    def tell(self) -> int:
        return self._at


def _durations(count: int, rate: int, unit: float) -> list[float]:
    """Return the milliseconds of each frame in whole units; their sums follow the rate."""
    ends = [round(1000 * n / rate / unit) * unit for n in range(count + 1)]
    return [b - a for a, b in pairwise(ends)]


def _webp(path: Path, count: int, frame: Callable[[int], Pixels], morph: Morph) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = morph.to_json()
    film = _Film(count, lambda n: Image.fromarray(frame(n)))
    times = [round(ms) for ms in _durations(count, morph.rate, 1)]
    save_image(
        path, film, "WEBP", save_all=True, duration=times, loop=_turns(morph), exif=exif, quality=QUALITY, method=3
    )


def _gif(path: Path, count: int, frame: Callable[[int], Pixels], morph: Morph) -> None:
    """Write a GIF with one palette for all frames and no dithering: both keep still parts from flickering."""
    if morph.rate > FASTEST_GIF:
        raise MorphError(GIF_TOO_FAST)
    some = [Image.fromarray(frame(n)) for n in sorted({count * k // PALETTE_FRAMES for k in range(PALETTE_FRAMES)})]
    sheet = Image.new("RGB", (some[0].width * len(some), some[0].height))
    for k, image in enumerate(some):
        sheet.paste(image, (k * image.width, 0))
    palette = sheet.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)

    def indexed(n: int) -> Image.Image:
        return Image.fromarray(frame(n)).quantize(palette=palette, dither=Image.Dither.NONE)

    more: dict[str, Any] = {"loop": 0} if _turns(morph) == 0 else {}
    save_image(
        path, _Film(count, indexed), "GIF", save_all=True, duration=_durations(count, morph.rate, 10),
        comment=morph.to_json().encode(), optimize=False, **more,
    )  # fmt: skip


def _turns(morph: Morph) -> int:
    """Return how often a player repeats it, 0 for ever."""
    return 1 if morph.loop == "none" else 0


def _text(morph: Morph) -> PngInfo:
    text = PngInfo()
    text.add_itxt(TEXT, morph.to_json())
    return text


def _folder(path: Path, count: int, frame: Callable[[int], Pixels], morph: Morph) -> None:
    _check_folder(path)
    part = path.with_name(f".tweedie-{secrets.token_hex(4)}.part")
    text = _text(morph)
    digits = max(4, len(str(count - 1)))
    try:
        part.mkdir()
        for n in range(count):
            save_image(part / f"{path.name}-{n:0{digits}}.png", Image.fromarray(frame(n)), "PNG", pnginfo=text)
        os.replace(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_folder(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise MorphError(f"{path.name} already exists there: choose another name for the folder.")


def _mp4(path: Path, count: int, frame: Callable[[int], Pixels], morph: Morph) -> None:
    """Write H.264. Its sides must be even, so an odd side repeats its last row or column."""
    av = _av()
    with (
        replace_file(path) as file,
        _os_errors(path, av.FFmpegError),
        av.open(file.name, "w", format="mp4", options={"movflags": "use_metadata_tags+faststart"}) as video,
    ):
        video.metadata["comment"] = morph.to_json()
        stream: VideoStream | None = None
        for n in range(count):
            rgb = frame(n)
            rgb = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
            if stream is None:
                stream = video.add_stream("libx264", rate=morph.rate, options={"crf": str(CRF), "preset": "medium"})
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt = "yuv420p"
            video.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        assert stream is not None
        video.mux(stream.encode())


@contextmanager
def _os_errors(path: Path, kind: type[Exception]) -> Iterator[None]:
    """Raise OSError for an error of PyAV."""
    try:
        yield
    except kind as error:
        raise OSError(getattr(error, "errno", None), getattr(error, "strerror", str(error)), str(path)) from error


def _av() -> Any:
    """Import PyAV. Raises MorphError where it is not installed."""
    try:
        import av
    except ImportError as error:
        raise MorphError(NO_VIDEO) from error
    return av


def can_write_video() -> bool:
    from importlib.util import find_spec

    return find_spec("av") is not None


def fits(size: tuple[int, int], most: int = 16383) -> int:
    """Return how many times as large a film of that size can become in every format: a WebP side has at most 16383
    pixels.
    """
    return max(1, math.floor(most / max(size)))
