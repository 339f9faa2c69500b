"""The ingest pipeline and the index template for Elastic, against the records themselves.

What runs them here is our own reading of the processors that they use: Elasticsearch is not there.
"""

import copy
import ipaddress
import json
import pathlib
import re

import samples

FOLDER = pathlib.Path(__file__).parents[2] / "siem/elastic"
RECORDS = [json.loads(line) for line in samples.lines("ecs")]


def leaves(value, at=""):
    """Every value of a document with its path; of a list, each."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, at)
    else:
        yield at, value


def is_address(value):
    return bool(ipaddress.ip_address(value))


FITS = {
    "keyword": lambda value: isinstance(value, str) and len(value) <= 1024,
    "match_only_text": lambda value: isinstance(value, str),
    "date": lambda value: isinstance(value, str) and samples.seconds(value) > 0,
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "ip": is_address,
}


def mappings(properties, at=""):
    for name, told in properties.items():
        path = f"{at}.{name}" if at else name
        if "properties" in told:
            yield from mappings(told["properties"], path)
        else:
            yield path, told["type"]


def merge(into, new):
    for name, value in new.items():
        if isinstance(into.get(name), dict) and isinstance(value, dict):
            merge(into[name], value)
        else:
            into[name] = value


def ingest(document, processors):
    """The processors of the pipeline, as Elasticsearch's reference describes them."""

    def parent(path):
        *folders, last = path.split(".")
        inner = document
        for folder in folders:
            inner = inner.setdefault(folder, {})
        return inner, last

    for processor in processors:
        ((kind, told),) = processor.items()
        if kind == "remove":
            for field in told["field"]:
                inner, last = parent(field)
                inner.pop(last, None)
        elif kind == "rename":
            (old, a), (new, b) = parent(told["field"]), parent(told["target_field"])
            new[b] = old.pop(a)
        elif kind == "json":
            inner, last = parent(told["field"])
            samples.check(told["add_to_root_conflict_strategy"] == "merge", "strategy of json")
            merge(document, json.loads(inner[last]))
        elif kind == "set":
            inner, last = parent(told["field"])
            # The time of day is in no golden file.
            if "copy_from" in told:
                source, a = parent(told["copy_from"])
                inner[last] = source[a]
        elif kind == "fail":
            event = document.get("event", {})
            samples.check(event.get("module") == "wardkey" and "id" in event, "the pipeline fails")
        else:
            raise AssertionError(f"the test does not know the processor {kind}")
    return document


def main():
    template = json.loads((FOLDER / "index-template.json").read_text())
    pipeline = json.loads((FOLDER / "ingest-pipeline.json").read_text())
    types = dict(mappings(template["template"]["mappings"]["properties"]))
    seen = set()
    for record in RECORDS + [json.loads(line.split(" ", 7)[7]) for line in samples.hostile("ecs")]:
        for path, value in leaves(record):
            samples.check(path in types, f"index-template.json: no mapping for {path}")
            samples.check(
                FITS[types[path]](value),
                f"index-template.json: {path} is no {types[path]}: {value}",
            )
            seen.add(path)
    # What the pipeline and the shipper add, and what no golden event has.
    others = {"event.original", "event.ingested", "error.message", "log.file.path", "source.domain"}
    others |= {"wardkey.evidence"}
    unused = types.keys() - seen - others
    samples.check(not unused, f"index-template.json: mappings of no field: {unused}")

    shipped = {
        "host": {"name": "collector"},
        "log": {"file": {"path": "/var/log/x"}},
        "ecs": {"version": "8"},
    }
    for line, record in zip(samples.lines("ecs"), RECORDS, strict=True):
        got = ingest(copy.deepcopy(shipped) | {"message": line}, pipeline["processors"])
        wanted = copy.deepcopy(record)
        merge(
            wanted,
            {"_id": record["event"]["id"], "log": shipped["log"], "event": {"original": line}},
        )
        samples.check(got == wanted, f"ingest-pipeline.json: {got} is not {wanted}")
    query = (FOLDER / "silence.esql").read_text()
    named = set(re.findall(r"\b(?:event|host)\.[a-z]+", query))
    samples.check(named and named <= types.keys(), f"silence.esql: {named}")
    print(
        f"elastic: {len(types)} mappings fit {len(RECORDS)} records and the hostile ones; ingested"
    )


if __name__ == "__main__":
    main()
