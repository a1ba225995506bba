"""Pictures of every kind that people have, as arrays, or refused by name."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gruta.data.pictures.image import MOST_PIXELS
from gruta.data.pictures.shots import Sight, read_shots, stretches
from gruta.errors import InputError

SIGHT = Sight(16, 4, (255, 255, 255))
RED = (200, 30, 10)


def one(source, sight=SIGHT):
    (shot,) = read_shots(source, sight)
    return shot


@pytest.fixture
def saved(tmp_path):
    def save(picture, name, **how):
        picture.save(tmp_path / name, **how)
        return tmp_path / name

    return save


def test_a_picture_fits_into_the_square_and_keeps_its_shape(saved):
    shot = one(saved(Image.new("RGB", (200, 100), RED), "wide.png"))
    assert shot.frames.shape == (1, 16, 16, 3)
    assert shot.frames.dtype == np.uint8
    assert (shot.frames[0, 4:12] == RED).all()
    assert (shot.frames[0, :4] == 255).all()
    assert (shot.begin, shot.end) == (0, 0)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "RGBA", "LA", "I;16"])
def test_colours_of_every_kind_become_red_green_and_blue(saved, mode):
    grey = np.full((9, 9), 180, np.uint8)
    if mode == "I;16":
        path = saved(Image.fromarray(grey.astype(np.uint16) << 8), "grey.png")
    else:
        kind = "tiff" if mode in ("CMYK", "YCbCr") else "png"
        path = saved(Image.fromarray(grey).convert(mode), f"grey.{kind}")
    expected = one(saved(Image.fromarray(grey).convert(mode if mode == "1" else "RGB"), "rgb.png"))
    np.testing.assert_allclose(one(path).frames.astype(int), expected.frames.astype(int), atol=2)


def test_what_is_transparent_shows_the_background(saved):
    picture = Image.new("RGBA", (16, 16), (*RED, 0))
    picture.paste((*RED, 255), (0, 0, 8, 16))
    blue = Sight(16, 4, (0, 0, 250))
    for path in (
        saved(picture, "clear.png"),
        saved(picture.quantize(8), "palette.png"),
        saved(picture, "clear.gif"),
    ):
        found = one(path, blue).frames[0]
        np.testing.assert_allclose(found[:, :7].astype(int), np.full((16, 7, 3), RED), atol=8)
        assert (found[:, 9:] == (0, 0, 250)).all()


def test_what_a_camera_held_upright_stands_upright(saved):
    picture = Image.new("RGB", (16, 16), RED)
    picture.paste((0, 0, 0), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # its top is at the right
    found = one(saved(picture, "turned.jpg", exif=exif, quality=95)).frames[0]
    assert found[:, 10:].mean() < 40 < found[:, :6].mean()


def test_a_picture_of_one_pixel_fills_the_square(saved):
    assert (one(saved(Image.new("RGB", (1, 1), RED), "dot.png")).frames == RED).all()


def png_of(width, height):
    """The beginning of a PNG that says so."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    found = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + head, b"IDAT" + zlib.compress(b"\0" * 64)):
        size, check = len(chunk) - 4, zlib.crc32(chunk)
        found += struct.pack(">I", size) + chunk + struct.pack(">I", check)
    return found


@pytest.mark.parametrize("side", [20_000, 9_500])
def test_a_picture_too_large_is_refused_before_it_is_decoded(tmp_path, side):
    assert side**2 > MOST_PIXELS
    path = tmp_path / "huge.png"
    path.write_bytes(png_of(side, side))
    with pytest.raises(InputError, match=rf"{path}: a picture of .* pixels, the limit is 89"):
        read_shots(path, SIGHT)


def test_what_is_no_whole_picture_is_named(saved, tmp_path):
    path = saved(Image.effect_noise((64, 64), 50), "cut.png")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match=rf"{path}: not a whole picture"):
        read_shots(path, SIGHT)
    path.write_text("<svg/>")
    with pytest.raises(InputError, match=rf"{path}: no picture that can be read; .*PNG, JPEG"):
        read_shots(path, SIGHT)
    with pytest.raises(InputError, match="expected a picture or a clip, found a folder"):
        read_shots(tmp_path, SIGHT)
    saved(Image.fromarray(np.ones((4, 4), np.float32)), "floats.tiff")
    with pytest.raises(InputError, match=r"numbers from 1\.0 to 1\.0, of no known scale"):
        read_shots(tmp_path / "floats.tiff", SIGHT)


def frames(count):
    """Each of a grey that tells its place."""
    return [Image.new("L", (8, 8), 20 * k + 10) for k in range(count)]


def places(shot):
    return ((shot.frames[:, 8, 8, 0].astype(int) - 10 + 5) // 20).tolist()


@pytest.mark.parametrize("name", ["clip.gif", "clip.png", "clip.webp"])
def test_a_clip_is_seen_evenly_by_its_times(saved, name):
    """The first of nine frames is shown as long as the eight others."""
    first, *rest = frames(9)
    how = {"lossless": True} if name.endswith("webp") else {}
    path = saved(first, name, save_all=True, append_images=rest, duration=[800] + [100] * 8, **how)
    shot = one(path)
    assert places(shot) == [0, 3, 7]  # two of the four middles are the first's
    assert shot.end == pytest.approx(1.6)
    np.testing.assert_allclose(shot.shown, [0, 1.0, 1.4])
    halves = read_shots(path, SIGHT, every=0.8)
    assert [(part.begin, part.end) for part in halves] == [(0, 0.8), (0.8, 1.6)]
    assert [places(part) for part in halves] == [[0], [2, 4, 6, 8]]


def test_a_clip_of_one_frame_is_a_picture(saved):
    path = saved(frames(1)[0], "one.gif", save_all=True)
    assert one(path).end == 0
    assert len(one(path).frames) == 1


def test_a_video_is_seen_as_a_clip_is(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "video.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.bit_rate = 4_000_000
        for frame in frames(8):
            picture = frame.resize((32, 32)).convert("RGB")
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    shot = one(path)
    assert places(shot) == [1, 3, 5, 7]
    assert shot.end == pytest.approx(0.8, abs=0.01)
    np.testing.assert_allclose(shot.shown, [0.1, 0.3, 0.5, 0.7], atol=0.01)
    assert len(read_shots(path, SIGHT, every=0.4)) == 2
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=rf"{path}: (no video that can be read|expected a video)"):
        read_shots(path, SIGHT)


def test_a_playlist_that_is_called_a_video_opens_no_other_file(tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "list.mp4"
    path.write_text("#EXTM3U\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputError, match="no video that can be read"):
        read_shots(path, SIGHT)


def test_every_frame_of_a_short_clip_is_seen_and_stretches_cover_it():
    (whole,) = stretches([0, 1, 2], 3, 8)
    assert whole.places == (0, 1, 2)
    parts = stretches(list(range(100)), 100, 4, every=30)
    assert [(p.begin, p.end) for p in parts] == [(0, 30), (30, 60), (60, 90), (90, 100)]
    assert all(p.begin <= t < p.end for p in parts for t in p.places)
    assert stretches([0.0], 0.0, 4, every=5)[0].places == (0,)


def test_arrays_and_open_pictures_are_taken_too():
    grey = np.full((12, 12), 90, np.uint8)
    assert (one(grey).frames == 90).all()
    assert (one(Image.fromarray(grey)).frames == 90).all()
    clip = np.stack([np.full((6, 6, 3), k, np.uint8) for k in range(9)])
    assert one(clip).frames[:, 0, 0, 0].tolist() == [1, 3, 5, 7]
    assert one(clip).end == pytest.approx(0.9)
    with pytest.raises(InputError, match=r"got float64 of shape \[4, 4\]"):
        read_shots(np.ones((4, 4)), SIGHT)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    assert (one(Image.open(buffer)).frames == 90).all()
