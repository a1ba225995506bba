import numpy as np

RATE = 4000


def hum(seconds=0.5, pitch=110.0, seed=0, rate=RATE):
    """`[N]`: a buzz that moves from one vowel to another, like nothing that a filter rings to."""
    draw = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    pulses = np.diff(np.floor(pitch * t), prepend=0.0) + 0.005 * draw.standard_normal(len(t))
    made = np.zeros(len(t))
    for k in range(2, len(t)):
        share = k / len(t)
        turn = 2 * np.pi * (500 + 500 * share) / rate
        made[k] = pulses[k] + 2 * 0.95 * np.cos(turn) * made[k - 1] - 0.9 * made[k - 2]
    return (0.3 * made / np.abs(made).max()).astype(np.float32)


def hums(count=24):
    """Recordings of several pitches."""
    return [hum(0.4 + 0.02 * (i % 5), 90 + 7 * (i % 9), i) for i in range(count)]
