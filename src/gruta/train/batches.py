"""The batches of a training, drawn as they are asked for or some steps ahead on a thread."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from gruta.nn.draws import drawing
from gruta.settings import TrainSettings
from gruta.train.lesson import Batch, Lesson
from gruta.train.seeds import draws_its_own, seed_of_batch

Draw = Callable[[int], Batch]


@contextmanager
def batches(lesson: Lesson, settings: TrainSettings) -> Iterator[Draw]:
    """What gives the batch of a step, asked for one after the other.

    A batch is a function of the seed and the step alone, so those drawn ahead are the same to the
    bit. A lesson that draws from torch's global generators is not asked on another thread.
    """
    if not draws_its_own(lesson):
        yield lesson.batch
        return

    def draw(step: int) -> Batch:
        with drawing(seed_of_batch(settings.seed, step)):
            return lesson.batch(step)

    if not settings.ahead:
        yield draw
        return
    with ThreadPoolExecutor(1, "gruta-batches") as pool:
        coming: deque[Future[Batch]] = deque()

        def wait_for(step: int) -> Batch:
            until = min(step + 1 + settings.ahead, settings.steps)
            for later in range(step + len(coming), until):
                coming.append(pool.submit(draw, later))
            return coming.popleft().result()

        try:
            yield wait_for
        finally:
            for future in coming:
                future.cancel()
