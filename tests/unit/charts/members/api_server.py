"""A Kubernetes API of one request, for the test of role.sh: takes PATCH of a pod's labels over TLS and notes them.

Usage: api_server.py FOLDER. FOLDER holds server.crt and server.key; requests land in FOLDER/requests, one JSON a line.
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

folder = Path(sys.argv[1])


class Pods(BaseHTTPRequestHandler):
    """Answers like the real one: HTTP/1.1 and 401 without the right token."""

    protocol_version = "HTTP/1.1"

    def do_PATCH(self) -> None:
        """Notes path and body."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        allowed = self.headers["Authorization"] == "Bearer token-of-the-pod"
        if allowed:
            with (folder / "requests").open("a") as requests:
                requests.write(json.dumps({"path": self.path, "body": body}) + "\n")
        answer = b'{"kind":"Pod"}'
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "server.crt", folder / "server.key")
server = ThreadingHTTPServer(("127.0.0.1", 6443), Pods)
server.socket = context.wrap_socket(server.socket, server_side=True)
(folder / "listening").touch()
server.serve_forever()
