from localhub import LocalHub
from tests.localhub.probes import REPOSITORY, Api

UPLOAD = "/v2/acme/widgets/blobs/uploads/"
PUBLISH = """\
name: Publish
on: push
{permissions}jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - env:
          TOKEN: ${{{{ secrets.GITHUB_TOKEN }}}}
        run: >
          curl --silent --show-error --fail-with-body --request POST --header "Authorization: Bearer $TOKEN"
          "$GITHUB_SERVER_URL/v2/$GITHUB_REPOSITORY/blobs/uploads/"
"""


async def test_a_run_may_publish_a_package_only_with_that_permission(hub: LocalHub, api: Api) -> None:
    path = ".github/workflows/ci.yml"
    red = await hub.commit(REPOSITORY, "main", {path: PUBLISH.format(permissions="")}, "Publish")
    granted = "permissions:\n  contents: read\n  packages: write\n"
    green = await hub.commit(REPOSITORY, "main", {path: PUBLISH.format(permissions=granted)}, "Permit it")
    await hub.idle()
    refused, allowed = await api.run_of(red), await api.run_of(green)
    (job,) = await api.jobs_of(refused)
    assert "permission_denied: write_package" in await api.log_of(job)
    assert (refused["conclusion"], allowed["conclusion"]) == ("failure", "success")
    assert hub.repository(REPOSITORY).packages == {"widgets"}


async def test_uploads_answer_as_githubs_registry_does(hub: LocalHub, api: Api) -> None:
    writer = {"Authorization": f"Bearer {hub.add_token('dev', {'packages': 'write'})}"}
    reader = {"Authorization": f"Bearer {hub.add_token('dev', {'packages': 'read'})}"}
    wrong = {"Authorization": "Bearer nonsense"}
    answer = await api.raw("POST", UPLOAD, headers=writer)
    assert (answer.status_code, answer.headers["location"][: len(UPLOAD)]) == (202, UPLOAD)
    denied = await api.call("POST", UPLOAD, status=403, headers=reader)
    assert denied == {"errors": [{"code": "DENIED", "message": "permission_denied: write_package"}]}
    assert (await api.call("POST", UPLOAD, status=401, headers=wrong))["errors"][0]["code"] == "UNAUTHORIZED"
    await api.call("GET", "/v2/", headers=reader)
    await api.call("GET", "/v2/", status=401, headers=wrong)
