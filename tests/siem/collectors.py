"""Runs a shipped collector's configuration, and compares all that it writes with what was sent.

collectors.py rsyslog|syslog-ng FOLDER PROGRAM...: FOLDER gets the logs, for what reads them
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import peers
import samples

SIEM = pathlib.Path(__file__).parents[2] / "siem"
HEADER = "<84>1 2026-09-21T14:13:20Z ward3-07"
STRANGE = {
    "an unknown form": f"{HEADER} wardkey 812 login - hello",
    "JSON that ends early": f'{HEADER} wardkey 812 login - {{"event":{{"module":"wardkey"',
    "a path as the event": f"{HEADER} wardkey 812 ../../x - schema=1 code=WE-01",
    "no code": f"{HEADER} wardkey 812 login - schema=1 event=login",
    "another program": f"{HEADER} sshd 812 login - schema=1 code=WE-01 event=login",
    "XML of somebody else": f"{HEADER} wardkey 812 DICOM+RFC3881 - <?xml version='1.0'?><a/>",
}
STRANGER = "a stranger"


def configuration(collector, folder, port, next_port):
    """The shipped file, with what a site changes changed."""
    text = (SIEM / collector / "wardkey-collector.conf").read_text()
    changes = [
        ("/etc/wardkey-collector", str(folder)),
        ("/var/log/wardkey", str(folder / "log")),
    ]
    if collector == "rsyslog":
        changes += [
            (
                'input(type="imtcp" port="6514"',
                f'input(type="imtcp" address="127.0.0.1" port="{port}"',
            ),
            ('target="siem.example.org" port="6514"', f'target="127.0.0.1" port="{next_port}"'),
        ]
        text = f'global(workDirectory="{folder}")\n{text}'
    else:
        changes += [
            ("syslog(\n        port(6514)", f"syslog(\n        ip(127.0.0.1) port({port})"),
            ('"siem.example.org" port(6514)', f'"localhost" port({next_port})'),
            ("disk-buffer(", f'disk-buffer(dir("{folder}") '),
        ]
        text = f"@version: current\n{text}"
    for old, new in changes:
        if old not in text:
            raise AssertionError(f"{collector}: {old} is not in the file any longer")
        text = text.replace(old, new)
    if "6514" in re.sub("#.*", "", text):
        raise AssertionError(f"{collector}: a port was not changed")
    file = folder / "collector.conf"
    file.write_text(text)
    return file


def start(collector, program, folder, file):
    if collector == "rsyslog":
        check = [*program, "-N1", "-f", file]
        run = [*program, "-n", "-f", file, "-i", folder / "pid"]
    else:
        state = [f"--persist-file={folder}/persist", f"--pidfile={folder}/pid"]
        state += [f"--control={folder}/control", "--no-caps", "-f", file]
        check = [*program, "--syntax-only", *state]
        run = [*program, "--foreground", *state]
    checked = subprocess.run(check, cwd=folder, capture_output=True, text=True)
    if checked.returncode or re.search("error|warning", checked.stderr, re.IGNORECASE):
        raise AssertionError(f"{collector} says of its configuration: {checked.stderr}")
    # Without rights, when it is root who tries it.
    as_nobody = {}
    if os.geteuid() == 0:
        as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        subprocess.run(["chown", "-R", "nobody:nogroup", folder], check=True)
    with (folder / "said").open("w") as said:
        return subprocess.Popen(run, cwd=folder, stderr=said, **as_nobody)


def files(folder):
    """Lines by the file's path below the folder of logs."""
    log = folder / "log"
    return {
        str(path.relative_to(log)): path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for path in log.rglob("*.log")
    }


def count(folder, alarms=False):
    """Whole lines so far, of the alarms or of all other files; a letter may be half written."""
    log = folder / "log"
    named = [path for path in log.rglob("*.log") if (path.name == "alarms.log") == alarms]
    return sum(path.read_bytes().count(b"\n") for path in named)


def flat(form, message, ecs):
    """The flat object that has to be written for a message."""
    shape = samples.as_rfc5424 if form == "rfc5424" else samples.as_keyvalue
    fields = {name: shape(value) for name, value in samples.fields(ecs).items()}
    return fields | {"host": host(message)}


def host(message):
    return message.split(" ")[2]


def is_taken(collector, message):
    """Whether a collector takes the HOSTNAME: syslog-ng takes none with a colon or a bracket, and
    what no machine is called goes to unreadable.log."""
    return collector != "syslog-ng" or not re.search(r"[:\[]", host(message))


def text(message):
    """MSG of a message without structured data."""
    return message.split(" ", 7)[7]


def as_it_came(line):
    """What syslog-ng could not read, without what it says of it."""
    return re.sub("^Error processing log message: (.*?)>@<", r"\1", line)


def expected(collector, sent):
    """What has to be in which file."""
    found = {"unreadable.log": list(STRANGE.values())}
    for form, messages in sent.items():
        for message, ecs in zip(messages, sent["ecs"], strict=True):
            event = json.loads(text(ecs))["event"]["action"]
            if not is_taken(collector, message):
                found["unreadable.log"].append(message)
                continue
            is_flat = form in ("rfc5424", "keyvalue")
            line = flat(form, message, text(ecs)) if is_flat else text(message)
            found.setdefault(f"{form}/{event}.log", []).append(line)
    return found


def alarming(collector, sent):
    """The messages of warning or worse, and those that the collector itself warns of."""
    return [
        message
        for message in [*(m for form in sent.values() for m in form), *STRANGE.values()]
        if int(message[1 : message.index(">")]) % 8 <= 4 or not is_taken(collector, message)
    ]


def compare(collector, folder, sent):
    wanted, seen = expected(collector, sent), files(folder)
    alarms = sorted(map(as_it_came, seen.pop("alarms.log")))
    seen["unreadable.log"] = sorted(map(as_it_came, seen["unreadable.log"]))
    wanted["unreadable.log"].sort()
    if seen.keys() != wanted.keys():
        raise AssertionError(f"files: {sorted(seen.keys() ^ wanted.keys())}")
    for name, lines in wanted.items():
        is_flat = isinstance(lines[0], dict)
        got = [json.loads(line) for line in seen[name]] if is_flat else seen[name]
        for line, want in zip(got, lines, strict=True):
            if is_flat and want["host"] == "-" and collector == "syslog-ng":
                # It puts the sender in the place of none.
                want["host"] = line["host"]
            if line != want:
                raise AssertionError(f"{name}\ngot  {line}\nwant {want}")
    severe = alarming(collector, sent)
    if alarms != sorted(severe):
        raise AssertionError(f"alarms.log has {len(alarms)} lines, not {len(severe)}")
    return sum(map(len, sent.values())), len(wanted)


def parts(message):
    """A message without what syslog-ng writes in its own way: the form of the time, its own element
    of structured data, and a line's end."""
    header, time, rest = message.split(" ", 2)
    host, app, process, event, rest = rest.split(" ", 4)
    data = re.match(r"(-|(\[[^]]*\])+) ", rest)
    ours = re.findall(r"\[wardkey@[^]]*\]", data[1])
    when = samples.seconds(time)
    return header, when, host, app, process, event, ours, rest[data.end() :].removesuffix("\n")


def compare_forwarded(collector, got, sent):
    messages = [message for form in sent.values() for message in form] + list(STRANGE.values())
    total = len(messages)
    if collector == "syslog-ng":
        whole = [m for m in messages if is_taken(collector, m) and host(m) != "-"]
        got, messages = [parts(m) for m in got], [parts(m) for m in whole]
    missing = [m for m in messages if m not in got]
    if missing or len(got) != total:
        raise AssertionError(f"forwarded {len(got)} of {len(messages)}; not there: {missing[:1]}")


def try_as_strangers(port, folder):
    """Whoever shows no certificate of a terminal: nothing of it may be in a file afterwards. With
    TLS 1.3 a client may have sent all before it hears of the refusal."""
    for certificate in (None, "collector"):
        with contextlib.suppress(OSError):
            peers.send(port, folder, [f"{HEADER} wardkey 1 login - {STRANGER}"], certificate)


def main(collector, kept, *program):
    with tempfile.TemporaryDirectory(prefix="wardkey-siem-") as name:
        folder = pathlib.Path(name)
        terminals = peers.Authority(folder, "terminals-ca")
        collectors = peers.Authority(folder, "collectors-ca")
        terminals.certify("terminal")
        collectors.certify("collector", "DNS:localhost")
        collectors.certify("next", "DNS:siem.example.org", "DNS:localhost")
        (folder / "next-ca.pem").write_bytes((folder / "collectors-ca.pem").read_bytes())
        further, port = peers.NextCollector(folder), peers.free_port()
        (folder / "log").mkdir()
        process = start(
            collector, program, folder, configuration(collector, folder, port, further.port)
        )
        try:
            run(collector, process, folder, port, further)
        except BaseException:
            print((folder / "said").read_text(), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(30)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder / "log", kept)


def run(collector, process, folder, port, further):
    sent = {form: samples.messages(form) + samples.hostile(form) for form in samples.FORMS}
    answers = collector == "syslog-ng"

    def is_up():
        if process.poll() is not None:
            raise AssertionError(f"{collector} ended with status {process.returncode}")
        try:
            peers.send(port, folder, [], answers=answers)
        except ConnectionRefusedError:
            return False
        return True

    peers.until(f"{collector} listens", is_up)
    try_as_strangers(port, folder)
    for messages in [*sent.values(), STRANGE.values()]:
        peers.send(port, folder, messages, answers=answers)
    total = sum(map(len, sent.values())) + len(STRANGE)
    peers.until("all lines", lambda: count(folder) >= total)
    alarms = len(alarming(collector, sent))
    peers.until("all alarms", lambda: count(folder, alarms=True) >= alarms)
    peers.until("all forwarded", lambda: len(further.messages) >= total)
    lines, written = compare(collector, folder, sent)
    compare_forwarded(collector, further.messages, sent)
    hostile = len(samples.hostile("ecs"))
    print(f"{collector}: {lines} records ({hostile} with hostile values) of {len(sent)} forms in")
    print(f"{collector}: {written} files, field by field; as many forwarded; strangers refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
