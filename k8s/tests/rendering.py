"""Reads the manifests, and renders the kustomizations as far as they go: lists of files, and
JSON patches. Where kubectl is there, a test compares the two."""

import copy
from pathlib import Path

import yaml

K8S = Path(__file__).resolve().parent.parent
BASE = K8S / "base"
NODEPORT = K8S / "nodeport"


def read(path):
    """The one document of a file."""
    with path.open(encoding="utf-8") as file:
        return yaml.safe_load(file)


def render(folder):
    """The resources of a kustomization, patched."""
    kustomization = read(folder / "kustomization.yaml")
    resources = []
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        resources += render(path) if path.is_dir() else [read(path)]
    for patch in kustomization.get("patches", []):
        target = find(resources, **patch["target"])
        for step in read(folder / patch["path"]):
            apply(target, step)
    return resources


def find(resources, kind, name):
    """The one resource of that kind and name, itself and no copy."""
    (found,) = [r for r in resources if r["kind"] == kind and r["metadata"]["name"] == name]
    return found


def apply(target, step):
    """One `test` or `replace` of a JSON patch (RFC 6902)."""
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
    for part in path:
        target = target[int(part) if isinstance(target, list) else part]
    key = int(last) if isinstance(target, list) else last
    if step["op"] == "test":
        assert target[key] == step["value"], f"{step['path']} is {target[key]!r}"
    elif step["op"] == "replace":
        target[key]  # RFC 6902 section 4.3: what is replaced must exist.
        target[key] = copy.deepcopy(step["value"])
    else:
        raise NotImplementedError(f"the operation {step['op']!r}")


def container(resources):
    """The Deployment's one container."""
    (only,) = find(resources, "Deployment", "sfu")["spec"]["template"]["spec"]["containers"]
    return only
