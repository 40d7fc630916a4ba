"""Runs the server as a container of a manifest would be run."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

BINARY = os.environ.get("SFU_SERVER_BIN", "")

# Far beyond what a start or an end takes: a stuck server fails the test instead of the whole run.
PATIENCE = 60


def help_text():
    """What the server says of its flags, ports and variables."""
    return subprocess.run([BINARY, "--help"], check=True, capture_output=True, text=True).stdout


def environment(container, downward, secret):
    """The container's variables, from plain values, the pod's fields and a Secret's strings."""
    variables = {}
    for variable in container["env"]:
        if "value" in variable:
            value = variable["value"]
        elif "fieldRef" in variable["valueFrom"]:
            value = downward[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        else:
            reference = variable["valueFrom"]["secretKeyRef"]
            assert reference["name"] == secret["metadata"]["name"]
            value = secret["stringData"][reference["key"]]
        variables[variable["name"]] = value
    return variables


def arguments(container, variables):
    """The container's arguments with `$(NAME)` put in, as the kubelet does."""
    return [re.sub(r"\$\((\w+)\)", lambda m: variables[m[1]], text) for text in container["args"]]


class Running:
    """The server, until the `with` block ends. Root hands it to the container's own user."""

    def __init__(self, container, downward, secret, user):
        self.variables = environment(container, downward, secret)
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        binary = Path(self.folder.name) / "sfu-server"
        shutil.copy(BINARY, binary)
        binary.chmod(0o755)
        identity = {"user": user, "group": user, "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(
            [binary, *arguments(container, self.variables)],
            env=self.variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **identity,
        )
        self.watchdog = threading.Timer(PATIENCE, self.process.kill)
        self.watchdog.start()

    def listening(self):
        """Waits for the line that says that it serves."""
        line = self.process.stdout.readline()
        assert line.startswith("listening "), f"{line!r}, then: {self.ended()}"
        return line

    def ended(self):
        """Waits for its end; the exit code and what it said of itself."""
        _, said = self.process.communicate()
        return self.process.returncode, said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.watchdog.cancel()
        self.folder.cleanup()
