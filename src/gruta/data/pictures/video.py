"""Videos as PyAV reads them: the frames that are seen alone are kept, the others go by."""

from pathlib import Path
from typing import Any

import numpy as np

from gruta.data.pictures.image import MOST_PIXELS
from gruta.data.pictures.shots import Frames, Shot, Sight, shots_of, stretches
from gruta.data.pictures.square import squared
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number

_OPTIONS = {"format_whitelist": "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,ogg,flv,asf"}
"""Formats that name no other file: a playlist may be called a video."""
_USUAL_RATE = 25.0


def read_video(path: Path, sight: Sight, every: float, name: str) -> list[Shot]:
    """The first pictures' stream of a video; InputError where there is none, or it is not whole."""
    need("av")
    import av

    try:
        with open(path, "rb") as file, av.open(file, options=_OPTIONS) as container:
            times, end = _times(container, path)
        if not times:
            problem = _("{path}: expected a video, found no frame in it")
            raise InputError(problem.format(path=path))
        parts = stretches(times, end, sight.frames, every)
        wanted = {place for part in parts for place in part.places}
        with open(path, "rb") as file, av.open(file, options=_OPTIONS) as container:
            seen = _seen(container, times, wanted, sight)
    except av.error.FFmpegError as error:
        problem = _("{path}: no video that can be read ({error})")
        raise InputError(problem.format(path=path, error=error.strerror)) from None
    if not seen:
        problem = _("{path}: no video that can be read ({error})")
        raise InputError(problem.format(path=path, error=_("no frame of it can be decoded")))
    last = max(seen)
    whole = {i: seen.get(i, seen[min(i, last)] if i in seen else seen[last]) for i in wanted}
    return shots_of(parts, whole, name)


def _times(container: Any, path: Path) -> tuple[list[float], float]:
    """When each frame is shown, in seconds from the first, and when the last is over: of what the
    packets say, none of which is decoded.
    """
    if not container.streams.video:
        problem = _("{path}: expected a video, found no pictures in it")
        raise InputError(problem.format(path=path))
    stream = container.streams.video[0]
    w, h = stream.codec_context.width, stream.codec_context.height
    if w * h > MOST_PIXELS:
        problem = _("{path}: a picture of {pixels} pixels, the limit is {limit}; scale it down")
        pixels, limit = f"{number(w)} × {number(h)}", number(MOST_PIXELS)
        raise InputError(problem.format(path=path, pixels=pixels, limit=limit))
    rate = float(stream.average_rate or _USUAL_RATE)
    found: list[float] = []
    for packet in container.demux(stream):
        if packet.size:
            known = packet.pts if packet.pts is not None else packet.dts
            time = len(found) / rate if known is None else float(known * packet.time_base)
            found.append(time)
    found.sort()
    times = [time - found[0] for time in found]
    return times, (times[-1] + 1 / rate if times else 0.0)


def _seen(container: Any, times: list[float], wanted: set[int], sight: Sight) -> dict[int, Frames]:
    """The frames wanted, by their place in the order in which they are shown."""
    seen: dict[int, Frames] = {}
    starts, first = np.array(times), None
    for count, frame in enumerate(container.decode(video=0)):
        time = frame.time
        if time is None:
            place = count
        else:
            first = time if first is None else first
            place = int(np.abs(starts - (time - first)).argmin())
        if place in wanted and place not in seen:
            picture = frame.to_image()
            turned = int(getattr(frame, "rotation", 0) or 0)
            seen[place] = squared(picture.rotate(turned, expand=True) if turned else picture, sight)
        if len(seen) == len(wanted):
            break
    return seen
