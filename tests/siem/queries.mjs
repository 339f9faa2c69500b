// Parses the queries in siem/ by the languages' own parsers: KQL with its types and columns
// (Microsoft's Kusto.Language), LogQL (Grafana's grammar).
//
//     queries.mjs FOLDER: FOLDER has what the back ends made of the Sigma rules
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "x"));
require("@kusto/language-service-next/bridge.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.js");
const { parser: logql } = require("@grafana/lezer-logql");

const siem = join(import.meta.dirname, "../../siem");
const made = process.argv[2];
const read = (folder, file) => readFileSync(join(folder, file), "utf8");
const complaints = [];

// What Log Analytics has of syslog messages.
const syslog = `let Syslog = datatable(TimeGenerated: datetime, HostName: string, Facility: string,
  SeverityLevel: string, ProcessName: string, ProcessID: int, SyslogMessage: string)[];\n`;

function kql(name, text) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, Kusto.Language.GlobalState.Default);
  const found = code.GetDiagnostics();
  for (let n = 0; n < found.Count; n++) complaints.push(`${name}: ${found.getItem(n).Message}`);
  return code;
}

function checkKql() {
  const records = read(siem, "sentinel/WardkeyRecords.kql");
  const columns = kql("WardkeyRecords.kql", syslog + records).ResultType.Columns;
  const names = [];
  for (let n = 0; n < columns.Count; n++) names.push(columns.getItem(n).Name);
  // AUDIT.md's table of fields; the time has Log Analytics' own name. The server adds a verdict.
  const audit = read(siem, "../docs/AUDIT.md").split("| event | code |")[0];
  const rows = [...audit.matchAll(/^\| (`[a-z`, ]+`) \|/gm)].map((row) => row[1].split(", "));
  const fields = rows.flat().map((name) => name.replaceAll("`", ""));
  const known = ["TimeGenerated", "host", "verdict", ...fields.filter((name) => name !== "time")];
  const differ = [...names, ...known].filter((n) => !(known.includes(n) && names.includes(n)));
  if (differ.length) complaints.push(`WardkeyRecords.kql: columns and AUDIT.md differ: ${differ}`);

  const before = `${syslog}let WardkeyRecords = ${records};\n`;
  const counted = read(siem, "sentinel/counted.kql").split(";\n");
  const sigma = read(made, "sigma.kusto").split("\n\n");
  const queries = [read(siem, "sentinel/silence.kql"), ...counted, ...sigma];
  const asked = queries.filter((query) => query.trim());
  for (const query of asked) kql(query, before + query);
  console.log(`KQL: the function, its ${names.length} columns, and ${asked.length} queries on it`);
}

function checkLogql() {
  const dashboard = JSON.parse(read(siem, "grafana/wardkey-dashboard.json"));
  const panels = dashboard.panels.flatMap((panel) => panel.targets.map((target) => target.expr));
  const sigma = read(made, "sigma.loki").trim().split("\n\n");
  const queries = [...panels, ...sigma];
  for (const query of queries) {
    // Grafana fills these in.
    const text = query.replaceAll("$__range", "1h").replaceAll("$__interval", "1m");
    logql.parse(text).iterate({
      enter: (node) => {
        if (node.type.isError) complaints.push(`LogQL at ${node.from}: ${query}`);
      },
    });
  }
  console.log(`LogQL: ${panels.length} queries of the dashboard, ${sigma.length} of Sigma`);
}

checkKql();
checkLogql();
if (complaints.length) {
  console.error(complaints.join("\n"));
  process.exit(1);
}
