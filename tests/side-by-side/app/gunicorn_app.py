"""The same small server under gunicorn."""

import os
import threading
import time
from urllib.parse import parse_qs


def app(environ, start_response):
    if environ["PATH_INFO"] == "/throw":
        # What ends a process in Python without a word: gunicorn catches exceptions itself.
        threading.Timer(0.01, lambda: os._exit(1)).start()
    ms = parse_qs(environ["QUERY_STRING"]).get("ms", ["0"])[0]
    time.sleep(int(ms) / 1000)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("content-length", str(len(body)))])
    return [body]
