"""What the Dockerfile says, held against the repository and the manifests. It is not built here:
that takes a Docker daemon and the base images."""

import re
import unittest

from rendering import BASE, K8S, container, find, render

ROOT = K8S.parent
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def instructions(name):
    """The words after each instruction of that name."""
    return [line.split()[1:] for line in LINES if line.split()[:1] == [name]]


class Image(unittest.TestCase):
    def test_every_base_image_has_a_tag_that_says_which(self):
        stages = instructions("FROM")
        self.assertEqual(len(stages), 3)
        for image in (words[0] for words in stages):
            _, _, tag = image.rpartition("/")[2].partition(":")
            self.assertNotIn(tag, ("", "latest"), image)

    def test_what_is_copied_exists_and_is_not_ignored(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        copies = [w for w in instructions("COPY") if not w[0].startswith("--from")]
        for source in (name for words in copies for name in words[:-1]):
            self.assertTrue((ROOT / source).exists(), source)
            self.assertNotIn(source.rstrip("/"), ignored)

    def test_every_crate_of_the_workspace_is_in_the_build(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
        members = re.findall(r'"([\w-]+)"', re.search(r"^members = \[(.*?)\]", manifest, re.M | re.S)[1])
        self.assertIn("sfu-server", members)
        self.assertEqual([name for name in members if name in ignored], [])

    def test_the_user_and_the_ports_are_those_of_the_deployment(self):
        resources = render(BASE)
        pod = find(resources, "Deployment", "sfu")["spec"]["template"]["spec"]["securityContext"]
        self.assertEqual(instructions("USER"), [[f"{pod['runAsUser']}:{pod['runAsGroup']}"]])
        ports = {f"{p['containerPort']}/{p['protocol'].lower()}" for p in container(resources)["ports"]}
        (exposed,) = instructions("EXPOSE")
        self.assertEqual(set(exposed) - ports, set())

    def test_the_deployment_runs_the_image_of_this_version(self):
        manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
        version = re.search(r'^version = "([\d.]+)"', manifest, re.M)[1]
        self.assertEqual(container(render(BASE))["image"], f"sfu-server:{version}")


if __name__ == "__main__":
    unittest.main()
