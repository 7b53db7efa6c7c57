import asyncio
import json
import sys
from pathlib import Path

import httpx2


async def test_the_command_says_where_it_is_and_ends_when_told(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    command = ["-m", "localhub", "--root", str(root), "--repository", "acme/widgets"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    async with httpx2.AsyncClient(base_url=told["url"], trust_env=False) as http:
        http.headers["Authorization"] = f"Bearer {told['token']}"
        found = (await http.get("/repos/acme/widgets")).json()
    assert found["permissions"]["admin"] is True
    process.terminate()
    assert await process.wait() == 0
    assert not root.exists()
