"""`python -m localhub --root DIR --port N`: prints where it is and a token, serves until told to end."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from localhub.faults import Faults, FaultsError, read_faults
from localhub.server import LocalHub


def _faults(text: str) -> Faults:
    try:
        return read_faults(text)
    except FaultsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localhub", description="A GitHub on this machine.")
    parser.add_argument("--root", type=Path, required=True, help="folder for all files; removed at the end")
    parser.add_argument("--port", type=int, default=0, help="port of the API (default: any free one)")
    parser.add_argument(
        "--repository", action="append", default=[], metavar="OWNER/NAME", help="make it, empty"
    )
    parser.add_argument(
        "--faults", type=_faults, metavar="RULES", help="what goes wrong: rules or a file (docs/localhub.md)"
    )
    parser.add_argument("--login", default="octo", help="whose token is printed")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with LocalHub(arguments.root, port=arguments.port, faults=arguments.faults) as hub:
        for name in arguments.repository:
            await hub.create_repository(name, collaborators={arguments.login: "admin"})
        token = hub.add_token(arguments.login)
        sys.stdout.write(json.dumps({"url": hub.url, "token": token}) + "\n")
        sys.stdout.flush()
        await ending.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
