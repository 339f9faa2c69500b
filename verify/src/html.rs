//! The report as a page to print: one file, without scripts, and nothing is loaded from anywhere.

use std::fmt::Write as _;
use std::path::Path;

use wardkey_core::name::{Language, printable};

use crate::error::{Error, Result};
use crate::report::Report;
use crate::texts::{Phrase, Text};

/// The longest text in characters.
const LONGEST: usize = 4096;
const STYLE: &str = "body{font:11pt/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;\
    color:#111;background:#fff}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.8em}\
    table{border-collapse:collapse;width:100%}th,td{border:1px solid #888;padding:.3em .5em;\
    text-align:left;vertical-align:top;overflow-wrap:anywhere}tr{break-inside:avoid}\
    .fault{border:2px solid #a00}.whole{border:2px solid #060}.verdict{padding:.6em 1em;\
    font-weight:bold}li{overflow-wrap:anywhere}@page{margin:2cm}";

/// Writes the page.
///
/// # Errors
/// [`Error::File`].
pub fn write(path: &Path, report: &Report, language: Language) -> Result<()> {
    std::fs::write(path, page(report, language)).map_err(Error::io(path))
}

fn page(report: &Report, language: Language) -> String {
    let say = |phrase: Phrase| escaped(&phrase.say(language));
    let (title, class) = (
        say(Text::ReportTitle.into()),
        match report.findings.faults() {
            0 => "whole",
            _ => "fault",
        },
    );
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p class=\"verdict {class}\">{}</p>\n",
        say(report.conclusion())
    );
    list(&mut out, &say(Text::ReportChecked.into()), report.checked().into_iter().map(say));

    if !report.findings.listed().is_empty() {
        let heads = [Text::ReportPlace, Text::ReportWhat, Text::ReportCode];
        let heads = heads.map(|head| format!("<th scope=\"col\">{}</th>", say(head.into())));
        let _ = writeln!(
            out,
            "<h2>{}</h2>\n<table>\n<thead><tr>{}</tr></thead>\n<tbody>",
            say(Text::ReportFound.into()),
            heads.concat()
        );
        for finding in report.findings.listed() {
            let (place, what) = (say(finding.place()), say(finding.sentence()));
            let code = finding.code;
            let _ = writeln!(out, "<tr><td>{place}</td><td>{what}</td><td>{code}</td></tr>");
        }
        out.push_str("</tbody>\n</table>\n");
    }
    if report.unlisted() > 0 {
        let left = Text::Unlisted.with([("count", report.unlisted().into())]);
        let _ = writeln!(out, "<p>{}</p>", say(left));
    }
    list(&mut out, &say(Text::ReportUnchecked.into()), report.unchecked().into_iter().map(say));
    out.push_str("</body>\n</html>\n");
    out
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let _ = writeln!(out, "<h2>{title}</h2>\n<ul>");
    items.for_each(|item| {
        let _ = writeln!(out, "<li>{item}</li>");
    });
    out.push_str("</ul>\n");
}

/// A text that is nothing but text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text, LONGEST).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_part_of_the_page() {
        assert_eq!(escaped("<a href='x'>&\"\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;?");
    }
}
