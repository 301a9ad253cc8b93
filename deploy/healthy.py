"""A container's health check: asks the process's own `/readyz`, with nothing but the standard library."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=4)
try:
    connection.request("GET", "/readyz")
    ready = connection.getresponse().status == http.client.OK
except OSError:
    ready = False
sys.exit(0 if ready else 1)
