"""A stream that is cut, at every byte: what came is kept, the ending is named, nothing is invented."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from notebook_stream import api
from notebook_stream.answering import Answer
from notebook_stream.errors import ClaudeError
from notebook_stream.options import Options
from notebook_stream.replay import Recording
from notebook_stream.reply import Draft

from ..streams import BETA, CORPUS, STREAMS, events, refused

SIZE = 6000
OWN = {**STREAMS, **BETA}
SMALL = sorted((p for p in CORPUS if p.stat().st_size < SIZE), key=lambda p: -p.stat().st_size)
STREAMS_TO_CUT = {**OWN, **{path.stem: path.read_bytes() for path in SMALL[:10]}}
