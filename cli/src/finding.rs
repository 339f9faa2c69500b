//! Something that the doctor found.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use wardkey_core::code::Code;
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;
use wardkey_help::json;

use crate::texts::{Phrase, Text};

/// Longest reason in characters.
pub(crate) const MAX_REASON: usize = 200;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A person gets in without a key.
    Open,
    /// Something else is not as it should be.
    Warning,
    /// Worth knowing.
    Note,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub(crate) code: Code,
    pub(crate) level: Level,
    /// What it is about: a service, a file, an account; by this it is accepted.
    pub(crate) subject: String,
    /// Name of the sentence's argument, which is the subject.
    pub(crate) argument: &'static str,
    /// Where: lines and answers.
    pub(crate) details: Vec<Phrase>,
    /// A command, or what to write.
    pub(crate) fix: Option<String>,
    /// What an acceptance is for: more than this is a new finding.
    pub(crate) ways: BTreeSet<String>,
    /// The reason with which it was accepted.
    pub(crate) accepted: Option<String>,
}

impl Finding {
    pub(crate) fn new(
        code: Code,
        level: Level,
        argument: &'static str,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            code,
            level,
            subject: subject.into(),
            argument,
            details: Vec::new(),
            fix: None,
            ways: BTreeSet::new(),
            accepted: None,
        }
    }

    pub(crate) fn detail(mut self, text: impl Into<Phrase>) -> Self {
        self.details.push(text.into());
        self
    }

    pub(crate) fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }

    pub(crate) fn way(mut self, way: impl Into<String>) -> Self {
        self.ways.insert(way.into());
        self
    }

    /// What an acceptance has to name to cover it: its ways, and as what they were accepted. A way
    /// that was accepted for a module that cannot be loaded is not accepted for one that is gone.
    pub(crate) fn accepted_as(&self) -> BTreeSet<String> {
        if self.ways.is_empty() {
            return BTreeSet::from([self.code.to_string()]);
        }
        self.ways.iter().map(|way| format!("{} {way}", self.code)).collect()
    }

    /// Whether it lets a person in without a key, and nobody has accepted that.
    pub(crate) fn is_open(&self) -> bool {
        self.level == Level::Open && self.accepted.is_none()
    }

    /// Whether somebody should do something.
    pub(crate) fn matters(&self) -> bool {
        self.level < Level::Note && self.accepted.is_none()
    }

    fn sentence(&self) -> Phrase {
        texts::phrase(self.code, vec![(self.argument, self.subject.as_str().into())])
    }

    /// The sentence with its code, where it is, what to do, and why it was accepted.
    pub(crate) fn in_words(&self, language: Language) -> String {
        let mut text = format!("{} ({})", self.sentence().say(language), self.code);
        for detail in &self.details {
            text += &format!("\n  {}", printable(&detail.say(language), 1000));
        }
        if let Some(command) = &self.fix {
            text += &format!("\n  {}: {}", Text::Fix.say(language), printable(command, 400));
        }
        if let Some(reason) = &self.accepted {
            text +=
                &format!("\n  {}: {}", Text::Accepted.say(language), printable(reason, MAX_REASON));
        }
        text
    }

    /// For programs: sentences in English, and in Japanese beside them.
    pub(crate) fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("code".into(), self.code.to_string().into());
        fields.insert("level".into(), self.level.name().into());
        fields.insert("subject".into(), self.subject.as_str().into());
        json::say(&mut fields, "message", &self.sentence());
        for (name, language) in [("details", Language::En), ("details_ja", Language::Ja)] {
            let said = self.details.iter().map(|detail| detail.say(language).into());
            fields.insert(name.into(), Value::Array(said.collect()));
        }
        fields.insert("fix".into(), self.fix.as_deref().into());
        fields.insert("accepted".into(), self.accepted.as_deref().into());
        fields.into()
    }
}
