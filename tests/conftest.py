"""What holds for all tests: how slow the machine is proves nothing."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that several processes end at about the same time."""
    items.sort(key=lambda item: "/e2e/" not in item.path.as_posix())
