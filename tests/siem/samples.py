"""The records that the renderer's golden files hold, as messages of the network."""

import json
import pathlib
import re

GOLDEN = pathlib.Path(__file__).parents[2] / "core/records/tests/all/golden"
FORMS = ["keyvalue", "rfc5424", "ecs", "ocsf", "cef", "leef", "atna", "fhir"]

# What core/records/src/ecs.rs puts beside `wardkey`, by its name in AUDIT.md.
ECS_EVENT = {
    "event": "action",
    "code": "code",
    "outcome": "outcome",
    "reason": "reason",
    "id": "id",
}


def lines(name):
    """The lines of a golden file."""
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def messages(form):
    """Every event of the golden files, in a form, as the network has it.

    The golden files have headers in `rfc5424` only; `syslog-messages.txt` says how the other forms
    stand behind one, and what is put together here has to be the same.
    """
    if form == "rfc5424":
        return lines("rfc5424")
    made = []
    for whole, text in zip(lines("rfc5424"), lines(form), strict=True):
        header = whole[: whole.index(" [")].split(" ")
        if form == "atna":
            header[-1] = "DICOM+RFC3881"
        made.append(f"{' '.join(header)} - {text}")
    example = lines("syslog-messages")[FORMS.index(form)]
    if made[1] != example:
        raise AssertionError(f"{form}: {made[1]}\nis not what syslog-messages.txt has: {example}")
    return made


def hostile(form):
    """The messages with hostile values."""
    return lines(f"hostile-{form}")


def fields(ecs):
    """The fields of AUDIT.md, as texts, from the event's line in ECS: nothing is replaced there."""
    record = json.loads(ecs)
    found = {name: str(value) for name, value in record["wardkey"].items()}
    for flag in ("up", "uv"):
        if flag in found:
            found[flag] = "1" if record["wardkey"][flag] else "0"
    for name, at in ECS_EVENT.items():
        if at in record["event"]:
            found[name] = record["event"][at]
    found["time"] = str(seconds(record["@timestamp"]))
    return found


def seconds(timestamp):
    import datetime

    return int(datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp())


def as_rfc5424(value):
    """What RECORDS.md says of a value in structured data."""
    return re.sub(r'["\\\]]', "?", value)


def as_keyvalue(value):
    """What AUDIT.md says of a value in the key=value line."""
    return re.sub(r"[\"\\\[\]='`]", "?", value).replace(" ", "_") or "-"


def events():
    """The fields of every event in the form keyvalue."""
    return [dict(p.split("=", 1) for p in line.split(" ")) for line in lines("keyvalue")]


# All fields of AUDIT.md, that of a signature is in no golden file; and what the server found.
FIELDS = {name for record in events() for name in record} | {"evidence", "verdict"}


def check(holds, what):
    if not holds:
        raise AssertionError(what)
