"""The equations that several studies speak of, in the symbols of the cells' READMEs."""

from gruta.locale import translate as _
from gruta.report.page import Formula


def rnn() -> list[Formula]:
    """A step of the plain network."""
    return [Formula("h_t = tanh(W_ih x_t + b_ih + W_hh h_(t−1) + b_hh)", _("RNN: a new state"))]


def gru() -> list[Formula]:
    """A step of the GRU."""
    return [
        Formula("r_t = σ(W_ir x_t + b_ir + W_hr h_(t−1) + b_hr)", _("reset gate")),
        Formula("z_t = σ(W_iz x_t + b_iz + W_hz h_(t−1) + b_hz)", _("update gate")),
        Formula(
            "n_t = tanh(W_in x_t + b_in + r_t ⊙ (W_hn h_(t−1) + b_hn))", _("proposed hidden state")
        ),
        *gru_keeps(),
    ]


def gru_keeps() -> list[Formula]:
    """What the GRU keeps of its state, and what it takes in."""
    return [
        Formula(
            "h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_(t−1)", _("GRU: the share z of the old state stays")
        )
    ]


def lstm_keeps() -> list[Formula]:
    """What the LSTM keeps of its cell state, and what it takes in."""
    return [
        Formula("c_t = f_t ⊙ c_(t−1) + i_t ⊙ g_t", _("LSTM: the share f of the old state stays"))
    ]


def chrono() -> list[Formula]:
    """Where the gates' biases start under chrono initialisation."""
    return [
        Formula("b_z = ln u", _("GRU, chrono: a u for each unit, from 1 to T−1")),
        Formula("b_f = ln u,  b_i = −ln u", _("LSTM, chrono: the same")),
    ]


def about_chrono() -> str:
    """What the word means, for who meets it."""
    return _(
        "“Chrono” is a way to start: the bias of the gate that keeps is the logarithm of a number "
        "u, drawn at random for each unit between 1 and T−1, where T is the longest lag to be "
        "remembered. The gate then begins by keeping about u parts in u + 1 of the state at each "
        "step, and the unit remembers for some u steps, one for longer than another (Tallec and "
        "Ollivier 2018, arXiv:1804.11188)."
    )
