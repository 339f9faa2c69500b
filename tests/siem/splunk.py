"""The files for Splunk, against the records themselves and the lines that the collectors wrote.

What reads them here is our own reading of the settings that they use: Splunk is not there.

    splunk.py FOLDER...: each has the logs of a collector
"""

import configparser
import json
import pathlib
import re
import sys

import samples

FOLDER = pathlib.Path(__file__).parents[2] / "siem/splunk"


def conf(name):
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", strict=True)
    parser.optionxform = str
    # A backslash continues a line.
    parser.read_string((FOLDER / name).read_text().replace("\\\n", ""))
    return parser


def check_files(flat):
    props, transforms = conf("props.conf"), conf("transforms.conf")
    for name in ("eventtypes.conf", "tags.conf", "savedsearches.conf"):
        samples.check(conf(name).sections(), f"{name} is empty")
    eventtypes = {f"eventtype={name}" for name in conf("eventtypes.conf").sections()}
    samples.check(set(conf("tags.conf").sections()) == eventtypes, "tags.conf: no such event type")

    fields = re.compile(transforms["wardkey-fields"]["REGEX"])
    samples.check(transforms["wardkey-fields"]["FORMAT"] == "$1::$2", "FORMAT")
    told = props["wardkey:keyvalue"]
    for line, record in zip(samples.lines("keyvalue"), samples.events(), strict=True):
        raw = f"2026-09-21T23:13:20.000000+09:00 ward3-07 wardkey[812]: {line}"
        samples.check(dict(fields.findall(raw)) == record, f"transforms.conf: {raw}")
        samples.check(stamp(told, raw) == record["time"], f"props.conf, time: {raw}")

    host = re.compile(transforms["wardkey-host"]["REGEX"])
    for line in flat:
        record = json.loads(line)
        # No machine has a name with what JSON escapes: then it is the collector's.
        found = host.search(line)
        is_right = found[1] == record["host"] if found else re.search(r'["\\/]', record["host"])
        samples.check(is_right, f"transforms.conf, host: {line}")
        samples.check(
            stamp(props["wardkey:json"], line) == record["time"], f"props.conf, time: {line}"
        )

    # Every field that is named is one of ours, or of Splunk.
    for section in props.values():
        for key, value in section.items():
            if key.startswith("EVAL-"):
                named = set(re.findall(r"[a-z_]+", re.sub(r'"[^"]*"', "", value)))
                strange = named - samples.FIELDS - {"if", "null", "coalesce", "host"} - {"or"}
                samples.check(not strange, f"props.conf: {key}: {strange}")
    print(
        f"splunk: fields, times and hosts of {len(samples.events())} lines and {len(flat)} objects"
    )


def stamp(props, raw):
    """What Splunk takes for the time (TIME_FORMAT %s)."""
    samples.check(props["TIME_FORMAT"] == "%s", "TIME_FORMAT")
    begin = re.search(props["TIME_PREFIX"], raw).end()
    return re.match(r"\d+", raw[begin : begin + int(props["MAX_TIMESTAMP_LOOKAHEAD"])])[0]


def main(*folders):
    flat = []
    for folder in folders:
        for form in ("rfc5424", "keyvalue"):
            for file in sorted((pathlib.Path(folder) / form).glob("*.log")):
                flat += file.read_text().removesuffix("\n").split("\n")
    samples.check(flat, "no flat lines of a collector")
    check_files(flat)


if __name__ == "__main__":
    main(*sys.argv[1:])
