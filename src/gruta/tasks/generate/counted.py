"""What is counted beside a language model: the n-grams of what it learned from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.mixture import Mixture
from gruta.codec.text.ngram import MOST_COUNTED, best
from gruta.codec.text.units import Units
from gruta.tasks.generate.head import GenerateHead
from gruta.tasks.generate.lesson import GenerateLesson


def counted(lesson: GenerateLesson, codec: Units) -> dict[str, NDArray[Any]]:
    """Of the order, and the share beside the network, that the validation part likes best."""
    weights = {name: w.cpu().numpy() for name, w in lesson.model.state_dict().items()}
    head = GenerateHead(weights, codec.size, lesson.settings)
    found = best([lesson.train[-MOST_COUNTED:]], codec.size, [lesson.validation])
    likely = np.exp(-head.network_nats(lesson.validation))
    return Mixture.likeliest(found, likely, lesson.validation).to_arrays()
