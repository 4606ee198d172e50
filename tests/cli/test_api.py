"""Conversations with an API over real TLS on loopback, and what each fault is called."""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from mika.cli import api
from mika.cli.api import ApiError, converse_on, read_answer, segment, trust_of
from mika.cli.command import InputError
from mika.cli.place import Place

from .certificates import make_certificate
