"""What has to be true of deploy/kubernetes and deploy/compose.yaml, beyond being YAML.

Usage: manifests.py <the parley binary>
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
KUBERNETES = ROOT / "deploy/kubernetes"
COMPOSE = ROOT / "deploy/compose.yaml"
# The oldest that is still in use, and the newest that there are schemas of.
VERSIONS = ["1.29", "1.37"]
NAME = "app.kubernetes.io/name"

mistakes = []


def check(truth, mistake):
    if not truth:
        mistakes.append(mistake)


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kustomization(directory):
    return yaml.safe_load((directory / "kustomization.yaml").read_text())


def listed(directory):
    """The files that a kustomization names; each has to be there, and none may be forgotten."""
    content = kustomization(directory)
    resources = [name for name in content.get("resources", []) if not name.startswith("..")]
    patches = [patch["path"] for patch in content.get("patches", [])]
    settings = [name for generator in content.get("configMapGenerator", []) for name in generator["envs"]]
    named = resources + patches + settings
    there = {path.name for path in directory.iterdir()} - {"kustomization.yaml"}
    check(there == set(named), f"{directory}: the files are {sorted(there)}, listed {named}")
    return [directory / name for name in resources], [directory / name for name in patches]


def identity(document):
    return f"{document['kind']} {document['metadata']['name']}"


def valid(document, where):
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            mistakes.append(f"{where}: {identity(document)}, Kubernetes {version}: {error.message}")


def settings(directory):
    """The settings that a kustomization makes a ConfigMap of."""
    lines = (directory / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def selects(selector, labels):
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for expression in selector.get("matchExpressions") or []:
        assert expression["operator"] == "In", "no other operator is in use here"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def pods(objects):
    """The pod templates, by what makes them."""
    return {identity(item): item["spec"]["template"] for item in objects if "template" in item.get("spec", {})}


def check_pod(owner, template, objects):
    spec = template["spec"]
    check(spec.get("automountServiceAccountToken") is False, f"{owner}: has a token for Kubernetes")
    check(spec.get("enableServiceLinks") is False, f"{owner}: gets variables of services, which look like settings")
    security = spec["securityContext"]
    check(security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0, f"{owner}: may be root")
    check(security.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{owner}: no seccomp profile")
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    volumes |= {claim["metadata"]["name"] for claim in objects[owner]["spec"].get("volumeClaimTemplates", [])}
    for container in spec.get("initContainers", []) + spec["containers"]:
        where = f"{owner}, container {container['name']}"
        own = container["securityContext"]
        check(own.get("allowPrivilegeEscalation") is False, f"{where}: may become more")
        check(own.get("readOnlyRootFilesystem") is True, f"{where}: may write to its root file system")
        check(own.get("capabilities") == {"drop": ["ALL"]}, f"{where}: keeps capabilities")
        for kind in ["requests", "limits"]:
            check({"cpu", "memory"} <= set(container["resources"].get(kind, {})), f"{where}: no {kind}")
        for mount in container.get("volumeMounts", []):
            check(mount["name"] in volumes, f"{where}: no volume {mount['name']}")
        for source in container.get("envFrom", []):
            # Secrets are made by hand: one that need not be there is optional.
            if "secretRef" in source:
                check(source["secretRef"].get("optional") is True, f"{where}: a Secret that does not belong here")
                continue
            name = source["configMapRef"]["name"]
            check(f"ConfigMap {name}" in objects, f"{where}: no ConfigMap {name}")
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"]:
            what = container.get(probe, {})
            port = what.get("httpGet", what.get("tcpSocket", {})).get("port")
            check(port is None or port in ports, f"{where}: {probe} asks at {port}, which is no port of it")


def check_base():
    resources, _ = listed(KUBERNETES / "base")
    objects = {}
    for path in resources:
        for document in documents(path):
            valid(document, path.name)
            check(identity(document) not in objects, f"{path.name}: {identity(document)} is there twice")
            objects[identity(document)] = document
    for generator in kustomization(KUBERNETES / "base")["configMapGenerator"]:
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}}
        objects[identity(made)] = made | {"data": settings(KUBERNETES / "base")}
    check(not any(name.startswith("Secret ") for name in objects), "secrets do not belong here")

    templates = pods(objects.values())
    images = {image["name"] for image in kustomization(KUBERNETES / "base")["images"]}
    for owner, template in templates.items():
        check_pod(owner, template, objects)
        labels = template["metadata"]["labels"]
        spec = objects[owner]["spec"]
        for container in template["spec"].get("initContainers", []) + template["spec"]["containers"]:
            check(container["image"] in images, f"{owner}: nobody says which version of {container['image']}")
        if objects[owner]["kind"] != "Job":
            check(selects(spec["selector"], labels), f"{owner}: does not select its own pods")
            scaled = [
                item["spec"]["scaleTargetRef"] for item in objects.values() if item["kind"] == "HorizontalPodAutoscaler"
            ]
            is_scaled = any(f"{target['kind']} {target['name']}" == owner for target in scaled)
            check(is_scaled != ("replicas" in spec), f"{owner}: either an autoscaler or a number says how many")
            budgets = [item["spec"]["selector"] for item in objects.values() if item["kind"] == "PodDisruptionBudget"]
            check(sum(selects(budget, labels) for budget in budgets) == 1, f"{owner}: has not one disruption budget")
            check(template["spec"].get("topologySpreadConstraints"), f"{owner}: all of it may be on one node")
            check(all("readinessProbe" in one for one in template["spec"]["containers"]), f"{owner}: no readiness probe")

    labels = [template["metadata"]["labels"] for template in templates.values()]
    for name, item in objects.items():
        if item["kind"] == "NetworkPolicy":
            chosen = [item["spec"]["podSelector"]]
            for rule in item["spec"].get("ingress", []) + item["spec"].get("egress", []):
                peers = rule.get("from", []) + rule.get("to", [])
                chosen += [peer["podSelector"] for peer in peers if "podSelector" in peer and "namespaceSelector" not in peer]
            check(all(any(selects(one, each) for each in labels) for one in chosen), f"{name}: names pods that nobody makes")
        if item["kind"] == "Service":
            served = [t for t in templates.values() if selects({"matchLabels": item["spec"]["selector"]}, t["metadata"]["labels"])]
            ports = {port[key] for t in served for c in t["spec"]["containers"] for port in c["ports"] for key in port if key != "protocol"}
            for port in item["spec"]["ports"]:
                check(port.get("targetPort", port["port"]) in ports, f"{name}: nobody serves port {port}")
    return objects


def check_overlays(base):
    for directory in sorted((KUBERNETES / "overlays").iterdir()):
        resources, patches = listed(directory)
        for path in resources:
            for document in documents(path):
                valid(document, path.name)
        for path in patches:
            for document in documents(path):
                check(identity(document) in base, f"{path.name}: {identity(document)} is not in the base")
        # What comes out of it, where there is something that can put it together.
        if shutil.which("kubectl"):
            built = subprocess.run(["kubectl", "kustomize", directory], check=False, capture_output=True, text=True)
            check(built.returncode == 0, f"{directory.name}: {built.stderr}")
            for document in yaml.safe_load_all(built.stdout):
                valid(document, f"overlay {directory.name}")


# Paths of the API that are not called from outside: the operators' API, and what Kubernetes itself asks for.
INTERNAL = ["/platform", "/tenants", "/healthz", "/readyz"]
# The largest body that the API accepts, and pages that are not in the document.
LARGEST_BODY = 4 * 1024 * 1024
PAGES = ["/docs"]


def matches(prefix, path):
    """As an Ingress compares a path of the type Prefix: by its elements."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def check_ingresses():
    """What is published, and how large a body may be: a proxy that refuses a delivery loses it."""
    document = json.loads((ROOT / "crates/http/openapi.json").read_text())
    paths = list(document["paths"]) + PAGES
    for path in sorted((KUBERNETES / "overlays").rglob("*.yaml")):
        for item in documents(path):
            if item["kind"] != "Ingress":
                continue
            size = item["metadata"].get("annotations", {}).get("nginx.ingress.kubernetes.io/proxy-body-size", "1m")
            check(size.endswith("m") and int(size[:-1]) * 1024 * 1024 >= LARGEST_BODY, f"{path.name}: bodies may have {size}")
            published = [entry["path"] for rule in item["spec"]["rules"] for entry in rule["http"]["paths"]]
            for each in paths:
                internal = any(matches(prefix, each) for prefix in INTERNAL)
                is_published = any(matches(prefix, each) for prefix in published)
                check(is_published != internal, f"{path.name}: {each} is {'published' if is_published else 'not published'}")
            for prefix in published:
                check(any(matches(prefix, each) for each in paths), f"{path.name}: nothing is served at {prefix}")


def known_variables(binary):
    """What the program reads: each setting, and for secrets, whose value the help hides, the file."""
    text = subprocess.run([binary, "--help"], check=True, capture_output=True, text=True, env={"COLUMNS": "400"}).stdout
    known = set()
    for setting in re.findall(r"\[env: (PARLEY_[A-Z_]+)(=?)", text):
        name, shown = setting
        known.add(name)
        if not shown:
            known.add(f"{name}_FILE")
    return known


def environments(objects):
    """The variables of each process, by where they are described."""
    base = objects["ConfigMap parley-settings"]["data"]
    for owner, template in pods(objects.values()).items():
        if template["metadata"]["labels"][NAME] != "parley":
            continue
        container = template["spec"]["containers"][0]
        variables = dict(base) if container.get("envFrom") else {}
        variables |= {entry["name"]: entry["value"] for entry in container.get("env", [])}
        yield owner, container["args"], variables
    for directory in sorted((KUBERNETES / "overlays").iterdir()):
        yield f"overlay {directory.name}", ["serve"], base | settings(directory)
    for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items():
        if name in ["api", "worker", "migrate"]:
            # As the shell that runs it has none of them set.
            variables = {
                key: re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value)) for key, value in service["environment"].items()
            }
            yield f"compose service {name}", service["command"], variables


def check_environments(binary, objects):
    known = known_variables(binary)
    check("PARLEY_AMQP_URL_FILE" in known and "PARLEY_HTTP_LISTEN_FILE" not in known, "the help is not understood")
    with tempfile.TemporaryDirectory() as secrets:
        subprocess.run(["sh", ROOT / "deploy/compose-secrets.sh", secrets], check=True)
        for where, arguments, variables in environments(objects):
            wrong = sorted(set(variables) - known)
            check(not wrong, f"{where}: parley knows no {', '.join(wrong)}")
            folder = pathlib.Path(secrets) / ("migrate" if arguments == ["migrate"] else "parley")
            here = {
                key: str(folder / pathlib.Path(value).name) if key.endswith("_FILE") else value
                for key, value in variables.items()
            }
            starts(binary, where, arguments, here)


def starts(binary, where, arguments, variables):
    """The program accepts the values: it waits for the servers, which are not there, instead of naming mistakes."""
    if arguments == ["migrate"]:
        done = subprocess.run([binary, "migrate"], check=False, capture_output=True, text=True, env=variables)
        check("cannot connect to the database" in done.stderr, f"{where}: {done.stderr}")
        return
    listen = {"PARLEY_HTTP_LISTEN": "127.0.0.1:0", "PARLEY_HTTP_METRICS_LISTEN": "127.0.0.1:0", "PARLEY_LOG_FORMAT": "json"}
    process = subprocess.Popen(
        [binary, *arguments], env=variables | listen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if "dependencies missing" in line:
            process.terminate()
    status = process.wait()
    check(status == 0, f"{where}: ended with {status}: {''.join(said)}")


def main():
    binary = os.path.abspath(sys.argv[1])
    objects = check_base()
    check_overlays(objects)
    check_ingresses()
    check_environments(binary, objects)
    if mistakes:
        sys.exit("deploy/ is not right:\n  " + "\n  ".join(mistakes))
    print(f"kubernetes: {len(objects)} objects, as Kubernetes {' and '.join(VERSIONS)} know them; variables: all known")


main()
