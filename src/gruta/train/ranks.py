"""The processes that train together: which one this is, and what they tell each other.

They are started by torchrun, accelerate, or what else sets RANK, WORLD_SIZE, MASTER_ADDR and
MASTER_PORT, and speak by torch.distributed over gloo. All that is told here is told in the same
order by all of them.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from gruta.errors import InputError, RankLost
from gruta.locale import translate as _
from gruta.train.beats import Beats, call_off
from gruta.train.progress import Interrupted

_PATIENCE = timedelta(milliseconds=200)
"""Between two looks whether somebody is lost, while waiting for the others."""

_FOREVER = timedelta(days=30)
"""The first may choose settings or validate for hours: not time tells a loss, but `Beats`."""


class Ranks:
    """This process among those that train together: `rank` of `size`, `local` on its machine."""

    def __init__(self, rank: int = 0, size: int = 1, local: int = 0) -> None:
        self.rank, self.size, self.local = rank, size, local
        self.beats: Beats | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that validates and writes the run."""
        return self.rank == 0

    def share(self, content: bytes = b"") -> bytes:
        """What the first process gives, in all of them."""
        if self.size == 1:
            return content
        size = torch.tensor([len(content)])
        self._wait(dist.broadcast(size, 0, async_op=True))
        raw = torch.zeros(int(size), dtype=torch.uint8)
        if self.first and content:
            raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        if len(raw):
            self._wait(dist.broadcast(raw, 0, async_op=True))
        return raw.numpy().tobytes()

    def all(self, own: bytes) -> list[bytes]:
        """What each process gives, in all of them, by rank."""
        if self.size == 1:
            return [own]
        sizes = [torch.zeros(1, dtype=torch.int64) for _rank in range(self.size)]
        self._wait(dist.all_gather(sizes, torch.tensor([len(own)]), async_op=True))
        most = max(1, *map(int, sizes))
        raw = torch.zeros(most, dtype=torch.uint8)
        raw[: len(own)] = torch.frombuffer(bytearray(own or b"\0"), dtype=torch.uint8)[: len(own)]
        found = [torch.zeros_like(raw) for _rank in range(self.size)]
        self._wait(dist.all_gather(found, raw, async_op=True))
        return [one[: int(n)].numpy().tobytes() for one, n in zip(found, sizes, strict=True)]

    def total(self, own: list[Tensor]) -> Tensor:
        """The sum of vectors `[N]` of which every process has as many, one after the other by rank;
        they are taken out of the list.

        Each number is summed in that order, whoever has which vector: each process sums a stretch
        of all vectors, and hands it out.
        """
        parts = own
        if self.size > 1:
            n, count = len(own[0]), len(own)
            stretch = -(-n // self.size)
            sent = torch.zeros(self.size, count, stretch, dtype=own[0].dtype)
            for i in range(count):
                vector = own.pop(0)
                whole = torch.zeros(self.size * stretch, dtype=vector.dtype)
                whole[:n] = vector
                sent[:, i] = whole.view(self.size, stretch)
            found = torch.empty_like(sent)
            self._wait(dist.all_to_all_single(found, sent, async_op=True))
            parts = list(found.view(-1, stretch))
        summed = parts[0].clone()
        for part in parts[1:]:
            summed += part
        if self.size == 1:
            return summed
        whole = torch.empty(self.size * stretch, dtype=summed.dtype)
        self._wait(dist.all_gather(list(whole.view(self.size, -1)), summed, async_op=True))
        return whole[:n]

    def first_said(self, name: str, value: str) -> str:
        """What one of these processes has said first under this name, be it before a launcher has
        started them anew; else the value.
        """
        return value if self.beats is None else self.beats.first_said(name, value)

    def require_alike(self, own: bytes) -> None:
        """InputError, in all of them, where one has something else here than the first."""
        every = self.all(own)
        others = [str(rank) for rank, found in enumerate(every) if found != every[0]]
        if others:
            problem = _(
                "process {ranks} of {size} reads other data, or was given other settings, than "
                "process 0; give all of them the same file and options"
            )
            raise InputError(problem.format(ranks=", ".join(others), size=self.size))

    def _wait(self, work: Any) -> None:
        """For what all take part in; RankLost where somebody does not any more."""
        while True:
            try:
                work.wait(_PATIENCE)
                return
            except RuntimeError:
                beats = self.beats
                assert beats is not None
                if work.is_completed():
                    with suppress(RuntimeError):  # it may have ended well just after it was left
                        work.wait(_PATIENCE)
                        return
                    beats.known()
                    told = beats.has_told(range(self.size), 1.0)  # the end of a connection
                    raise RankLost(_lost(self, beats.lost), told=told) from None
                if beats.lost is not None:
                    beats.known()
                    raise RankLost(_lost(self, beats.lost), told=beats.told) from None


ALONE = Ranks()
_current = ALONE


def current() -> Ranks:
    """This process among those that train together, inside `together`; else alone."""
    return _current


def started() -> bool:
    """Whether this process is one of several that a launcher has started; InputError where half of
    what a launcher says is there.
    """
    if "RANK" not in os.environ or os.environ.get("WORLD_SIZE", "1") in ("", "1"):
        return False
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        problem = _(
            "RANK and WORLD_SIZE say that this is one of several processes, but {names} is not "
            "set: start them by torchrun, or remove the two from the environment"
        )
        raise InputError(problem.format(names=", ".join(missing)))
    return True


_uses = 0


@contextmanager
def together(last_words: str = "") -> Iterator[Ranks]:
    """Trainings inside are each one training of all processes that torchrun or accelerate started.

    Each has the same data and settings, takes its share of every batch, and ends with the same
    result; the first writes the run. One process alone trains as ever. Where one is lost the others
    raise RankLost within ten seconds as they wait for it. last_words: one that is busy otherwise is
    ended then, with these on standard error, {message} among them; without any it is let be until
    it waits.
    """
    global _current, _uses
    if not started():
        yield ALONE
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    host, problem = _own_host(size) if rank == 0 else ("", "")
    _speak_where_the_first_is()
    _uses += 1
    ranks = Ranks(rank, size, int(os.environ.get("LOCAL_RANK") or 0))
    store, _rank, _size = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    name = f"gruta/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}/{_uses}"
    own = dist.PrefixStore(name, store)  # type: ignore[attr-defined]
    if problem:
        call_off(name, own)
        raise InputError(problem)
    beats = ranks.beats = Beats(name, rank, size, own, host)
    dist.init_process_group("gloo", store=own, rank=rank, world_size=size, timeout=_FOREVER)
    beats.start(last_words.replace("{message}", _unheard(ranks, "{lost}")))
    _current = ranks
    whole = False
    try:
        yield ranks
        whole = True
    except InputError as error:
        beats.known()
        told = ranks.first or not beats.has_told([0], 2.0)
        _current = ALONE
        beats.end(told)
        if not ranks.first:
            where = _("process {rank} of {size}").format(rank=rank, size=size)
            raise RankLost(f"{where}: {error}", told=not told) from None
        raise
    except Exception as error:
        beats.known()
        if not isinstance(error, RankLost | Interrupted) and not hasattr(error, "exit_code"):
            beats.fall()  # else all end alike
        raise
    finally:
        _current = ALONE
        beats.end(False)
        if whole:  # else it might wait for somebody who is lost
            dist.destroy_process_group()


def _lost(ranks: Ranks, lost: int | None) -> str:
    if lost is not None:
        return _unheard(ranks, str(lost))
    text = _("process {rank} of {size} stopped, as another one of this training has ended")
    return text.format(rank=ranks.rank, size=ranks.size)


def _unheard(ranks: Ranks, lost: str) -> str:
    text = _("process {rank} of {size} stopped, as nothing is heard of process {lost} any more")
    return text.format(rank=ranks.rank, size=ranks.size, lost=lost)


def _own_host(size: int) -> tuple[str, str]:
    """Where the first process is found by the others, and what speaks against that.

    A name of this machine may mean its loopback, as Debian writes it into /etc/hosts. What reached
    the meeting place by a loopback itself is on this machine.
    """
    named = os.environ.get("GLOO_SOCKET_IFNAME", "").partition(",")[0]
    if named and (found := _address_of(named)):
        return found, ""
    at = os.environ["MASTER_ADDR"]
    host = own_address(at) or "127.0.0.1"
    several = size > int(os.environ.get("LOCAL_WORLD_SIZE") or size)
    if not several or not host.startswith("127.") or at == "localhost" or at.startswith("127."):
        return host, ""
    problem = _(
        "MASTER_ADDR, {name}, is {host} on this machine, which no other one reaches; set "
        "GLOO_SOCKET_IFNAME to the interface that leads to the others, such as eth0"
    )
    return host, problem.format(name=at, host=host)


def _speak_where_the_first_is() -> None:
    """Let gloo listen on the network that leads to the first process, not where the machine's name
    points to; whoever has set GLOO_SOCKET_IFNAME knows better.
    """
    if "GLOO_SOCKET_IFNAME" in os.environ or not sys.platform.startswith("linux"):
        return
    address = own_address(os.environ["MASTER_ADDR"])
    for _index, name in socket.if_nameindex() if address else []:
        if _address_of(name) == address:
            os.environ["GLOO_SOCKET_IFNAME"] = name
            return


def _address_of(interface: str) -> str | None:
    """This machine's there, of IPv4; None where it has none, or the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        asked = struct.pack("256s", interface.encode()[:15])
        return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), 0x8915, asked)[20:24])  # SIOCGIFADDR
    return None


def own_address(host: str) -> str | None:
    """This machine's address on the network that leads to another; None where none does."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])
    return None
