"""A server with Goldcrest's routes and no model: the answer depends on the text alone.

Called with a port and a temper: `well`, `wrong` answers (only after the first few), `errors`, or
`stubborn`, which does not end when it is asked to.
"""

import json
import math
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

N_WELL = 3
KNOWN = ("/health/ready", "/metrics")


def probabilities(text: str) -> list[float]:
    share = math.fmod(sum(map(ord, text)) * 0.6180339887, 1.0)
    return [share, 1.0 - share]


class Fake(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    temper = "well"
    n_asked = 0

    def do_GET(self) -> None:
        cpu_s = time.process_time()
        body = f'goldcrest_engine_cpu_seconds_total{{model="m"}} {cpu_s}\n'
        self.answer(200 if self.path in KNOWN else 404, body)

    def do_POST(self) -> None:
        Fake.n_asked += 1
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        if self.temper == "errors" and Fake.n_asked > N_WELL:
            self.answer(500, "{}")
            return
        late = self.temper == "wrong" and Fake.n_asked > N_WELL
        texts = [text] if isinstance(text, str) else text
        rows = [probabilities(text + "!" * Fake.n_asked if late else text) for text in texts]
        self.answer(200, json.dumps({"predictions": rows, "labels": ["a", "b"]}))

    def answer(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    Fake.temper = sys.argv[2]
    if Fake.temper == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Fake) as server:
        server.serve_forever()
