"""`gruta serve`: model files behind a port."""

from typing import Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_settings
from gruta.extras import need
from gruta.locale import translate as _
from gruta.serve.settings import ServeSettings
from gruta.settings import resolve

serve_app = Commands()


@serve_app.command(
    help=_(
        "Answer for model files over HTTP and WebSockets: whole inputs, and streams whose steps "
        "are computed together. What is sent and answered: src/gruta/serve/README.md."
    )
)
@with_settings(ServeSettings)
def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL.gruta...",
            help=_("Model files, as gruta export writes them; NAME=FILE gives one a name."),
            show_default=False,
        ),
    ],
    *,
    given: dict[str, Any],
) -> None:
    """Answer until Ctrl-C or SIGTERM."""
    settings = resolve(ServeSettings, given)
    need("starlette", "uvicorn", "websockets", "itsdangerous", "prometheus_client")
    if settings.traces:
        need("opentelemetry")
    if settings.grpc_port:
        need("grpc", "tritonclient")
    from gruta.serve.models import Models
    from gruta.serve.server import serve as run

    run(Models.of(models), settings, lambda told: print(told, flush=True))
