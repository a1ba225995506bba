"""A look into a forecaster: what its layers read, and when."""


def test_window_and_horizon_carry_their_own_stamps(fitted, series):
    found = fitted.xray(series, at="2024-01-15T06:00")
    encoder, decoder = found.labels["encoder"].tolist(), found.labels["decoder"].tolist()
    assert [str(s) for s in (encoder[0], encoder[-1])] == [
        "2024-01-14 06:00:00",
        "2024-01-15 05:00:00",
    ]
    assert [str(s) for s in decoder] == [f"2024-01-15 0{h}:00:00" for h in (6, 7, 8)]
