"""Graylog's rules and Grafana's dashboard: they name fields and events that there are."""

import json
import pathlib
import re

import samples

SIEM = pathlib.Path(__file__).parents[2] / "siem"
EVENTS = {record["event"] for record in samples.events()}


def main():
    texts = [path.read_text() for path in (SIEM / "graylog").glob("*.rule")]
    named = [
        f for text in texts for f in re.findall(r'(?:has_field\("|\$message\.)([a-z_]+)', text)
    ]
    strange = set(named) - samples.FIELDS - {"application_name", "vendor_subtype"}
    samples.check(not strange, f"graylog: no such field: {strange}")
    events = {
        e
        for text in texts
        for found in re.findall(r"\^\(([a-z|-]+)\)\$", text)
        for e in found.split("|")
    }
    rules = set(re.findall(r'^rule "(.*)"$', "\n".join(texts), re.M))
    run = re.findall(r'^rule "(.*)"$', (SIEM / "graylog/wardkey.pipeline").read_text(), re.M)
    samples.check(rules == set(run) and len(run) == len(rules), f"graylog: {rules} and {run}")

    dashboard = json.loads((SIEM / "grafana/wardkey-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    samples.check(
        len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]),
        "ids of panels",
    )
    for query in queries:
        for field, value in re.findall(r'\| ([a-z_]+)=~?"([^"]*)"', query):
            samples.check(field in samples.FIELDS, f"dashboard: no such field: {field}")
            events |= set(value.split("|")) if field == "event" else set()
        for field in re.findall(r"sum by \((\w+)\)", query) + re.findall(r"\{\{\.(\w+)\}\}", query):
            samples.check(field in samples.FIELDS | {"host"}, f"dashboard: no such field: {field}")
    samples.check(events <= EVENTS, f"no such event: {events - EVENTS}")
    print(f"graylog, grafana: {len(rules)} rules and {len(queries)} queries name what there is")


if __name__ == "__main__":
    main()
