"""What payloads look like at rest in Temporal: compressed, and encrypted where keys are configured.

Encrypted, a payload is AES-256-GCM over the compressed original. The name of the form and the id of the key
stand beside it, readable, and are authenticated with it: neither can be exchanged without the payload being
refused.
"""

import base64
import binascii
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

ENCODING: Final = "encoding"
KEY_ID: Final = "encryption-key-id"
ENCRYPTED: Final = b"binary/encrypted"
COMPRESSED: Final = b"binary/zlib"
COMPRESS_ABOVE: Final = 32_768
"""Bytes. Without keys, what is shorter stays readable with any tool of Temporal's."""

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
"""Random for each payload: one key is good for some four thousand million of them."""
_LARGEST: Final = 16 * 2**20
"""Bytes a payload may have decompressed; Temporal takes less than that in one message."""
_ENTRY: Final = re.compile(r"([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]+={0,2})", re.ASCII)


class PayloadKeyError(Exception):
    """A payload cannot be decoded with the configured keys. The text names the key and holds no secret."""


@dataclass(frozen=True)
class KeyRing:
    """AES-256 keys by id: the first encrypts, every one decrypts."""

    keys: Mapping[str, AESGCM]

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read `ID:BASE64` entries, separated by commas or white space; the newest key first.

        Raises:
            ValueError: An entry has another form, a key is not 32 bytes long, or an id stands twice. The text
                holds no key.
        """
        keys: dict[str, AESGCM] = {}
        for number, entry in enumerate(re.split(r"[\s,]+", text.strip()), start=1):
            match = _ENTRY.fullmatch(entry)
            key = _unpacked(match[2]) if match else b""
            if match is None or len(key) != _KEY_BYTES:
                raise ValueError(f"entry {number} is not ID:KEY, where KEY is 32 random bytes in base64")
            if match[1] in keys:
                raise ValueError(f"the key id {match[1]} stands twice")
            keys[match[1]] = AESGCM(key)
        return cls(keys)

    def encrypt(self, plain: bytes) -> tuple[str, bytes]:
        """The id of the key that was used, and nonce and ciphertext."""
        key_id, key = next(iter(self.keys.items()))
        nonce = os.urandom(_NONCE_BYTES)
        return key_id, nonce + key.encrypt(nonce, plain, _bound(key_id))

    def decrypt(self, key_id: str, sealed: bytes) -> bytes:
        """The plain bytes.

        Raises:
            PayloadKeyError: The key is not on the ring, or the payload was altered.
        """
        key = self.keys.get(key_id)
        if key is None:
            raise PayloadKeyError(
                f"a payload is encrypted with the key {key_id!r}, which REGREEN_PAYLOAD_KEYS does not hold; "
                "add it again behind the others until nothing encrypted with it is left"
            )
        try:
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(key_id))
        except (InvalidTag, ValueError):
            raise PayloadKeyError(
                f"a payload does not fit the key {key_id!r}: it was altered, or another key has that id"
            ) from None


class Codec(PayloadCodec):
    """Compresses and, with keys, encrypts. What was stored before, in either form or in none, stays readable.

    Args:
        ring: The keys; None to compress only, and only what is long.
    """

    def __init__(self, ring: KeyRing | None = None) -> None:
        self._ring = ring

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads as they are stored."""
        return [self._encoded(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads as they were.

        Raises:
            PayloadKeyError: One is encrypted, and the keys do not open it; or it is not what it says.
        """
        return [self._decoded(payload) for payload in payloads]

    def _encoded(self, payload: Payload) -> Payload:
        if self._ring is not None:
            key_id, sealed = self._ring.encrypt(zlib.compress(payload.SerializeToString()))
            return Payload(metadata={ENCODING: ENCRYPTED, KEY_ID: key_id.encode()}, data=sealed)
        if payload.ByteSize() <= COMPRESS_ABOVE:
            return payload
        return Payload(metadata={ENCODING: COMPRESSED}, data=zlib.compress(payload.SerializeToString()))

    def _decoded(self, payload: Payload) -> Payload:
        encoding = payload.metadata.get(ENCODING)
        if encoding == ENCRYPTED:
            key_id = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
            ring = self._ring or KeyRing({})
            return _decompressed(ring.decrypt(key_id, payload.data))
        if encoding == COMPRESSED:
            return _decompressed(payload.data)
        return payload


def data_converter(ring: KeyRing | None = None) -> DataConverter:
    """How values become payloads: pydantic models as JSON, then the codec; with keys, failures' texts too."""
    converter = replace(pydantic_data_converter, payload_codec=Codec(ring))
    if ring is None:
        return converter
    return replace(converter, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


def _bound(key_id: str) -> bytes:
    return ENCRYPTED + b"\0" + key_id.encode()


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except binascii.Error:
        return b""


def _decompressed(data: bytes) -> Payload:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, _LARGEST)
        if not stream.eof:
            raise PayloadKeyError(f"a payload is longer than {_LARGEST} bytes, or cut off")
        return Payload.FromString(plain)
    except (zlib.error, DecodeError) as error:
        raise PayloadKeyError("a payload's compressed form cannot be read") from error
