#!/usr/bin/python3
"""Runs a program on a machine whose hidraw nodes are software keys.

    hidmock.py --preload LIBRARY [--control PATH] [--plug N=SOCKET ...] -- COMMAND...

The command, unmodified, sees /dev/hidrawN (listing, inotify, open, ioctl,
read, write, poll), sysfs and udev's events. Directories, sysfs and events are
umockdev's; opening a node is answered by the preload library next door, which
connects to the software key's SEQPACKET socket. Without a command it runs until
`quit` or a signal.

The control socket takes one line and answers lines, the last one `ok` or
`error TEXT`:

    plug N SOCKET [VID:PID] [NAME]    key SOCKET appears as /dev/hidrawN; if N is
                                      there already, it is another key in its
                                      place without a sign of it: who opens the
                                      node from now on gets that one
    unplug N                          it is pulled out: connections end too
    mode N OCTAL                      permissions of the node (0600 at first)
    list                              `N SOCKET VID:PID NAME` for each
    env                               `NAME=VALUE` that a program needs to see it
    quit

Run by the system's python3, which has GObject and umockdev's bindings.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import GLib, UMockdev  # noqa: E402

DESCRIPTOR = (
    "06D0F10901A1010920150026FF00750895408102"
    "0921150026FF00750895409102C0"
)
UMOCKDEV_PRELOAD = "libumockdev-preload.so.0"
# A vendor and product id of pid.codes, which nobody sells a key with.
USUAL_IDS = "1209:5749"
USUAL_NAME = "Software security key"


class Refused(Exception):
    """An order that cannot be carried out; its text says why."""


class Node:
    """One plugged key."""

    def __init__(self, number, key, ids, name):
        self.number, self.key, self.ids, self.name = number, key, ids, name

    def __str__(self):
        return f"{self.number} {self.key} {self.ids} {self.name}"


class Mock:
    """The testbed and what is plugged into it."""

    def __init__(self, preload):
        self.testbed = UMockdev.Testbed.new()
        self.root = self.testbed.get_root_dir()
        self.preload = preload
        self.nodes = {}
        self.lock = threading.Lock()
        # Other users' programs are to see the devices too.
        for folder in ("", "dev", "hidmock"):
            path = os.path.join(self.root, folder)
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o755)

    def environment(self):
        return {
            "LD_PRELOAD": f"{self.preload}:{UMOCKDEV_PRELOAD}",
            "UMOCKDEV_DIR": self.root,
        }

    def plug(self, number, key, ids=USUAL_IDS, name=USUAL_NAME):
        if not os.path.exists(key):
            raise Refused(f"{key}: no such socket")
        try:
            vendor, product = (f"{int(part, 16):04X}" for part in ids.split(":"))
        except ValueError:
            raise Refused(f"{ids}: not VID:PID") from None
        with self.lock:
            swap = number in self.nodes
            if swap:
                ids, name = self.nodes[number].ids, self.nodes[number].name
            else:
                self._write_info(number, vendor, product, name)
            self._connect(number, key)
            if not swap:
                self._appear(number, vendor, product, name)
            self.nodes[number] = Node(number, key, ids, name)

    def unplug(self, number):
        with self.lock:
            node = self.nodes.pop(number, None)
            if node is None:
                raise Refused(f"hidraw{number} is not plugged")
            # First nobody can open it any more, then it is not there.
            os.unlink(self._hidmock(number, "socket"))
            os.unlink(os.path.join(self.root, "dev", f"hidraw{number}"))
            self._disconnect(node.key)
            hid = self._hid_path(number)
            hidraw = f"{hid}/hidraw/hidraw{number}"
            usb = self._usb_path(number)
            for path in (hidraw, hid, f"{usb}/{self._port(number)}:1.0", usb):
                self.testbed.uevent(f"/sys{path}", "remove")
                self.testbed.remove_device(f"/sys{path}")

    def chmod(self, number, mode):
        with self.lock:
            if number not in self.nodes:
                raise Refused(f"hidraw{number} is not plugged")
            os.chmod(os.path.join(self.root, "dev", f"hidraw{number}"), mode)

    def list(self):
        with self.lock:
            return [str(node) for _, node in sorted(self.nodes.items())]

    # Paths as the kernel makes them for a key on port N+1 of the first bus.

    def _port(self, number):
        return f"1-{number + 1}"

    def _usb_path(self, number):
        return f"/devices/pci0000:00/0000:00:14.0/usb1/{self._port(number)}"

    def _hid_path(self, number):
        port = self._port(number)
        return f"{self._usb_path(number)}/{port}:1.0/0003:{number:04X}"

    def _hidmock(self, number, kind):
        return os.path.join(self.root, "hidmock", f"hidraw{number}.{kind}")

    def _write_info(self, number, vendor, product, name):
        with open(self._hidmock(number, "info"), "w", encoding="utf-8") as info:
            info.write(f"{vendor}\n{product}\nWardkey {name}\n")

    def _connect(self, number, key):
        """Points the node at the key, in one step."""
        link = self._hidmock(number, "socket")
        fresh = link + ".new"
        os.symlink(os.path.abspath(key), fresh)
        os.rename(fresh, link)

    def _appear(self, number, vendor, product, name):
        usb, hid, port = self._usb_path(number), self._hid_path(number), self._port(number)
        self.testbed.add_from_string(f"""P: {usb}
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
E: ID_VENDOR_ID={vendor.lower()}
E: ID_MODEL_ID={product.lower()}
A: idVendor={vendor.lower()}
A: idProduct={product.lower()}
A: manufacturer=Wardkey
A: product={name}
A: bcdDevice=0100

P: {usb}/{port}:1.0
E: SUBSYSTEM=usb
E: DEVTYPE=usb_interface
A: bInterfaceNumber=00

P: {hid}
E: SUBSYSTEM=hid
E: HID_ID=0003:0000{vendor}:0000{product}
E: HID_NAME=Wardkey {name}
E: HID_PHYS=usb-0000:00:14.0-1/input0
E: HID_UNIQ=
E: MODALIAS=hid:b0003g0001v0000{vendor}p0000{product}
H: report_descriptor={DESCRIPTOR}

P: {hid}/hidraw/hidraw{number}
E: SUBSYSTEM=hidraw
E: DEVNAME=/dev/hidraw{number}
E: MAJOR=246
E: MINOR={number}
A: dev=246:{number}
L: device=../../../0003:{number:04X}
""")
        for path in (usb, f"{usb}/{port}:1.0", hid):
            self.testbed.uevent(f"/sys{path}", "add")
        # The node last, complete: whoever watches /dev opens it at once. A
        # plain file is what umockdev shows as a character device.
        device = os.path.join(self.root, "dev", f"hidraw{number}")
        numbers = os.path.join(self.root, "dev", ".node")
        os.makedirs(numbers, exist_ok=True)
        number_link = os.path.join(numbers, f"hidraw{number}")
        if not os.path.lexists(number_link):
            os.symlink(f"246:{number}", number_link)
        os.close(os.open(device, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self.testbed.uevent(f"/sys{hid}/hidraw/hidraw{number}", "add")

    def _disconnect(self, key):
        """Takes the power from a key, which ends the connections of programs
        that have it open. Its control socket does that; by convention it lies
        beside the key's socket. A key without one is only hidden."""
        control = os.path.splitext(key)[0] + ".control"
        if not os.path.exists(control):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(control)
            line.sendall(b"replug\n")
            line.recv(256)


def obey(mock, line, stop):
    """Carries out one line; returns the answer's lines."""
    words = line.strip().split(None, 4)
    match words:
        case ["plug", number, key, *rest]:
            mock.plug(int(number), key, *rest)
        case ["unplug", number]:
            mock.unplug(int(number))
        case ["mode", number, mode]:
            mock.chmod(int(number), int(mode, 8))
        case ["list"]:
            return mock.list()
        case ["env"]:
            return [f"{name}={value}" for name, value in mock.environment().items()]
        case ["quit"]:
            stop()
        case _:
            raise Refused("use: plug, unplug, mode, list, env, quit")
    return []


def converse(mock, connection, stop):
    with connection, connection.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            try:
                answer = obey(mock, line, stop) + ["ok"]
            except (Refused, ValueError, OSError, GLib.Error) as error:
                answer = [f"error {error}"]
            lines.write("".join(f"{text}\n" for text in answer))
            lines.flush()


def serve(mock, path, stop):
    """Takes orders on a thread of its own."""
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Renamed into place, so that whoever sees the path can connect.
    listener.bind(path + ".binding")
    listener.listen()
    os.rename(path + ".binding", path)

    def accept():
        while True:
            connection, _ = listener.accept()
            worker = threading.Thread(
                target=converse, args=(mock, connection, stop), daemon=True
            )
            worker.start()

    threading.Thread(target=accept, daemon=True).start()


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preload", required=True, help="libwardkey_hidpreload.so")
    parser.add_argument("--control", help="UNIX socket that takes orders")
    parser.add_argument(
        "--plug", action="append", default=[], metavar="N=SOCKET", help="plugged at first"
    )
    parser.add_argument("command", nargs="*", help="what to run")
    return parser.parse_args()


def under_umockdev():
    """Starts this program again with umockdev's library before libc: it looks
    the devices up in its own testbed when it sends an event."""
    if UMOCKDEV_PRELOAD not in os.environ.get("LD_PRELOAD", ""):
        environment = {**os.environ, "LD_PRELOAD": UMOCKDEV_PRELOAD}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def main():
    asked = arguments()
    under_umockdev()
    mock = Mock(os.path.abspath(asked.preload))
    loop = GLib.MainLoop()
    status = 0

    def stop():
        GLib.idle_add(loop.quit)

    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, stop)
    try:
        for plugged in asked.plug:
            number, _, key = plugged.partition("=")
            mock.plug(int(number), key)
        if asked.control:
            serve(mock, asked.control, stop)
        if not asked.command:
            loop.run()
            return 0
        child = subprocess.Popen(asked.command, env={**os.environ, **mock.environment()})

        def wait():
            nonlocal status
            status = child.wait()
            stop()

        threading.Thread(target=wait, daemon=True).start()
        loop.run()
        if child.poll() is None:
            child.terminate()
            status = child.wait()
        return status if status >= 0 else 128 - status
    except Refused as error:
        print(f"hidmock.py: {error}", file=sys.stderr)
        return 2
    finally:
        if asked.control and os.path.exists(asked.control):
            os.unlink(asked.control)
        root = mock.root
        mock.testbed = None
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
