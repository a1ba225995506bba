"""What happens, told to the standard error: a line an event, as text or JSON."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger("gruta.serve")


def event(name: str, level: int = logging.INFO, **facts: Any) -> None:
    """Tell that something happened, and what is known of it."""
    log.log(level, name, extra={"facts": facts})


class AsJson(logging.Formatter):
    """A JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """time, level, event, and what is known of it."""
        found: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if record.name != log.name:
            found["logger"] = record.name
        found |= getattr(record, "facts", {})
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, default=str)


class AsText(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, event, what is known of it."""
        facts = getattr(record, "facts", {})
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        told = [clock, record.getMessage(), *(f"{k}={v}" for k, v in facts.items())]
        if record.exc_info:
            told.append("\n" + self.formatException(record.exc_info))
        return " ".join(told)


def tell(form: str) -> None:
    """From now on, of this server and of what carries it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if form == "json" else AsText())
    for name, level in ((log.name, logging.INFO), ("uvicorn", logging.WARNING)):
        one = logging.getLogger(name)
        one.handlers, one.propagate = [handler], False
        one.setLevel(level)
