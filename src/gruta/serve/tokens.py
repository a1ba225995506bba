"""Snapshots of streams as texts that only a server with the same key can have made.

A token is the state of a stream (`Stream.to_bytes`), packed, and signed by HMAC with SHA-256. It is
signed, not hidden: who has it can read what the stream has read. It says which weights it is of, so
it is good wherever these are, and has no end of its own but the key's: clocks have no part in it.
"""

import base64
import binascii
import hashlib
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path

from itsdangerous import BadSignature, Signer

from gruta.errors import InputError
from gruta.locale import translate as _

LEAST = 16
"""Letters of a key or a token."""

MOST = 2**26
"""Bytes of a state."""


class Tokens:
    """keys: the first signs, all are good for reading."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._signer = Signer(
            [key.encode() for key in reversed(keys)],  # the last of these signs
            salt=b"gruta-stream",
            sep=b".",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    @classmethod
    def of(cls, path: str) -> "Tokens":
        """Of a file with a key a line; of none, a key of this process alone."""
        return cls(lines(path, "key_file") if path else [secrets.token_urlsafe(32)])

    def made(self, state: bytes) -> str:
        """Of a stream's state."""
        packed = base64.urlsafe_b64encode(zlib.compress(state, 1)).rstrip(b"=")
        return self._signer.sign(packed).decode()

    def state(self, token: str) -> bytes:
        """Of a token; InputError for one that no server with such a key has made."""
        try:
            packed = self._signer.unsign(token)
            raw = base64.urlsafe_b64decode(packed + b"=" * (-len(packed) % 4))
            return zlib.decompressobj().decompress(raw, MOST)
        except (BadSignature, binascii.Error, UnicodeError, zlib.error):
            problem = _("not made by a server with this key, or changed since; begin anew")
            raise InputError(resume=problem) from None


def lines(path: str, setting: str) -> list[str]:
    """Of a file of secrets; InputError where there are none, or one is short enough to guess."""
    try:
        found = Path(path).read_text("utf-8").split()
    except (OSError, UnicodeError) as error:
        problem = _("{path}: cannot be read ({error})").format(path=path, error=error)
        raise InputError(**{setting: problem}) from error
    if not found or any(len(one) < LEAST for one in found):
        problem = _(
            "{path}: expected a line of {least} letters or more, such as openssl rand -hex 32 makes"
        )
        raise InputError(**{setting: problem.format(path=path, least=LEAST)})
    return found
