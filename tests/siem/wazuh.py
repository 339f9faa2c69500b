"""The decoders and rules for Wazuh, against the records themselves and the stories.

What reads them here is our own reading of the elements that they use: Wazuh is not there.
"""

import pathlib
import re
import xml.etree.ElementTree as ElementTree

import samples

FOLDER = pathlib.Path(__file__).parents[2] / "siem/wazuh"


def xml(name):
    """Wazuh's files have several roots."""
    text = (FOLDER / name).read_text()
    return ElementTree.fromstring(f"<all>{text}</all>")


def pattern(os_regex):
    r"""A pattern of Wazuh's own kind: here only ^, $, | and \d+, which Python reads alike."""
    samples.check(
        re.fullmatch(r"(?:[\w^$|= -]|\\d\+)+", os_regex), f"the test does not know {os_regex}"
    )
    return re.compile(os_regex)


def decoded(decoders, line):
    """The fields that the decoders make of a line of program wardkey."""
    parent, *rest = decoders
    samples.check(pattern(parent.find("program_name").text).search("wardkey"), "program_name")
    samples.check(pattern(parent.find("prematch").text).search(line), f"prematch: {line}")
    found = {}
    for decoder in rest:
        samples.check(
            decoder.find("parent").text == parent.get("name"), "a decoder of another parent"
        )
        samples.check(decoder.find("regex").get("type") == "pcre2", "a pattern of another kind")
        if match := re.search(decoder.find("regex").text, line):
            found[decoder.find("order").text] = match[1]
    return found


class Wazuh:
    """Rules with if_sid, field, if_matched_sid, same_field and different_field."""

    def __init__(self, rules):
        self.rules = rules
        self.seen = []

    def fired(self, source, record):
        """The numbers of all rules that fire at a record, with those that count."""
        now = int(record["time"])
        numbers = set()
        for rule in self.rules:
            number = rule.get("id")
            if self.holds(rule, source, record, numbers) and self.counts(
                rule, record, now, numbers
            ):
                numbers.add(number)
        self.seen.append((now, record, numbers))
        return numbers

    @staticmethod
    def holds(rule, source, record, numbers):
        as_told = rule.findtext("decoded_as") in (None, source)
        parents = rule.findtext("if_sid")
        below = parents is None or numbers & set(parents.split(","))
        told = [(f.get("name"), pattern(f.text)) for f in rule.findall("field")]
        return as_told and below and all(p.search(record.get(name, "")) for name, p in told)

    def counts(self, rule, record, now, numbers):
        matched = rule.findtext("if_matched_sid")
        if matched is None:
            return True
        if matched not in numbers:
            return False
        # Wazuh counts each agent alone, and here each terminal has one.
        everywhere = rule.find("global_frequency") is not None
        same, different = rule.findtext("same_field"), rule.findtext("different_field")
        before = [
            other
            for when, other, fired in self.seen
            if matched in fired
            and now - when < int(rule.get("timeframe"))
            and (everywhere or other["terminal"] == record["terminal"])
            and (same is None or other.get(same) == record.get(same))
            and (different is None or other.get(different) != record.get(different))
        ]
        return len(before) + 1 >= int(rule.get("frequency"))


# Which rule fires where the one of Sigma does.
WAZUH_RULES = {
    "wardkey_pin_guessing": "119060",
    "wardkey_two_places": "119062",
    "wardkey_pass_login": "119012",
    "wardkey_many_passes": "119064",
    "wardkey_pass_guessing": "119061",
    "wardkey_pass_void": "119031",
    "wardkey_break_glass": "119033",
    "wardkey_break_glass_tried": "119034",
    "wardkey_emergency_login": "119013",
    "wardkey_disabled_person": "119017",
    "wardkey_session_without_key": "119044",
    "wardkey_disabled_key": "119016",
    "wardkey_clone_suspected": "119020",
    "wardkey_device_suspected": "119021",
    "wardkey_pin_blocked": "119015",
    "wardkey_locked_out_again": "119063",
    "wardkey_way_in": "119040",
    "wardkey_records_lost": "119041",
    "wardkey_directory_refused": "119042",
    "wardkey_state_set_aside": "119043",
    "wardkey_marks_not_raised": "119043",
    "wardkey_session_not_locked": "119043",
    "wardkey_log_contradicted": "119046",
    "wardkey_clock_wrong": "119045",
    "wardkey_terminal_offline": "119045",
    "wardkey_vouched": "119032",
    "wardkey_many_vouches": "119065",
    "wardkey_evidence_invalid": "119047",
}


def main():
    decoders = list(xml("wardkey_decoders.xml"))
    rules = list(xml("wardkey_rules.xml").iter("rule"))
    numbers = [rule.get("id") for rule in rules]
    samples.check(len(set(numbers)) == len(numbers), "wardkey_rules.xml: a number twice")
    for line, record in zip(samples.lines("keyvalue"), samples.events(), strict=True):
        samples.check(decoded(decoders, line) == record, f"wardkey_decoders.xml: {line}")
    orders = {decoder.findtext("order") for decoder in decoders[1:]}
    samples.check(orders == samples.FIELDS, f"wardkey_decoders.xml: {orders ^ samples.FIELDS}")
    named = {f.get("name") for rule in rules for f in rule.findall("field")}
    for rule in rules:
        named |= set(re.findall(r"\$\((\w+)\)", rule.findtext("description")))
    samples.check(
        named <= samples.FIELDS, f"wardkey_rules.xml: no such field: {named - samples.FIELDS}"
    )

    stories = {}
    for line in samples.lines("stories-keyvalue"):
        name, which, record = line.split("\t")
        stories.setdefault((name, which), []).append(decoded(decoders, record))
    samples.check(
        {name for name, _ in stories} == WAZUH_RULES.keys(), "stories without a rule of Wazuh"
    )
    for source in ("wardkey", "json"):
        for (name, which), records in stories.items():
            run = Wazuh(rules)
            fired = set().union(*(run.fired(source, record) for record in records))
            is_right = (WAZUH_RULES[name] in fired) == (which == "fires")
            samples.check(is_right, f"wardkey_rules.xml: {name} is not {which}: {sorted(fired)}")
    print(
        f"wazuh: {len(decoders)} decoders, {len(rules)} rules, {len(stories)} stories, two sources"
    )


if __name__ == "__main__":
    main()
