"""Temporal behind TLS, reached by the standard settings alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from temporal_server import dev_server
from tls_front import NAME, Papers, make_papers, tls_front
from workflows.connection import TemporalUnreachableError, connect, register_search_attributes


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    with dev_server() as address:
        yield address


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch, papers: Papers) -> None:
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(papers.authority))
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", NAME)


def show_papers(monkeypatch: pytest.MonkeyPatch, papers: Papers) -> None:
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(papers.client))
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", str(papers.client_key))


async def test_mutual_tls_by_the_standard_settings(
    plain: str, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_papers(monkeypatch, papers)
    async with tls_front(plain, papers, mutual=True) as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        client = await connect()
        await register_search_attributes(client)

    assert client.service_client.config.target_host == address


async def test_without_a_client_s_certificate_the_server_does_not_answer(
    plain: str, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls_front(plain, papers, mutual=True) as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        monkeypatch.setenv("TEMPORAL_TLS", "true")
        with pytest.raises(TemporalUnreachableError):
            await connect()


async def test_a_server_by_another_authority_is_not_believed(
    plain: str, papers: Papers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    show_papers(monkeypatch, papers)
    stranger = make_papers(tmp_path)
    async with tls_front(plain, stranger, mutual=False) as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        with pytest.raises(TemporalUnreachableError):
            await connect()


async def test_an_api_key_switches_tls_on(
    plain: str, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls_front(plain, papers, mutual=False) as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        monkeypatch.setenv("TEMPORAL_API_KEY", "a-key")
        client = await connect()
        await register_search_attributes(client)

    assert client.service_client.config.api_key == "a-key"
