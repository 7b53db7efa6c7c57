"""What a running starter and running workers expose, scraped; and what they send, received."""

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import chain

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from localhub.model_api.api import KEY, listening
from localhub.model_api.demo import REPAIR, play
from localhub.stage import Stage
from otlp_receiver import Received, receiving
from outcomes import BY_MODEL, CASES, SETTINGS, Play
from workflows.models import Outcome, RemediationResult

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
