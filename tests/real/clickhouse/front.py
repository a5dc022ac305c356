"""ClickHouse's HTTP interface in front of chdb, the engine of current versions as a Python package.

    python front.py DATA_DIRECTORY PORT USERS

USERS is JSON: passwords by name. One query runs at a time. Logins are checked here, since chdb has none.
"""

import base64
import json
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

DIRECTORY, PORT, USERS = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
SESSION = Session(DIRECTORY)
LOCK = threading.Lock()
INSERT = re.compile(r"^(INSERT INTO .*\))\s+FORMAT\s+(\w+)\s*$", re.DOTALL)
FORMAT = re.compile(r"^(.*?)(\s+FORMAT\s+\w+)?\s*$", re.DOTALL)


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def run(query, settings, data):
    """The answer to a query, with these settings and this data for an insert."""
    clause = ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
    clause = f" SETTINGS {clause}" if clause else ""
    insert = INSERT.match(query)
    if insert is None:
        beginning, form = FORMAT.match(query).groups()
        return SESSION.query(f"{beginning}{clause}{form or ''}", "TabSeparated").bytes()
    # Data of an insert may be any bytes, and a statement is text.
    with tempfile.NamedTemporaryFile(suffix=".tsv") as file:
        file.write(data)
        file.flush()
        target, form = insert.groups()
        statement = f"{target} FROM INFILE {quoted(file.name)} COMPRESSION 'none'{clause} FORMAT {form}"
        return SESSION.query(statement, "TabSeparated").bytes()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        settings = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query = settings.pop("query", None)
        if not self.is_known():
            self.answer(403, b"Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)\n", 516)
            return
        try:
            with LOCK:
                if query is None:
                    result = run(body.decode(), settings, b"")
                else:
                    result = run(query, settings, body)
            self.answer(200, result or b"")
        except Exception as error:  # chdb 3 raises RuntimeError, chdb 4 an error of its own
            text = str(error)
            code = int(re.search(r"Code: (\d+)", text).group(1))
            self.answer(500, text.encode(), code)

    def is_known(self):
        scheme, _, credentials = self.headers.get("authorization", "Basic ZGVmYXVsdDo=").partition(" ")
        name, _, password = base64.b64decode(credentials).decode().partition(":")
        return scheme == "Basic" and USERS.get(name) == password

    def answer(self, status, text, code=None):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.send_header("x-clickhouse-server-display-name", "chdb")
        if code is not None:
            self.send_header("x-clickhouse-exception-code", str(code))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", PORT), Handler)
print("Ready for connections", flush=True)
server.serve_forever()
