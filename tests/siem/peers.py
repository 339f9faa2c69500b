"""The two ends of a collector in a test: a terminal that sends over TLS, and the next collector."""

import contextlib
import pathlib
import socket
import ssl
import subprocess
import threading
import time

LONGEST_WAIT = 60


def until(what, condition):
    """Waits for a condition, and says what did not come."""
    end = time.monotonic() + LONGEST_WAIT
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"did not come: {what}")
        time.sleep(0.05)
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Authority:
    """An authority in a folder, as a hospital's or the deployment's own."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.name = name
        self._make(name, "-subj", f"/CN={name}")

    def certify(self, name, *names):
        """A certificate `NAME.pem` and its key `NAME.key` for these names."""
        self._make(
            name,
            *("-CA", self.folder / f"{self.name}.pem"),
            *("-CAkey", self.folder / f"{self.name}.key"),
            *("-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:false"),
            *(("-addext", "subjectAltName=" + ",".join(names)) if names else ()),
        )

    def _make(self, name, *options):
        command = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-days", "2"]
        command += ["-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem"]
        subprocess.run([*command, *options], check=True, capture_output=True)


def send(port, folder, messages, certificate="terminal", answers=True):
    """Sends messages as the agent does, with their octets counted, and ends as it does.

    The collector has to answer close_notify by its own, or, where it is told that it does not
    (`tls-fin://`), end the TCP connection without it.
    """
    context = ssl.create_default_context(cafile=folder / "collectors-ca.pem")
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            for message in messages:
                octets = message.encode()
                stream.sendall(b"%d %s" % (len(octets), octets))
            with contextlib.nullcontext() if answers else contextlib.suppress(ssl.SSLEOFError):
                stream.unwrap()


class NextCollector:
    """Takes messages with counted octets over TLS, from clients of the collectors' authority."""

    def __init__(self, folder):
        self.messages = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "next.pem", folder / "next.key")
        self._context.load_verify_locations(folder / "collectors-ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            plain, _ = self._listener.accept()
            threading.Thread(target=self._read, args=[plain], daemon=True).start()

    def _read(self, plain):
        with (
            self._context.wrap_socket(plain, server_side=True) as stream,
            stream.makefile("rb") as f,
        ):
            while length := self._length(f):
                self.messages.append(f.read(length).decode())

    @staticmethod
    def _length(file):
        digits = b""
        while (octet := file.read(1)).isdigit():
            digits += octet
        return int(digits) if digits else 0
