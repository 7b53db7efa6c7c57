"""The manifests, as kubectl's own kustomize builds them, against Kubernetes' and KEDA's schemas."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication
from pydantic_settings import BaseSettings
from ruamel.yaml import YAML

from activities.patching.seccomp import REFUSED
from starter.codec_server import CodecServerSettings
from starter.settings import StarterSettings
from worker import PATCHING_AT_ONCE, WorkerSettings
from workflows.configuration import load, variable
from workflows.connection import PayloadSettings
from workflows.naming import ANALYST_QUEUE

ROOT: Final = Path(__file__).parents[2]
MANIFESTS: Final = ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = ("small", "production")
COMPONENTS: Final = sorted(path.name for path in (MANIFESTS / "components").iterdir())
KUBERNETES: Final = "1.37"
BUILDS: Final = [
    *((overlay, ()) for overlay in OVERLAYS),
    ("small", ("temporal-cloud", "temporal-api-key")),
    ("production", ("temporal-cloud", "temporal-api-key", "keda-temporal-api-key")),
    ("production", ("temporal-mtls", "keda-temporal-mtls")),
]
SECRETS: Final = {
    "starter": {
        "regreen_webhook_secret",
        "regreen_webhook_secret_previous",
        "regreen_dashboard_token",
        "regreen_payload_keys",
    },
    "publisher": {"regreen_publisher_private_key", "regreen_notify_url", "regreen_payload_keys"},
    "analyst": {"regreen_reader_private_key", "anthropic_api_key", "regreen_payload_keys"},
    "codec-server": {"regreen_codec_token", "regreen_payload_keys"},
    "setup": set(),
}
"""Every file of a Secret that a pod gets, but for what opens Temporal to it."""
TEMPORAL_SECRETS: Final = {"temporal_api_key", "temporal_tls_crt", "temporal_tls_key", "temporal_tls_ca"}
SETTINGS: Final[dict[str, type[BaseSettings]]] = {
    "starter": StarterSettings,
    "publisher": WorkerSettings,
    "analyst": WorkerSettings,
    "codec-server": CodecServerSettings,
}

KEDA: Final[dict[str, Any]] = {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}

Manifest = dict[str, Any]


def kubectl(folder: Path) -> str:
    """What `kubectl kustomize` makes of a folder."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("kubectl")), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_built: dict[tuple[str, tuple[str, ...]], list[Manifest]] = {}


@pytest.fixture(params=BUILDS, ids=lambda build: "+".join((build[0], *build[1])))
def build(request: pytest.FixtureRequest, tmp_path: Path) -> list[Manifest]:
    """The resources of an overlay, with further components as a user's own overlay would add them."""
    overlay, components = request.param
    if request.param not in _built:
        # kustomize follows relative paths only
        up = Path(*[".."] * (len(tmp_path.resolve().parts) - 1), *MANIFESTS.resolve().parts[1:])
        own = {
            "resources": [str(up / "overlays" / overlay)],
            "components": [str(up / "components" / component) for component in components],
        }
        (tmp_path / "kustomization.yaml").write_text(json.dumps(own), encoding="utf-8")
        _built[request.param] = [each for each in YAML(typ="safe").load_all(kubectl(tmp_path)) if each]
    return _built[request.param]


def of_kind(build: list[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in build if each["kind"] in kinds]


def pods(build: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each pod template by its component."""
    for each in of_kind(build, "Deployment", "Job"):
        yield each["metadata"]["labels"]["app.kubernetes.io/component"], each["spec"]["template"]


def mounted(pod: Manifest) -> dict[str, set[str]]:
    """Name of each Secret that a pod refers to, and the keys that it gets of it."""
    found: dict[str, set[str]] = {}
    for volume in pod["spec"]["volumes"]:
        if "secret" in volume:
            keys = {item["key"] for item in volume["secret"]["items"]}
            found.setdefault(volume["secret"]["secretName"], set()).update(keys)
    for container in pod["spec"]["containers"]:
        assert not [each for each in container.get("envFrom", ()) if "secretRef" in each]
        for entry in container.get("env", ()):
            reference = entry.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                found.setdefault(reference["name"], set()).add(reference["key"])
    return found


def environment(build: list[Manifest], component: str) -> dict[str, str]:
    """What a component finds in its environment, by ConfigMaps and by value."""
    maps = {
        (each["metadata"]["namespace"], each["metadata"]["name"]): each["data"]
        for each in of_kind(build, "ConfigMap")
    }
    deployment = next(
        each
        for each in of_kind(build, "Deployment")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == component
    )
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= maps[deployment["metadata"]["namespace"], source["configMapRef"]["name"]]
    return found | {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}


# ── form ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_resource_is_valid_by_its_schema_and_has_no_field_that_the_schema_lacks(
    build: list[Manifest],
) -> None:
    for each in build:
        if each["apiVersion"] == "keda.sh/v1alpha1":
            read = KEDA[each["kind"]].model_validate(each)
            # the model drops what it does not know
            assert read.model_dump(by_alias=True, exclude_unset=True, mode="json") == each
        else:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_a_misspelt_field_is_found_out(build: list[Manifest]) -> None:
    [deployment, *_] = of_kind(build, "Deployment")
    template = deployment["spec"]["template"]
    wrong = {**template, "spec": {**template["spec"], "serviceAcountName": "x"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="serviceAcountName"):
        kubernetes_validate.validate(
            {**deployment, "spec": {**deployment["spec"], "template": wrong}}, KUBERNETES, strict=True
        )


def test_every_component_is_built_by_some_overlay_above() -> None:
    production = YAML(typ="safe").load(MANIFESTS / "overlays" / "production" / "kustomization.yaml")
    used = {Path(path).name for path in production["components"]}
    assert used | {name for _, names in BUILDS for name in names} == set(COMPONENTS)


def test_everything_lies_in_one_of_the_two_namespaces(build: list[Manifest]) -> None:
    namespaces = {each["metadata"]["name"] for each in of_kind(build, "Namespace")}
    assert namespaces == {"regreen", "regreen-analyst"}
    assert {each["metadata"].get("namespace") for each in build if each["kind"] != "Namespace"} == namespaces
    for component, pod in pods(build):
        own = "regreen-analyst" if component == "analyst" else "regreen"
        [deployed] = {
            each["metadata"]["namespace"]
            for each in of_kind(build, "Deployment", "Job")
            if each["spec"]["template"] is pod
        }
        assert deployed == own


def test_services_budgets_and_accounts_belong_to_pods_that_exist(build: list[Manifest]) -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods(build)]
    selectors = [each["spec"]["selector"] for each in of_kind(build, "Service")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind(build, "PodDisruptionBudget")]
    for selector in selectors:
        assert [each for each in labels if selector.items() <= each.items()]
    accounts = {each["metadata"]["name"] for each in of_kind(build, "ServiceAccount")}
    assert accounts == {
        each["spec"]["template"]["spec"]["serviceAccountName"] for each in of_kind(build, "Deployment")
    }


def test_no_image_is_left_without_a_registry_and_a_version(build: list[Manifest]) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    for component, pod in pods(build):
        [container] = pod["spec"]["containers"]
        image = {"codec-server": "starter", "setup": "starter"}.get(component, component)
        assert container["image"] == f"registry.example.com/regreen-{image}:{version[1]}"


# ── secrets and settings ────────────────────────────────────────────────────────────────────────────────────


def test_no_secret_is_among_the_manifests(build: list[Manifest]) -> None:
    assert not of_kind(build, "Secret")
    for each in of_kind(build, "ConfigMap"):
        assert not [name for name in each["data"] if re.search(r"(?i)secret|token|key|password", name)]


def test_each_pod_gets_its_own_secrets_and_nobody_else_s(build: list[Manifest]) -> None:
    for component, pod in pods(build):
        keys = mounted(pod)
        theirs = {"setup": "starter"}.get(component, component)
        assert keys.keys() <= {f"regreen-{theirs}"}
        assert set().union(*keys.values()) - TEMPORAL_SECRETS == SECRETS[component]


def test_every_secret_is_read_as_a_setting() -> None:
    every: tuple[type[BaseSettings], ...] = (*SETTINGS.values(), PayloadSettings)
    known = {variable(settings, field).lower() for settings in every for field in settings.model_fields}
    assert set().union(*SECRETS.values()) <= known


def test_every_variable_named_is_a_setting(build: list[Manifest]) -> None:
    for component, settings in SETTINGS.items():
        if component == "codec-server" and not [one for one, _ in pods(build) if one == component]:
            continue
        named = {name for name in environment(build, component) if name.startswith("REGREEN_")}
        assert named <= {variable(settings, field) for field in settings.model_fields}


@pytest.mark.parametrize("component", ["starter", "publisher", "analyst"])
def test_each_starts_with_what_the_manifests_give_it(
    component: str, build: list[Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "secrets"
    folder.mkdir()
    may_be_empty = {"regreen_payload_keys", "regreen_dashboard_token", "regreen_notify_url"}
    for name in SECRETS[component]:
        (folder / name).write_text("" if name in may_be_empty else "a secret\n", encoding="utf-8")
    for name, value in environment(build, component).items():
        monkeypatch.setenv(name, value)
    settings = load(SETTINGS[component], secrets_directory=folder)
    if isinstance(settings, WorkerSettings):
        assert settings.role == component
    assert load(PayloadSettings, secrets_directory=folder).ring() is None


# ── confinement ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_pod_is_restricted_but_for_what_the_sandbox_needs(build: list[Manifest]) -> None:
    for component, pod in pods(build):
        spec, context = pod["spec"], pod["spec"]["securityContext"]
        assert spec["automountServiceAccountToken"] is False
        assert not [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == 10001
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
        kinds = {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]}
        assert kinds <= {"secret", "emptyDir"}
        if component == "analyst":
            assert spec["hostUsers"] is False  # without it, the next line is refused by the API server
            assert spec["containers"][0]["securityContext"]["procMount"] == "Unmasked"
        else:
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert "procMount" not in spec["containers"][0]["securityContext"]


def test_the_cluster_itself_holds_all_but_the_analyst_to_that(build: list[Manifest]) -> None:
    enforced = {
        each["metadata"]["name"]: each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in of_kind(build, "Namespace")
    }
    assert enforced == {"regreen": "restricted", "regreen-analyst": "privileged"}


def test_the_analyst_s_profile_forbids_what_its_commands_are_refused_but_for_what_makes_the_sandbox() -> None:
    profile = json.loads((MANIFESTS / "seccomp" / "analyst.json").read_text(encoding="utf-8"))
    [rule] = profile["syscalls"]
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    assert rule["action"] == "SCMP_ACT_ERRNO"
    makes_it = {"mount", "umount2", "pivot_root", "unshare", "sethostname"}
    assert set(rule["names"]) == REFUSED.keys() - makes_it


def test_production_uses_the_profile(build: list[Manifest], request: pytest.FixtureRequest) -> None:
    [analyst] = [pod for component, pod in pods(build) if component == "analyst"]
    kind = analyst["spec"]["securityContext"]["seccompProfile"]["type"]
    assert kind == ("Localhost" if "[production" in request.node.name else "Unconfined")


# ── network ─────────────────────────────────────────────────────────────────────────────────────────────────


def policies_for(build: list[Manifest], component: str, direction: str) -> list[Manifest]:
    """The rules that hold for a component's pods; none at all where nothing is allowed."""
    [labels] = {
        json.dumps(pod["metadata"]["labels"], sort_keys=True) for one, pod in pods(build) if one == component
    }
    namespace = "regreen-analyst" if component == "analyst" else "regreen"
    rules = []
    closed = False
    for each in of_kind(build, "NetworkPolicy"):
        if each["metadata"]["namespace"] != namespace or not selects(each, json.loads(labels)):
            continue
        if direction in each["spec"]["policyTypes"]:
            closed = True
            rules += each["spec"].get(direction.lower(), [])
    assert closed, f"{component} is not held back"
    return rules


def selects(policy: Manifest, labels: dict[str, str]) -> bool:
    selector = policy["spec"]["podSelector"]
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def reached(rules: list[Manifest]) -> set[tuple[str, int]]:
    """Whom the rules let a pod reach: a namespace's name or a block of addresses, and the port."""
    found = set()
    for rule in rules:
        assert rule["to"]
        for peer in rule["to"]:
            where = (
                peer["ipBlock"]["cidr"]
                if "ipBlock" in peer
                else peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            )
            found |= {(where, port["port"]) for port in rule["ports"]}
    return found


def test_the_analyst_reaches_names_temporal_and_public_addresses_by_tls_only(
    build: list[Manifest], request: pytest.FixtureRequest
) -> None:
    cloud = "temporal-cloud" in request.node.name
    temporal = {("0.0.0.0/0", 7233), ("::/0", 7233)} if cloud else {("temporal", 7233)}
    public = {("0.0.0.0/0", 443), ("::/0", 443)}
    assert reached(policies_for(build, "analyst", "Egress")) == {("kube-system", 53)} | temporal | public
    assert policies_for(build, "analyst", "Ingress") == []


def test_nobody_else_reaches_more_than_needed(build: list[Manifest], request: pytest.FixtureRequest) -> None:
    cloud = "temporal-cloud" in request.node.name
    temporal = {("0.0.0.0/0", 7233), ("::/0", 7233)} if cloud else {("temporal", 7233)}
    public = {("0.0.0.0/0", 443), ("::/0", 443)}
    names = {("kube-system", 53)}
    expected = {
        "starter": names | temporal,
        "publisher": names | temporal | public,
        "setup": names | temporal,
        "codec-server": names,
    }
    for component, _ in pods(build):
        if component != "analyst":
            assert reached(policies_for(build, component, "Egress")) == expected[component]
    assert policies_for(build, "publisher", "Ingress") == []


def test_no_block_of_addresses_holds_a_private_network(build: list[Manifest]) -> None:
    blocks = [
        peer["ipBlock"]
        for policy in of_kind(build, "NetworkPolicy")
        for rule in policy["spec"].get("egress", ())
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    assert blocks
    for block in blocks:
        private = {"0.0.0.0/0": "169.254.0.0/16 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16", "::/0": "fc00::/7"}
        assert set(private[block["cidr"]].split()) <= set(block["except"])


def test_only_the_webhook_is_published(build: list[Manifest]) -> None:
    assert {each["spec"].get("type", "ClusterIP") for each in of_kind(build, "Service")} == {"ClusterIP"}
    for each in of_kind(build, "Ingress"):
        [rule] = each["spec"]["rules"]
        assert [(path["path"], path["pathType"]) for path in rule["http"]["paths"]] == [("/webhook", "Exact")]


# ── running it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_lasting_pod_says_whether_it_is_well(build: list[Manifest]) -> None:
    for each in of_kind(build, "Deployment"):
        [container] = each["spec"]["template"]["spec"]["containers"]
        assert {"livenessProbe", "readinessProbe"} <= container.keys()
        component = each["metadata"]["labels"]["app.kubernetes.io/component"]
        if component in {"publisher", "analyst"}:
            assert container["readinessProbe"]["exec"]["command"][-1] == component


def test_workers_get_the_time_that_running_activities_may_take(build: list[Manifest]) -> None:
    for component, pod in pods(build):
        if component in {"publisher", "analyst"}:
            assert pod["spec"]["terminationGracePeriodSeconds"] > 60


def test_analysts_follow_the_backlog_of_their_own_queue(build: list[Manifest]) -> None:
    for each in of_kind(build, "ScaledObject"):
        [trigger] = each["spec"]["triggers"]
        assert trigger["type"] == "temporal"
        metadata = trigger["metadata"]
        there = environment(build, "analyst")
        assert (metadata["endpoint"], metadata["namespace"]) == (
            there["TEMPORAL_ADDRESS"],
            there["TEMPORAL_NAMESPACE"],
        )
        assert metadata["taskQueue"] == ANALYST_QUEUE
        assert metadata["queueTypes"] == "activity"
        assert metadata["targetQueueSize"] == str(PATCHING_AT_ONCE)
        assert each["spec"]["minReplicaCount"] >= 1
    [analyst] = [
        one
        for one in of_kind(build, "Deployment")
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == "analyst"
    ]
    assert "replicas" not in analyst["spec"]


def test_writes_to_github_come_from_one_process_of_each_build(build: list[Manifest]) -> None:
    for each in of_kind(build, "Deployment"):
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == "publisher":
            assert each["spec"]["replicas"] == 1


def test_two_builds_of_the_publisher_stand_side_by_side(tmp_path: Path) -> None:
    """What docs/install.md says an upgrade is: a copied folder with another number in it."""
    copy = tmp_path / "kubernetes"
    for source in MANIFESTS.rglob("*"):
        if source.is_file():
            target = copy / source.relative_to(MANIFESTS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    production = copy / "overlays" / "production"
    new = production / "publishers" / "0.2.0" / "kustomization.yaml"
    new.parent.mkdir()
    old = production / "publishers" / "0.1.0" / "kustomization.yaml"
    text = old.read_text(encoding="utf-8")
    new.write_text(text.replace("0.1.0", "0.2.0").replace("0-1-0", "0-2-0"), encoding="utf-8")
    overlay = production / "kustomization.yaml"
    text = overlay.read_text(encoding="utf-8")
    line = "  - publishers/0.1.0\n"
    overlay.write_text(text.replace(line, line + "  - publishers/0.2.0\n"), encoding="utf-8")

    found = [each for each in YAML(typ="safe").load_all(kubectl(production)) if each]
    publishers = {
        each["metadata"]["name"]: each
        for each in of_kind(found, "Deployment")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == "publisher"
    }
    assert publishers.keys() == {"publisher-0-1-0", "publisher-0-2-0"}
    selectors = [json.dumps(each["spec"]["selector"], sort_keys=True) for each in publishers.values()]
    assert len(set(selectors)) == 2
    configurations = {each["metadata"]["name"]: each.get("data") for each in of_kind(found, "ConfigMap")}
    for name, each in publishers.items():
        [container] = each["spec"]["template"]["spec"]["containers"]
        build = name.removeprefix("publisher-").replace("-", ".")
        assert container["image"].endswith(f":{build}")
        own = configurations[container["envFrom"][1]["configMapRef"]["name"]] or {}
        assert (own["REGREEN_DEPLOYMENT_NAME"], own["REGREEN_BUILD_ID"]) == ("regreen", build)


def test_the_job_makes_a_build_current_whose_publisher_is_there(build: list[Manifest]) -> None:
    for component, pod in pods(build):
        if component == "setup":
            command = pod["spec"]["containers"][0]["command"]
            assert command[:2] == ["regreen", "setup"]
            options = dict(zip(command[2::2], command[3::2], strict=True))
            own = environment(build, "publisher")
            assert options["--deployment"] == own["REGREEN_DEPLOYMENT_NAME"]
            assert options["--current"] == own["REGREEN_BUILD_ID"]


def test_argo_cd_is_pointed_at_an_overlay_that_exists() -> None:
    """Its schema is in no Python package; docs/install.md says what was checked by hand."""
    application = YAML(typ="safe").load(MANIFESTS / "argocd" / "application.yaml")
    assert (application["apiVersion"], application["kind"]) == ("argoproj.io/v1alpha1", "Application")
    assert (ROOT / application["spec"]["source"]["path"] / "kustomization.yaml").is_file()
    assert application["spec"].keys() == {"project", "source", "destination", "syncPolicy"}
