"""A look into a forecaster: what its layers read, and when."""


def test_window_and_horizon_carry_their_own_stamps(fitted, series):
    found = fitted.xray(series, at="2024-01-15T06:00")
    encoder, decoder = found.labels["encoder"].tolist(), found.labels["decoder"].tolist()
    assert [str(s) for s in (encoder[0], encoder[-1])] == [
        "2024-01-14 06:00:00",
        "2024-01-15 05:00:00",
    ]
    assert [str(s) for s in decoder] == [f"2024-01-15 0{h}:00:00" for h in (6, 7, 8)]


def test_every_number_that_a_layer_reads_has_a_name_of_its_own(fitted, series):
    found = fitted.xray(series)
    for view in found.views:
        names = found.columns[view.one.stack]
        assert len(set(names)) == view.one.x.shape[1]
    assert {"y", "change of y", "wind", "plan now", "phase 3"} <= set(found.columns["encoder"])
    assert found.columns["decoder"][-1] == "linear forecast"


def test_a_step_by_hand_tells_its_stamp(fitted, series):
    found = fitted.xray(series, at="2024-01-15T06:00")
    hand = found.by_hand(1, 0, "decoder l0")
    assert hand.title == "decoder l0, unit 1, step 0 (15 Jan 2024 06:00), by hand"
