#!/usr/bin/env bash
# symusic 0.6.0: a note that no event ends is dropped, and one of no length kept, without a word.
#
# A note-on whose note-off is lost is what a broken cable, a cut file or a program's error leaves. Who
# reads the score cannot tell that anything was there, so gruta takes the events from mido and says so.
# (pretty_midi 0.2.11 drops the one of no length too; mido hands out events and judges none.)
#
# Output seen:
#   notes in the file 3, read [(0, 480, 62), (480, 0, 64)]
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet symusic==0.6.0 numpy==2.4.6
"$here/env/bin/python" - << 'PYTHON'
import symusic

events = (
    b"\x00\x90\x3c\x40"  # key 60, which nothing ends
    b"\x00\x3e\x40\x83\x60\x3e\x00"  # key 62, 480 ticks
    b"\x00\x40\x40\x00\x40\x00"  # key 64, no length
    b"\x00\xff\x2f\x00"
)
head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0"
score = symusic.Score.from_midi(head + b"MTrk" + len(events).to_bytes(4) + events)
read = [(n.time, n.duration, n.pitch) for track in score.tracks for n in track.notes]
print(f"notes in the file 3, read {read}")
assert read == [(0, 480, 62), (480, 0, 64)], "the behaviour has changed"
PYTHON
