"""The Sigma rules: what each must have, what each fires at, and what back ends make of them.

rules.py FOLDER: FOLDER gets the queries of the back ends, one file for each kind.
"""

import json
import pathlib
import re
import subprocess
import sys

from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
)
from sigma.correlations import SigmaCorrelationRule, SigmaCorrelationType
from sigma.plugins import InstalledSigmaPlugins
from sigma.processing.pipeline import ProcessingPipeline
from sigma.types import SigmaExists, SigmaString
from sigma.validation import SigmaValidator

import samples

ROOT = pathlib.Path(__file__).parents[2]
SIGMA = ROOT / "siem/sigma"
# Those that fetch lists from the network.
FETCHING = {"attacktag", "d3_fendtag"}
# Back ends, their pipelines, and whether they know rules that count.
BACKENDS = {
    "splunk": ("splunk", True),
    "esql": ("elastic", True),
    "lucene": ("elastic", False),
    "kusto": ("sentinel", False),
    "loki": ("loki", True),
}


def load(counted=True):
    """All rules anew, as pipelines change them."""
    folders = ["single", "counted"] if counted else ["single"]
    return SigmaCollection.load_ruleset([SIGMA / "rules" / folder for folder in folders])


def pipeline(name):
    return ProcessingPipeline.from_yaml((SIGMA / f"pipelines/{name}.yml").read_text())


def file_of(rule):
    return rule.source.path.stem


def check_form(rules):
    known = InstalledSigmaPlugins.autodiscover().validators
    validator = SigmaValidator([v for name, v in known.items() if name not in FETCHING])
    issues = validator.validate_rules(rules)
    if issues:
        raise AssertionError(f"pySigma's validators: {issues}")
    ids = [rule.id for rule in rules]
    if len(set(ids)) != len(ids):
        raise AssertionError("two rules have one id")
    for rule in rules:
        for what in (
            "id",
            "status",
            "level",
            "description",
            "references",
            "falsepositives",
            "date",
        ):
            if not getattr(rule, what):
                raise AssertionError(f"{file_of(rule)}: no {what}")


def check_readme(rules):
    """The README names every rule, as it is."""
    table = (ROOT / "siem/README.md").read_text()
    for rule in rules:
        row = f"| `{file_of(rule)}`: {rule.title} | {rule.level} |"
        if rule.level.name != "INFORMATIONAL" and row not in table:
            raise AssertionError(f"siem/README.md has no row: {row}")


def check_words(rules):
    """Rules speak of events, fields and codes that there are."""
    events = [dict(p.split("=", 1) for p in line.split(" ")) for line in samples.lines("keyvalue")]
    words = {event["event"]: event["code"] for event in events}
    fields = samples.FIELDS
    codes = set(re.findall(r"^\| (WK-\d+) \| refusal", (ROOT / "docs/CODES.md").read_text(), re.M))
    for rule in rules:
        if isinstance(rule, SigmaCorrelationRule):
            named = {
                *(rule.group_by or []),
                *([rule.condition.fieldref] if rule.condition.fieldref else []),
            }
            told = {}
        else:
            told = values(rule)
            named = told.keys()
        if not named <= fields:
            raise AssertionError(f"{file_of(rule)}: no such field: {named - fields}")
        for event in told.get("event", ()):
            if event not in words:
                raise AssertionError(f"{file_of(rule)}: no such event: {event}")
            if not any(f"{event}, {words[event]}" in reference for reference in rule.references):
                raise AssertionError(f"{file_of(rule)}: no reference to {event}, {words[event]}")
        for code in told.get("reason", ()):
            if code not in codes:
                raise AssertionError(f"{file_of(rule)}: no such reason: {code}")


def values(rule):
    """The values that a rule names, by field."""
    found = {}
    for detection in rule.detection.detections.values():
        for item in detection.detection_items:
            found.setdefault(item.field, []).extend(str(value) for value in item.value)
    return found


def matches(condition, record):
    """Whether a record fulfils a condition of Sigma."""
    match condition:
        case ConditionAND():
            return all(matches(arg, record) for arg in condition.args)
        case ConditionOR():
            return any(matches(arg, record) for arg in condition.args)
        case ConditionNOT():
            return not matches(condition.args[0], record)
        case ConditionFieldEqualsValueExpression(field=field, value=SigmaExists() as value):
            return (record.get(field) is not None) == value.exists
        case ConditionFieldEqualsValueExpression(field=field, value=SigmaString() as value):
            told = record.get(field)
            return told is not None and told.lower() == str(value).lower()
    raise AssertionError(f"the test does not know this condition: {condition!r}")


def fires(rule, records):
    """Whether a rule fires at records, each with its time in seconds."""
    if not isinstance(rule, SigmaCorrelationRule):
        condition = rule.detection.parsed_condition[0].parse()
        return any(matches(condition, record) for _, record in records)
    (base,) = rule.rules
    condition = base.rule.detection.parsed_condition[0].parse()
    chosen = [(when, record) for when, record in records if matches(condition, record)]
    groups = {}
    for when, record in chosen:
        key = tuple(record.get(field) for field in rule.group_by or [])
        groups.setdefault(key, []).append((when, record))
    return any(reaches(rule, group, begin) for group in groups.values() for begin, _ in group)


def reaches(rule, group, begin):
    """Whether a group has enough in the time that begins with one of its records."""
    span = [record for when, record in group if 0 <= when - begin < rule.timespan.seconds]
    if rule.type == SigmaCorrelationType.EVENT_COUNT:
        number = len(span)
    elif rule.type == SigmaCorrelationType.VALUE_COUNT:
        number = len({record.get(rule.condition.fieldref) for record in span} - {None})
    else:
        raise AssertionError(f"the test does not know {rule.type}")
    if rule.condition.op.name != "GTE":
        raise AssertionError(f"the test does not know {rule.condition.op}")
    return number >= rule.condition.count


def from_keyvalue(line):
    record = dict(pair.split("=", 1) for pair in line.split(" "))
    return int(record["time"]), record


def from_ecs(line):
    record = {}

    def put(at, value):
        if isinstance(value, dict):
            for name, inner in value.items():
                put(f"{at}.{name}" if at else name, inner)
        else:
            record[at] = str(value)

    put("", json.loads(line))
    return samples.seconds(record["@timestamp"]), record


def check_stories(rules, form, read):
    """Each rule fires in its story, and does not in the one beside it."""
    stories = {}
    for line in samples.lines(f"stories-{form}"):
        rule, which, record = line.split("\t")
        stories.setdefault((rule, which), []).append(read(record))
    alarming = {file_of(rule): rule for rule in rules if rule.level.name != "INFORMATIONAL"}
    if alarming.keys() != {rule for rule, _ in stories}:
        raise AssertionError(f"rules without story: {alarming.keys() ^ {r for r, _ in stories}}")
    for (name, which), records in stories.items():
        if fires(alarming[name], records) != (which == "fires"):
            raise AssertionError(f"{name} in {form}: is not {which}")
    return len(stories)


def convert(folder):
    """By sigma-cli, as siem/README.md says."""
    for target, (its_pipeline, counts) in BACKENDS.items():
        rules = SIGMA / "rules" / ("." if counts else "single")
        command = ["sigma", "convert", "-t", target, "-p", SIGMA / f"pipelines/{its_pipeline}.yml"]
        done = subprocess.run([*command, rules], capture_output=True, text=True)
        # An empty line stands between queries, and within those that count before a bar.
        queries = done.stdout.replace("\n\n|", "\n|").strip().split("\n\n")
        wanted = sum(rule.level.name != "INFORMATIONAL" for rule in load(counts))
        if done.returncode or len(queries) != wanted or not all(queries):
            raise AssertionError(f"{target}: {len(queries)} of {wanted} rules: {done.stderr}")
        (folder / f"sigma.{target}").write_text("\n\n".join(queries) + "\n")
        print(f"sigma: {len(queries)} rules for {target}")


def main(folder):
    rules = load().rules
    check_form(rules)
    check_readme(rules)
    check_words(rules)
    told = check_stories(rules, "keyvalue", from_keyvalue)
    mapped = load()
    for rule in mapped.rules:
        pipeline("elastic").apply(rule)
    check_stories(mapped.rules, "ecs", from_ecs)
    print(f"sigma: {len(rules)} rules valid; {told} stories told in key=value and in ECS")
    convert(pathlib.Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
