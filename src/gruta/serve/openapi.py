"""What the server answers, as OpenAPI 3.1 has it: of each model that is served, by its name."""

from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from gruta.serve.models import Models, Slot

_REF = "#/components/schemas/{model}"


class Refusal(BaseModel):
    """code: a word for programs. message: a sentence, in the language of Accept-Language."""

    code: str
    message: str


class Error(BaseModel):
    """What is said of a question that is not answered."""

    error: Refusal


class About(BaseModel):
    """A model, and what a client has to know of it."""

    name: str
    task: str
    checksum: str
    weights: str
    units: dict[str, str]
    stream: bool
    about: dict[str, Any]


class List(BaseModel):
    """Those that are served."""

    models: list[About]


class State(BaseModel):
    """How the server is."""

    status: str = Field(examples=["alive", "ready", "stopping"])


def document(models: Models, version: str, *, token: bool) -> dict[str, Any]:
    """The whole, by the models that are there now."""
    paths: dict[str, Any] = {
        "/healthz": _path("get", "health", "Whether the process works", State, broken=True),
        "/readyz": _path("get", "readiness", "Whether it takes new streams", State, broken=True),
        "/v1/models": _path("get", "models", "All models", List),
    }
    for slot in models:
        about = f"What {slot.name} is"
        paths[f"/v1/{slot.name}"] = _path("get", f"{slot.name}.about", about, About)
        paths[f"/v1/{slot.name}/predict"] = _predict(slot)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "gruta serve", "version": version, "description": _ABOUT},
        "paths": paths,
    }
    kinds: set[type[BaseModel]] = {Error, State, List, About}
    for slot in models:
        kinds |= {slot.newest.served.question, slot.newest.served.reply}
    ordered = sorted(kinds, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
    wanted: list[Any] = [(kind, "validation") for kind in ordered]
    references, schemas = models_json_schema(wanted, ref_template=_REF)
    names = {kind: references[kind, "validation"]["$ref"] for kind in ordered}
    found["components"] = {"schemas": schemas["$defs"]}
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return _linked(found, names)  # type: ignore[no-any-return]


_ABOUT = (
    "Trained networks behind a port. Streams have a WebSocket each at /v1/MODEL/stream, which is "
    "no part of this document: src/gruta/serve/README.md describes its frames."
)


def _path(
    verb: str, name: str, told: str, reply: type[BaseModel], *, broken: bool = False
) -> dict[str, Any]:
    answers = {"200": _content(told, reply)} | _errors(401, 403)
    if broken:
        answers["503"] = _content("It is not.", reply)
    return {verb: {"operationId": name, "summary": told, "responses": answers}}


def _predict(slot: Slot) -> dict[str, Any]:
    served = slot.newest.served
    return {
        "post": {
            "operationId": f"{slot.name}.predict",
            "summary": f"Ask {slot.name}, of the task {slot.newest.model.task}",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": served.question}},
            },
            "responses": {"200": _content("Its answer", served.reply)}
            | _errors(400, 401, 403, 413, 415, 422, 500, 503),
        }
    }


_MEANING = {
    400: "The body is no JSON.",
    401: "The token is missing or wrong.",
    403: "Another name than the server's, or another site's page.",
    413: "The body is too large.",
    415: "The body is not called application/json.",
    422: "A field does not fit; the message names it.",
    500: "The server failed; its log tells more.",
    503: "Too many questions wait, or the server is to stop.",
}


def _errors(*codes: int) -> dict[str, Any]:
    return {str(code): _content(_MEANING[code], Error) for code in codes}


def _content(told: str, reply: type[BaseModel]) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": reply}}}


def _linked(found: Any, names: dict[Any, str]) -> Any:
    """The same, with a reference where a class stands."""
    if isinstance(found, dict):
        return {key: _linked(value, names) for key, value in found.items()}
    if isinstance(found, list):
        return [_linked(value, names) for value in found]
    return {"$ref": names[found]} if isinstance(found, type) else found
