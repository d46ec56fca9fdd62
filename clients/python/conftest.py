"""The hub under test: KIPINA_URL says where it is, KIPINA_MODEL what it answers with."""

import json
import os
import time
import urllib.request

import openai
import pytest


@pytest.fixture(scope="session")
def hub_url() -> str:
    return os.environ["KIPINA_URL"].rstrip("/")


@pytest.fixture(scope="session")
def model() -> str:
    return os.environ["KIPINA_MODEL"]


@pytest.fixture
def client(hub_url: str) -> openai.OpenAI:
    # Without retries, so that each test sees the first answer.
    return openai.OpenAI(
        base_url=f"{hub_url}/v1", api_key="none", max_retries=0, timeout=120
    )


@pytest.fixture
def slots_are_free(hub_url: str):
    def wait(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"{hub_url}/api/stats") as response:
                stats = json.load(response)
            busy = sum(node["busy"] for node in stats["nodes"])
            if busy == 0 and stats["queue"] == {"waiting": 0, "running": 0}:
                return True
            time.sleep(0.05)
        return False

    return wait
