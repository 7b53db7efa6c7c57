"""What a running starter and running workers expose, scraped; and what they send, received."""

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
