"""Runs schemathesis against the local home: every operation of the API document, all checks on.

Starts the local home on a free port in a folder of its own, signs in as staff and as a guardian,
writes a configuration with the two sessions, and answers with schemathesis' exit status.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "shared" / "openapi.json"
LOCAL = os.environ["LATCHKEY_LOCAL"]
SCHEMATHESIS = os.environ["SCHEMATHESIS"]
PASSWORD = "tidal lantern orchard 27"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Visitor:
    """A browser, as far as signing in needs one."""

    def __init__(self, port):
        self.port = port
        self.cookies = {}

    def request(self, method, path, body=None, host="localhost"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": f"{host}:{self.port}", "Sec-Fetch-Site": "same-origin"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, rest = value.partition("=")
                self.cookies[cookie] = rest.partition(";")[0]
        return answer

    def follow(self, path):
        """Follows redirects within this host, until there is none."""
        while True:
            answer = self.request("GET", path)
            location = answer.getheader("location")
            if answer.status != 303 or location == "/":
                return answer
            parts = urllib.parse.urlsplit(location)
            path = f"{parts.path}?{parts.query}"


def sessions(port):
    staff = Visitor(port)
    staff.follow("/api/staff/sign-in?login_hint=felix@harbor.example")
    portal = Visitor(port)
    body = {"practice": "harbor", "username": "holly.marsh", "password": PASSWORD}
    portal.request("POST", "/api/portal/sign-in", body, host="portal.localhost")
    return (
        staff.cookies["__Host-latchkey-staff"],
        portal.cookies["__Host-latchkey-portal"],
    )


def main():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = subprocess.Popen(
            [LOCAL],
            env={**os.environ, "PORT": str(port), "STATE_DIR": f"{folder}/state"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            # The first line comes when requests are answered.
            if "ready" not in home.stdout.readline():
                return "the local home did not start"
            staff, portal = sessions(port)
            config = pathlib.Path(folder, "schemathesis.toml")
            text = (HERE / "schemathesis.toml").read_text()
            config.write_text(text.replace("$STAFF", staff).replace("$PORTAL", portal))
            command = [SCHEMATHESIS, "--config-file", str(config), "run", str(DOCUMENT)]
            return subprocess.call([*command, "--url", f"http://localhost:{port}"], cwd=folder)
        finally:
            home.send_signal(signal.SIGTERM)
            home.wait(timeout=30)


sys.exit(main())
