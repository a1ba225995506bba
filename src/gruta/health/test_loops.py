"""Other people's loops, with the packages themselves; what README.md tells is run as it stands."""

import logging
import pickle
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gruta.health import Clipper, watch

SIZE = 100.0
STEPS = 6

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:::{package}.*")
    for package in ("lightning", "lightning_fabric", "lightning_utilities", "torchmetrics")
]


def package(name):
    """A package of the extra `loops`, or a skipped test."""
    why = f"{name} is not installed: pip install 'gruta[loops]' brings it"
    return pytest.importorskip(name, reason=why)


def recipe(loop, **given):
    """Run what README.md tells for a loop; the names that it leaves."""
    text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"^\*\*{loop}\.\*\*.*?^```python\n(.*?)^```", text, re.M | re.S)
    names = dict(given)
    exec(compile(code, f"README.md, {loop}", "exec"), names)
    return names


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.GRU(2, 4, batch_first=True)
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def sequences():
    torch.manual_seed(1)
    return torch.rand(4 * STEPS, 7, 2), SIZE * torch.rand(4 * STEPS, 1)


def batches():
    return DataLoader(TensorDataset(*sequences()), batch_size=4)


def mse(y, target):
    return (y - target).square().mean()


def sgd(model, **options):
    return torch.optim.SGD(model.parameters(), 0.1, **options)


def by_hand(threshold=1.0, accumulate=1, epochs=1):
    """The weights after a loop of the plainest kind, clipped by torch."""
    model = Model()
    optimizer = sgd(model)
    for _ in range(epochs):
        for k, (x, y) in enumerate(batches(), 1):
            (mse(model(x), y) / accumulate).backward()
            if k % accumulate == 0:
                nn.utils.clip_grad_norm_(model.parameters(), threshold)
                optimizer.step()
                optimizer.zero_grad()
    return flat(model)


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def assert_same(model, expected, tolerance=1e-5):
    torch.testing.assert_close(flat(model), expected, rtol=tolerance, atol=tolerance)


# ---- Lightning


QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def lightning_module(by_hand=False, **options):
    """A module whose loss is a method that calls the layers itself."""
    L = package("lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = Model()
            self.layer, self.head = self.model.layer, self.model.head
            self.automatic_optimization = not by_hand

        def training_step(self, batch, k):
            x, y = batch
            loss = mse(self.head(self.layer(x)[0][:, -1]), y)
            if by_hand:
                optimizer = self.optimizers()
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
            return loss

        def configure_optimizers(self):
            return sgd(self, **options)

    return L, Module()


def test_recipe_for_lightning(tmp_path, monkeypatch):
    L, module = lightning_module()
    monkeypatch.chdir(tmp_path)
    trainer = L.Trainer(max_epochs=2, **QUIET)
    names = recipe("Lightning", module=module, batches=batches(), trainer=trainer)
    assert_same(module.model, by_hand(epochs=2))
    assert (names["clipper"].steps, names["clipper"].clipped_share) == (2 * STEPS, 1.0)
    assert [record["step"] for record in names["watching"].records] == [0]
    trainer.fit_loop.max_epochs = 3
    trainer.fit(module, batches())
    assert names["clipper"].steps == 3 * STEPS


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("loop", ["plain", "accumulating", "by hand", "bf16", "scaled"])
def test_lightning_in_its_usual_forms(loop, fused):
    L, module = lightning_module(by_hand=loop == "by hand", fused=fused)
    options = {"accumulating": {"accumulate_grad_batches": 3}, "bf16": {"precision": "bf16-mixed"}}
    more = dict(options.get(loop, {}))
    if loop == "scaled":
        from lightning.pytorch.plugins.precision import MixedPrecision

        scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
        more["plugins"] = [MixedPrecision("16-mixed", "cpu", scaler)]
    clipper = Clipper("norm", 1.0)

    class Clip(L.Callback):
        def on_train_start(self, trainer, module):
            clipper.attach(module.optimizers(), module)

    with watch(module, every=2) as watching:
        L.Trainer(max_epochs=1, callbacks=[Clip()], **QUIET, **more).fit(module, batches())
    accumulate = more.get("accumulate_grad_batches", 1)
    low = loop in ("bf16", "scaled")
    assert_same(module.model, by_hand(accumulate=accumulate), 2e-2 if low else 1e-5)
    assert clipper.steps == STEPS // accumulate
    assert clipper.norms[0] > 10
    assert [record["step"] for record in watching.records] == [0, 2, 4]


def test_clipping_where_lightning_itself_clips_is_no_alarm():
    L, module = lightning_module()
    clipper = module.clipper = Clipper("norm", 1.0)

    def configure(optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        clipper(module.model)

    module.configure_gradient_clipping = configure
    L.Trainer(max_epochs=2, accumulate_grad_batches=3, **QUIET).fit(module, batches())
    assert_same(module.model, by_hand(accumulate=3, epochs=2))


def test_fabric():
    L = package("lightning")
    fabric = L.Fabric(accelerator="cpu", devices=1)
    inner = Model()
    model, optimizer = fabric.setup(inner, sgd(inner))
    clipper = Clipper("norm", 1.0)
    clipper.attach(optimizer, model)
    with watch(inner, every=1) as watching:
        for x, y in batches():
            fabric.backward(mse(model(x), y))
            optimizer.step()
            optimizer.zero_grad()
    assert_same(inner, by_hand())
    assert (clipper.steps, len(watching.records)) == (STEPS, STEPS)


# ---- skorch


def skorch_net(**options):
    skorch = package("skorch")
    more = {"optimizer": torch.optim.SGD, "lr": 0.1, "batch_size": 4, "train_split": None}
    return skorch.NeuralNetRegressor(Model, max_epochs=1, verbose=0, **more, **options)


def test_recipe_for_skorch(monkeypatch):
    package("skorch")
    x, y = sequences()
    names = recipe("skorch", make_net=skorch_net, X=x, y=y)
    net, clipper = names["net"], names["clipper"]
    assert_same(net.module_, by_hand())
    net.partial_fit(x, y)
    assert_same(net.module_, by_hand(epochs=2))
    assert (clipper.steps, clipper.clipped_share) == (2 * STEPS, 1.0)
    monkeypatch.setattr(names["Clip"], "__module__", __name__)  # where pickle looks for a class
    monkeypatch.setitem(globals(), "Clip", names["Clip"])
    other = pickle.loads(pickle.dumps(net))  # noqa: S301
    other.partial_fit(x, y)
    assert_same(other.module_, by_hand(epochs=3))
    assert clipper.steps == 2 * STEPS


def test_clipping_where_skorch_calls_back_is_no_alarm():
    clipper = Clipper("norm", 1.0)
    skorch = package("skorch")

    class Clip(skorch.callbacks.Callback):
        def on_grad_computed(self, net, named_parameters, **more):
            clipper(named_parameters)

    net = skorch_net(callbacks=[Clip()])
    net.fit(*sequences())
    assert_same(net.module_, by_hand())
    assert clipper.steps == STEPS


# ---- accelerate


@pytest.mark.parametrize("accumulate", [1, 3])
def test_recipe_for_accelerate(accumulate):
    from accelerate import Accelerator

    model = Model()
    names = recipe(
        "accelerate",
        accelerator=Accelerator(cpu=True, gradient_accumulation_steps=accumulate),
        model=model,
        optimizer=sgd(model),
        batches=batches(),
        loss_of=mse,
    )
    assert_same(model, by_hand(accumulate=accumulate))
    assert names["clipper"].steps == STEPS // accumulate


# ---- Hugging Face's Trainer


class Answers(Model):
    """A model of the Trainer's kind: it computes its loss itself."""

    def forward(self, x, labels=None):
        y = super().forward(x)
        return {"loss": mse(y, labels), "logits": y}


@pytest.mark.parametrize("accumulate", [1, 2])
def test_recipe_for_transformers(tmp_path, accumulate):
    transformers = package("transformers")
    model = Answers()
    names = recipe(
        "transformers",
        model=model,
        dataset=[{"x": x, "labels": y} for x, y in zip(*sequences(), strict=True)],
        options={
            "output_dir": tmp_path,
            "use_cpu": True,
            "per_device_train_batch_size": 4,
            "num_train_epochs": 1,
            "gradient_accumulation_steps": accumulate,
            "report_to": [],
            "save_strategy": "no",
            "logging_strategy": "no",
            "disable_tqdm": True,
        },
    )
    assert isinstance(names["trainer"], transformers.Trainer)
    assert names["clipper"].steps == STEPS // accumulate
    assert names["clipper"].norms[0] > 10  # it did not clip before us
    assert names["clipper"].last.norm_after == 1.0
