"""`regreen serve`, `worker` and `codec-server`: what runs until it is stopped."""

from starter.commands.running import log_to_stderr, run
from workflows.codec import Codec
from workflows.configuration import load
from workflows.connection import PayloadSettings


def serve_webhooks(host: str | None, port: int | None) -> None:
    """Run the webhook service until it is stopped."""
    from starter.app import serve  # noqa: PLC0415 — only the service needs what this imports
    from starter.settings import StarterSettings  # noqa: PLC0415 — likewise

    log_to_stderr()
    run(lambda: serve(load(StarterSettings, host=host, port=port)))


def serve_codec(host: str | None, port: int | None) -> None:
    """Run the codec server until it is stopped."""
    from starter.codec_server import CodecServerSettings, serve  # noqa: PLC0415 — only it needs what this imports

    log_to_stderr()
    run(lambda: serve(load(CodecServerSettings, host=host, port=port), Codec(load(PayloadSettings).ring())))


def run_worker(role: str | None) -> None:
    """Run a worker until it is stopped."""
    import worker  # noqa: PLC0415 — only the worker needs what this imports

    log_to_stderr()
    run(lambda: worker.run(load(worker.WorkerSettings, role=role)))
