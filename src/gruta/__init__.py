"""gruta: gated recurrent networks, trained, seen from inside, and put to work.

`gruta.nn` holds the layers; `gruta.Clipper` clips gradients, `gruta.watch` looks on while a model
trains, and `gruta.xray` looks into one; `gruta.Forecaster`, `gruta.Classifier`,
`gruta.TextGenerator`, `gruta.MusicGenerator`, `gruta.Translator`, `gruta.Transcriber`,
`gruta.Speaker`, `gruta.Vocoder` and `gruta.Captioner` are ready for work. Importing gruta loads no
PyTorch: public names are resolved on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gruta.extras import remedy

if TYPE_CHECKING:
    from gruta import nn
    from gruta.errors import InputError
    from gruta.health import Clipper, watch
    from gruta.insight import xray
    from gruta.tasks.caption import Captioner
    from gruta.tasks.classify import Classifier
    from gruta.tasks.forecast import Forecaster
    from gruta.tasks.generate import MusicGenerator, TextGenerator
    from gruta.tasks.models import load, loads
    from gruta.tasks.speak import Speaker
    from gruta.tasks.transcribe import Transcriber
    from gruta.tasks.translate import Translator
    from gruta.tasks.vocode import Vocoder

__all__ = [
    "Captioner",
    "Classifier",
    "Clipper",
    "Forecaster",
    "InputError",
    "MusicGenerator",
    "Speaker",
    "TextGenerator",
    "Transcriber",
    "Translator",
    "Vocoder",
    "load",
    "loads",
    "nn",
    "watch",
    "xray",
]

_HOMES = {
    "Captioner": "gruta.tasks.caption",
    "Classifier": "gruta.tasks.classify",
    "Clipper": "gruta.health",
    "Forecaster": "gruta.tasks.forecast",
    "InputError": "gruta.errors",
    "MusicGenerator": "gruta.tasks.generate",
    "Speaker": "gruta.tasks.speak",
    "TextGenerator": "gruta.tasks.generate",
    "Transcriber": "gruta.tasks.transcribe",
    "Translator": "gruta.tasks.translate",
    "Vocoder": "gruta.tasks.vocode",
    "load": "gruta.tasks.models",
    "loads": "gruta.tasks.models",
    "nn": "gruta.nn",
    "watch": "gruta.health",
    "xray": "gruta.insight",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata  # it loads as much as the rest of this room

        return metadata.version("gruta")
    if name not in _HOMES:
        raise AttributeError(f"module 'gruta' has no attribute {name!r}")
    try:
        home = import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        raise ImportError(remedy(error) or str(error)) from error
    return home if name == "nn" else getattr(home, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
