"""Clipping where several processes train together, each with the whole model or a part of it."""

import subprocess
import sys
import textwrap


def in_two_processes(tmp_path, work):
    """Run `work`, the body of a function of the rank that shares a process group with another."""
    script = tmp_path / "train.py"
    script.write_text(
        textwrap.dedent(
            """
            import math, os, sys, torch, torch.distributed as dist
            from torch import nn
            from gruta.health import Clipper

            def work(rank, store):
                dist.init_process_group("gloo", store, world_size=2, rank=rank)
                check(rank)
                dist.barrier()
                os._exit(0)  # gloo may abort a process that takes its group down after the other

            """
        )
        + textwrap.dedent(work)
        + textwrap.dedent(
            """
            if __name__ == "__main__":
                torch.multiprocessing.spawn(work, args=(f"file://{sys.argv[1]}",), nprocs=2)
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_processes_that_train_together_agree(tmp_path):
    in_two_processes(
        tmp_path,
        """
        def check(rank):
            torch.manual_seed(0)
            model = nn.Linear(3, 1)
            both = nn.parallel.DistributedDataParallel(model)
            clipper = Clipper("norm", 0.5)
            both(torch.full((2, 3), 1.0 + rank)).sum().backward()
            seen = clipper(model)
            told = [seen.norm_before, seen.norm_after, float(model.weight.grad.norm())]
            loss = torch.tensor(math.nan if rank == 1 else 1.0)
            model.weight.grad.fill_(1.0)
            told.append(clipper(model, loss).nonfinite is not None)
            told.append(model.weight.grad is None)
            found = [None, None]
            dist.all_gather_object(found, told)
            assert found[0] == found[1], found
            assert found[0][3:] == [True, True] and found[0][1] == 0.5, found
        """,
    )


def test_gradient_spread_over_processes_is_clipped_as_the_whole(tmp_path):
    in_two_processes(
        tmp_path,
        """
        def model():
            torch.manual_seed(0)
            return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))

        def check(rank):
            from torch.distributed.device_mesh import init_device_mesh
            from torch.distributed.fsdp import fully_shard

            x = torch.arange(12.0).reshape(2, 2, 3)
            for mode, threshold in (("norm", 0.5), ("value", 0.3), ("layer", 0.4), ("agc", 0.01)):
                whole, parts = model(), model()
                fully_shard(parts, mesh=init_device_mesh("cpu", (2,)))
                whole(x.reshape(4, 3)).sum().div(2).backward()
                parts(x[rank]).sum().backward()
                expected, seen = Clipper(mode, threshold)(whole), Clipper(mode, threshold)(parts)
                for measure in ("norm_before", "norm_after", "coefficient", "cosine"):
                    a, b = getattr(seen, measure), getattr(expected, measure)
                    assert math.isclose(a, b, rel_tol=1e-6), (mode, measure, a, b)
                for own, other in zip(parts.parameters(), whole.parameters()):
                    torch.testing.assert_close(own.grad.full_tensor(), other.grad)
        """,
    )
