"""What the manifests promise, held against the API schemas and against the server itself.

Run by `cargo xtask test`; alone: see the line that it prints. Needs SFU_SERVER_BIN."""

import copy
import json
import re
import shutil
import signal
import subprocess
import unittest
import urllib.request

import kubernetes_validate
import yaml

from rendering import BASE, K8S, NODEPORT, container, find, read, render
from server import Running, help_text

# The oldest and the newest Kubernetes that the manifests are meant for.
VERSIONS = ["1.30", "1.37"]

SECRET = "0123456789abcdef0123456789abcdef"

# An address of the loopback network that nothing else binds.
POD_IP = "127.77.88.99"
DOWNWARD = {"status.podIP": POD_IP, "status.hostIP": "192.0.2.1"}


def filled():
    """The Secret with keys in it."""
    secret = read(K8S / "secret.example.yaml")
    secret["stringData"] = {"api-key": "somekey", "api-secret": SECRET}
    return secret


def user(resources):
    return find(resources, "Deployment", "sfu")["spec"]["template"]["spec"]["securityContext"]["runAsUser"]


class Shapes(unittest.TestCase):
    def test_every_resource_obeys_the_api_schemas_strictly(self):
        secret = read(K8S / "secret.example.yaml")
        for resource in [*render(BASE), *render(NODEPORT), secret]:
            for version in VERSIONS:
                with self.subTest(kind=resource["kind"], version=version):
                    kubernetes_validate.validate(resource, version, strict=True)

    def test_an_unknown_field_does_not_pass(self):
        resource = copy.deepcopy(find(render(BASE), "Deployment", "sfu"))
        container([resource])["redinessProbe"] = {}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)

    def test_the_kustomizations_name_exactly_the_files_that_exist(self):
        for folder in (BASE, NODEPORT):
            kustomization = read(folder / "kustomization.yaml")
            named = set(kustomization["resources"]) - {"../base"}
            named |= {patch["path"] for patch in kustomization.get("patches", [])}
            present = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
            self.assertEqual(named, present, folder)

    @unittest.skipUnless(shutil.which("kubectl"), "kubectl is not there")
    def test_kubectl_renders_the_same(self):
        for folder in (BASE, NODEPORT):
            command = ["kubectl", "kustomize", str(folder)]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            theirs, ours = list(yaml.safe_load_all(text)), render(folder)
            order = lambda r: (r["kind"], r["metadata"]["name"])
            self.assertEqual(sorted(theirs, key=order), sorted(ours, key=order), folder)


class Agreement(unittest.TestCase):
    def test_names_labels_and_ports_meet(self):
        for folder in (BASE, NODEPORT):
            resources = render(folder)
            template = find(resources, "Deployment", "sfu")["spec"]["template"]
            labels = template["metadata"]["labels"]
            ports = {p["name"]: p for p in container(resources)["ports"]}
            self.assertEqual(template["spec"]["serviceAccountName"], "sfu")
            for resource in resources:
                spec = resource.get("spec", {})
                self.assertEqual(resource["metadata"].get("namespace", "sfu"), "sfu")
                if resource["kind"] == "Service":
                    self.assertEqual(spec["selector"], labels)
                    for port in spec["ports"]:
                        target = ports[port["targetPort"]]
                        self.assertEqual(port["port"], target["containerPort"])
                        self.assertEqual(port["protocol"], target["protocol"])
                if resource["kind"] in ("Deployment", "PodDisruptionBudget"):
                    self.assertEqual(spec["selector"]["matchLabels"], labels)
                if resource["kind"] == "NetworkPolicy":
                    self.assertEqual(spec["podSelector"]["matchLabels"], labels)
                    allowed = [p for rule in spec["ingress"] for p in rule["ports"]]
                    opened = {p["port"]: p["protocol"] for p in allowed}
                    self.assertEqual(opened, {n: p["protocol"] for n, p in ports.items()})

    def test_the_base_has_the_ports_that_the_server_has_by_default(self):
        defaults = re.findall(r"^  (\d+) +(TCP|UDP) ", help_text(), re.MULTILINE)
        self.assertEqual(len(defaults), 4)
        ports = {(str(p["containerPort"]), p["protocol"]) for p in container(render(BASE))["ports"]}
        self.assertEqual(set(defaults) - ports, set())

    def test_a_node_port_of_media_is_the_port_that_clients_are_told(self):
        for port in find(render(NODEPORT), "Service", "sfu-media")["spec"]["ports"]:
            self.assertEqual(port["nodePort"], port["port"])

    def test_the_server_knows_every_variable_that_is_for_it(self):
        known = set(re.findall(r"SFU_\w+", help_text()))
        given = {v["name"] for v in container(render(BASE))["env"]}
        self.assertEqual({name for name in given if name.startswith("SFU_")} - known, set())

    def test_the_pod_is_given_more_time_than_the_server_takes_to_end(self):
        (seconds,) = re.findall(r"within (\d+) seconds", help_text())
        pod = find(render(BASE), "Deployment", "sfu")["spec"]["template"]["spec"]
        self.assertGreater(pod["terminationGracePeriodSeconds"], int(seconds))

    def test_the_container_holds_nothing_that_it_does_not_need(self):
        for folder in (BASE, NODEPORT):
            resources = render(folder)
            pod = find(resources, "Deployment", "sfu")["spec"]["template"]["spec"]
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
            self.assertFalse(pod["automountServiceAccountToken"])
            own = container(resources)["securityContext"]
            self.assertTrue(own["readOnlyRootFilesystem"])
            self.assertFalse(own["allowPrivilegeEscalation"])
            self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
            self.assertEqual(pod["hostNetwork"], folder == BASE)


class TheServerItself(unittest.TestCase):
    def test_it_serves_as_the_manifests_start_it_and_ends_when_told(self):
        for folder in (BASE, NODEPORT):
            resources = render(folder)
            spec = container(resources)
            ports = {p["name"]: p["containerPort"] for p in spec["ports"]}
            with Running(spec, DOWNWARD, filled(), user(resources)) as server:
                listening = dict(f.split("=") for f in server.listening().split()[1:])
                self.assertEqual(listening["http"], f"http://{POD_IP}:{ports['http']}")
                self.assertEqual(listening["grpc"], f"{POD_IP}:{ports['grpc']}")
                self.assertEqual(listening["metrics"], f"{POD_IP}:{ports['metrics']}")
                self.assertEqual(listening["media"], f"{ports['media-0']},{ports['media-1']}")
                for probe in ("readinessProbe", "livenessProbe"):
                    get = spec[probe]["httpGet"]
                    url = f"http://{POD_IP}:{ports[get['port']]}{get['path']}"
                    with urllib.request.urlopen(url) as answer:
                        self.assertEqual(answer.status, 200, url)
                server.process.send_signal(signal.SIGTERM)
                code, log = server.ended()
                self.assertEqual(code, 0, log)
                for line in log.splitlines():
                    json.loads(line)

    def test_it_never_runs_without_keys_of_its_own(self):
        resources = render(BASE)
        empty = read(K8S / "secret.example.yaml")
        short = filled()
        short["stringData"]["api-secret"] = "changeme"
        for secret, reason in ((empty, "SFU_API_SECRET"), (short, "at least 32")):
            with Running(container(resources), DOWNWARD, secret, user(resources)) as server:
                code, said = server.ended()
                self.assertEqual(code, 2, said)
                self.assertIn(reason, said)
        for variable in container(resources)["env"]:
            reference = variable.get("valueFrom", {}).get("secretKeyRef", {})
            self.assertFalse(reference.get("optional", False), variable["name"])


if __name__ == "__main__":
    unittest.main()
