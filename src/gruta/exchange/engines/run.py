"""Files of ONNX or Keras run by an engine, in any Python that has it: nothing of gruta is imported.

    python run.py list
    python run.py ENGINE FOLDER...

`list` prints which engines are there, with their versions. A FOLDER holds model.txt, the path of a
file, and in0.npz, in1.npz, …, inputs by name; what the engine makes of each is written beside them
as out0.npz, …, in the order of the graph's outputs, or failed.txt says why there is none. The
environment's NODE_MODULES is where Node's packages are.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

Inputs = Mapping[str, Any]
Outputs = list[Any]
Run = Callable[[Path, Sequence[Inputs]], list[Outputs]]


def _onnxruntime(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [list(session.run(None, dict(one))) for one in given]


def _openvino(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [[np.array(found) for found in compiled(dict(one)).values()] for one in given]


def _tract(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import tract

    model = tract.onnx().load(path)
    names = [model.input_name(k) for k in range(model.input_count())]
    run = model.into_model().into_runnable()
    return [[found.to_numpy() for found in run.run([one[name] for name in names])] for one in given]


def _mnn(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import _tools  # the converter; MNN.tools around it tells a server what it converts
    import MNN

    inputs, outputs = _ends(path)
    with tempfile.TemporaryDirectory() as place:
        to = str(Path(place, "model.mnn"))
        said = ["--bizCode", "gruta", "-f", "ONNX", "--modelFile", str(path), "--MNNModel", to]
        _tools.mnnconvert(["MNNConvert", *said])
        net = MNN.nn.load_module_from_file(to, inputs, outputs)
    made = []
    for one in given:
        own = [_mnn_variable(one[name]) for name in inputs]
        made.append([np.array(found.read()) for found in net.forward(own)])
    return made


def _mnn_variable(array: Any) -> Any:
    import MNN

    kinds = {"f": MNN.expr.float, "i": MNN.expr.int}
    kind = kinds[array.dtype.kind]
    if array.dtype.kind == "i":  # its converter makes int64 of a file that too
        array = array.astype(np.int32)
    return MNN.expr.const(array, list(array.shape), MNN.expr.NCHW, kind)


def _ncnn(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import ncnn

    with tempfile.TemporaryDirectory() as place:
        param = _by_pnnx(path, Path(place)) if path.suffix == ".onnx" else path
        net = ncnn.Net()
        net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
        if net.load_param(str(param)) or net.load_model(str(param.with_suffix(".bin"))):
            raise RuntimeError("load_param")
    found = []
    for one in given:
        run = net.create_extractor()
        for name, array in zip(net.input_names(), one.values(), strict=True):
            run.input(name, ncnn.Mat(np.ascontiguousarray(array[:, 0])))  # it has no batch
        outputs = [np.array(run.extract(name)[1]) for name in net.output_names()]
        found.append([own[:, None] for own in outputs])
    return found


def _by_pnnx(path: Path, place: Path) -> Path:
    import pnnx

    (place / path.name).write_bytes(path.read_bytes())
    command = [pnnx.EXEC_PATH, path.name, "fp16=0"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    (made,) = place.glob("*.ncnn.param") if not done.returncode else [None]
    if made is None:
        raise RuntimeError(last(done.stderr, done.returncode))
    return made


def _iree(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import iree.compiler as compiler
    import iree.runtime as runtime

    with tempfile.TemporaryDirectory() as place:
        text = str(Path(place, "model.mlir"))
        command = [sys.executable, "-m", "iree.compiler.tools.import_onnx", str(path), "-o", text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(last(done.stderr, done.returncode))
        target = ["--iree-llvmcpu-target-cpu=host"]
        made = compiler.compile_file(text, target_backends=["llvm-cpu"], extra_args=target)
    config = runtime.Config("local-task")
    loaded = runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, made), config)
    own = [one for one in loaded.vm_module.function_names if not one.startswith("__")]
    name = min(own, key=len)  # beside it lies the same for callers that do not wait
    names = _ends(path)[0]
    found = []
    for one in given:
        outputs = loaded[name](*(one[key] for key in names))
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        found.append([np.array(own.to_host()) for own in outputs])
    return found


def _tvm(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import onnx
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx

    module = from_onnx(onnx.load(path), keep_params_in_input=False)
    machine = relax.VirtualMachine(tvm.compile(module, target="llvm"), tvm.cpu())
    names, found = _ends(path)[0], []
    for one in given:
        outputs = machine["main"](*(tvm.runtime.tensor(one[key]) for key in names))
        outputs = [outputs] if hasattr(outputs, "numpy") else list(outputs)
        found.append([own.numpy() for own in outputs])
    return found


def _onnx2tf(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import onnx2tf
    from ai_edge_litert.interpreter import Interpreter

    names, outputs = _ends(path)
    with tempfile.TemporaryDirectory() as place:
        onnx2tf.convert(
            input_onnx_file_path=str(path),
            output_folder_path=place,
            keep_shape_absolutely_input_names=names,
            non_verbose=True,
        )
        (file,) = Path(place).glob("*_float32.tflite")
        interpreter = Interpreter(model_content=file.read_bytes())
    runner = interpreter.get_signature_runner()
    found = []
    for one in given:
        made = runner(**one)
        found.append([made[name] for name in outputs])
    return found


def _reference(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    import onnx
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(onnx.load(path))
    return [list(evaluator.run(None, dict(one))) for one in given]


def _onnxruntime_web(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    said = {"onnx": str(path), "outputs": _ends(path)[1]}
    return _by_node(said, given)


def _tensorflow_js(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    layers = [one for one in _keras(path).layers if type(one).__name__ != "InputLayer"]
    masks = [one.mask_value for one in layers if type(one).__name__ == "Masking"]
    own = [one for one in layers if type(one).__name__ != "Masking"]
    told = [{"kind": type(one).__name__, "config": one.get_config()} for one in own]
    for one, layer in zip(told, own, strict=True):
        one["weights"] = [_as_json(w) for w in layer.get_weights()]
    return _by_node({"keras": {"layers": told, "masks": masks}}, given)


def _hls4ml(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    model = _keras(path)
    import hls4ml

    wide = "ap_fixed<32,8>"
    how = hls4ml.utils.config_from_keras_model(model, granularity="name", default_precision=wide)
    with tempfile.TemporaryDirectory() as place:
        made = hls4ml.converters.convert_from_keras_model(
            model, hls_config=how, output_dir=place, backend="Vivado"
        )
        made.compile()
        own = [[np.ascontiguousarray(one[name]) for name in one] for one in given]
        found = [made.predict(one if len(one) > 1 else one[0]) for one in own]
    shape = model.output_shape[1:]
    return [[own.reshape(-1, *shape)] for own in found]


def _keras_export_torch(path: Path, given: Sequence[Inputs]) -> list[Outputs]:
    model = _keras(path)
    import onnxruntime

    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "model.onnx")
        model(list(given[0].values()))  # one that was never called is not exported
        model.export(file, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return [list(session.run(None, dict(zip(names, one.values(), strict=True)))) for one in given]


def _keras(path: Path) -> Any:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    return keras.models.load_model(path)


def _by_node(said: Mapping[str, Any], given: Sequence[Inputs]) -> list[Outputs]:
    inputs = [{name: _as_json(a) for name, a in one.items()} for one in given]
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps({**said, "given": inputs}).encode())
        file.seek(0)
        done = subprocess.run(
            ["node", Path(__file__).with_suffix(".js")],
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"NODE_PATH": os.environ["NODE_MODULES"]},
        )
    if done.returncode:
        raise RuntimeError(next(iter(done.stderr.strip().splitlines()), str(done.returncode)))
    answers = json.loads(done.stdout)
    return [[np.array(o["data"], o["type"]).reshape(o["dims"]) for o in a] for a in answers]


def _as_json(array: Any) -> Any:
    return {
        "type": str(array.dtype),
        "dims": list(array.shape),
        # JSON has no NaN and no infinity: they go, and come back, as texts.
        "data": [v if math.isfinite(v) else json.dumps(v) for v in array.reshape(-1).tolist()],
    }


def last(said: str, code: int) -> str:
    """What a process said last, or its code where it said nothing."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else str(code)


def _ends(path: Path) -> tuple[list[str], list[str]]:
    """The names of the graph's inputs, less those that the file holds, and of its outputs."""
    import onnx

    graph = onnx.load(path).graph
    held = {one.name for one in graph.initializer}
    inputs = [one.name for one in graph.input if one.name not in held]
    return inputs, [one.name for one in graph.output]


@dataclass(frozen=True)
class Runner:
    """run: a file on several inputs; module: what is imported, of Node's none; package: whose."""

    run: Run
    module: str
    package: str


RUNNERS = {
    "onnxruntime": Runner(_onnxruntime, "onnxruntime", "onnxruntime"),
    "onnxruntime-web": Runner(_onnxruntime_web, "", "onnxruntime-web"),
    "openvino": Runner(_openvino, "openvino", "openvino"),
    "tract": Runner(_tract, "tract", "tract"),
    "MNN": Runner(_mnn, "MNN", "MNN"),
    "ncnn": Runner(_ncnn, "ncnn", "ncnn"),
    "TVM": Runner(_tvm, "tvm", "apache-tvm"),
    "IREE": Runner(_iree, "iree", "iree-base-compiler"),
    "onnx2tf": Runner(_onnx2tf, "onnx2tf", "onnx2tf"),
    "onnx.reference": Runner(_reference, "onnx", "onnx"),
    "TensorFlow.js": Runner(_tensorflow_js, "", "@tensorflow/tfjs"),
    "hls4ml": Runner(_hls4ml, "hls4ml", "hls4ml"),
    "keras-export-torch": Runner(_keras_export_torch, "keras", "keras"),
}


def found() -> dict[str, str]:
    """The engines that are here, each with its version: ? where its package does not tell."""
    there = {}
    for name, one in RUNNERS.items():
        about = Path(os.environ.get("NODE_MODULES", os.devnull), one.package, "package.json")
        if find_spec(one.module) if one.module else about.is_file():
            there[name] = _version(one, about)
    return there


def _version(runner: Runner, about: Path) -> str:
    try:
        if runner.module:
            return version(runner.package)
        return str(json.loads(about.read_text())["version"])
    except (PackageNotFoundError, KeyError, ValueError):  # onnxruntime-gpu is called otherwise
        return "?"


def run(engine: str, folder: Path) -> None:
    """Write what the engine makes of the model in a folder."""
    compute = RUNNERS[engine].run
    count = len(list(folder.glob("in*.npz")))
    given = [dict(np.load(folder / f"in{k}.npz")) for k in range(count)]
    try:
        made = compute(Path((folder / "model.txt").read_text()), given)
    except Exception as error:  # whatever an engine says
        lines = [line.strip() for line in f"{type(error).__name__}: {error}".splitlines()]
        (folder / "failed.txt").write_text("\n".join(line for line in lines if line))
        return
    for k, outputs in enumerate(made):
        np.savez(folder / "part.npz", *outputs)
        (folder / "part.npz").replace(folder / f"out{k}.npz")  # whole, whenever the process ends


def main(command: str, *folders: str) -> None:
    """As the module says."""
    if command == "list":
        sys.stdout.write(json.dumps(found()) + "\n")
    for folder in folders:
        run(command, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
