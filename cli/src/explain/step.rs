//! The steps of an explanation, and what follows from them.

use serde_json::{Value, json};
use wardkey_core::code::{Code, Denial};
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;

use crate::texts::{Phrase, Text};

/// What a step is about, in the order of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Account,
    Service,
    Configuration,
    Agent,
    Terminal,
    Clock,
    Directory,
    Person,
    Policy,
    Keys,
    Plugged,
    TemporaryCode,
    Vouch,
    BreakGlass,
}

impl Topic {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Service => "service",
            Self::Configuration => "configuration",
            Self::Agent => "agent",
            Self::Terminal => "terminal",
            Self::Clock => "clock",
            Self::Directory => "directory",
            Self::Person => "person",
            Self::Policy => "policy",
            Self::Keys => "keys",
            Self::Plugged => "plugged",
            Self::TemporaryCode => "temporary_code",
            Self::Vouch => "vouch",
            Self::BreakGlass => "break_glass",
        }
    }

    const fn text(self) -> Text {
        match self {
            Self::Account => Text::TryAccount,
            Self::Service => Text::TryService,
            Self::Configuration => Text::TryConfiguration,
            Self::Agent => Text::TryAgent,
            Self::Terminal => Text::Terminal,
            Self::Clock => Text::TryClock,
            Self::Directory => Text::Directory,
            Self::Person => Text::TryPerson,
            Self::Policy => Text::TryPolicy,
            Self::Keys => Text::TryKeys,
            Self::Plugged => Text::TryPlugged,
            Self::TemporaryCode => Text::TryTemporaryCode,
            Self::Vouch => Text::TryVouch,
            Self::BreakGlass => Text::TryBreakGlass,
        }
    }
}

/// What a step says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passes,
    Refuses(Code),
    /// Worth knowing; refuses nobody.
    Note(Option<Code>),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    topic: Topic,
    verdict: Verdict,
    /// Arguments of the code's sentence.
    args: Vec<(&'static str, String)>,
    details: Vec<Phrase>,
    /// The rule of the policy that decided.
    rule: Option<&'static str>,
}

impl Step {
    fn new(topic: Topic, verdict: Verdict) -> Self {
        Self { topic, verdict, args: Vec::new(), details: Vec::new(), rule: None }
    }

    pub(crate) fn passes(topic: Topic, detail: impl Into<Phrase>) -> Self {
        Self::new(topic, Verdict::Passes).detail(detail)
    }

    pub(crate) fn refuses(topic: Topic, code: Code) -> Self {
        Self::new(topic, Verdict::Refuses(code))
    }

    pub(crate) fn denied(topic: Topic, denial: &Denial) -> Self {
        Self::refuses(topic, denial.code).detail(denial.detail.clone())
    }

    pub(crate) fn note(topic: Topic, detail: impl Into<Phrase>) -> Self {
        Self::new(topic, Verdict::Note(None)).detail(detail)
    }

    /// A note with the sentence of a code.
    pub(crate) fn noted(topic: Topic, code: Code) -> Self {
        Self::new(topic, Verdict::Note(Some(code)))
    }

    /// An argument of the code's sentence.
    pub(crate) fn argument(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<Phrase>) -> Self {
        self.details.push(detail.into());
        self
    }

    pub(crate) fn decided_by(self, rule: &'static str) -> Self {
        let step = self.detail(Text::TryRule.with([("rule", rule.into())]));
        Self { rule: Some(rule), ..step }
    }

    fn refuses_login(&self) -> bool {
        matches!(self.verdict, Verdict::Refuses(_))
    }

    /// The sentence of its code.
    fn message(&self, language: Language) -> Option<String> {
        let args: Vec<_> = self.args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.code().map(|code| texts::message(code, language, &args))
    }

    fn with_code(&self, language: Language) -> Option<String> {
        let (message, code) = (self.message(language)?, self.code()?);
        Some(format!("{message} ({code})"))
    }

    const fn code(&self) -> Option<Code> {
        match self.verdict {
            Verdict::Refuses(code) => Some(code),
            Verdict::Note(code) => code,
            Verdict::Passes => None,
        }
    }

    const fn word(&self) -> (Text, &'static str) {
        match self.verdict {
            Verdict::Passes => (Text::TryOk, "ok"),
            Verdict::Refuses(_) => (Text::TryRefused, "refused"),
            Verdict::Note(_) => (Text::TryNote, "note"),
        }
    }

    /// One line that a screen reader reads whole, and a line for each further detail.
    fn in_words(&self, language: Language) -> String {
        let sentence = self.with_code(language);
        let details = self.details.iter().map(|detail| printable(&detail.say(language), 400));
        let mut lines = sentence.into_iter().chain(details);
        let first = lines.next().unwrap_or_default();
        let mut text = Text::TryLine.say_with(
            language,
            &[
                ("word", &self.word().0.say(language)),
                ("topic", &self.topic.text().say(language)),
                ("text", &first),
            ],
        );
        for line in lines {
            text += &format!("\n    {line}");
        }
        text
    }

    fn to_json(&self) -> Value {
        let details = |language| self.details.iter().map(move |detail| detail.say(language));
        json!({
            "step": self.topic.name(),
            "result": self.word().1,
            "code": self.code().map(|code| code.to_string()),
            "message": self.message(Language::En),
            "message_ja": self.message(Language::Ja),
            "details": details(Language::En).collect::<Vec<_>>(),
            "details_ja": details(Language::Ja).collect::<Vec<_>>(),
            "rule": self.rule,
        })
    }
}

/// How the login would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End<'s> {
    /// A key and its PIN are asked for, and let the person in.
    ByKey,
    /// None of the person's keys may be used, but the temporary code of a pass.
    ByCode,
    /// No key is asked for: the other modules decide.
    WithoutKey,
    /// A shared account: whose key it is decides.
    Depends,
    /// Refused, by this step.
    Refused(&'s Step),
}

/// All steps.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) steps: Vec<Step>,
    /// That the module would not ask at all.
    pub(crate) passed_over: bool,
}

impl Explanation {
    pub(crate) fn end(&self) -> End<'_> {
        if self.passed_over {
            return End::WithoutKey;
        }
        let of = |topic: Topic| self.steps.iter().find(|step| step.topic == topic);
        let by_code = of(Topic::TemporaryCode).is_some_and(|step| step.verdict == Verdict::Passes);
        match self.steps.iter().find(|step| step.refuses_login()) {
            None if of(Topic::Keys).is_none() => End::Depends,
            None => End::ByKey,
            Some(step) if step.topic == Topic::Keys && by_code => End::ByCode,
            Some(step) => End::Refused(step),
        }
    }

    pub(crate) fn in_words(&self, language: Language) -> String {
        let lines: Vec<_> = self.steps.iter().map(|step| step.in_words(language)).collect();
        let end = match self.end() {
            End::ByKey => Text::TryEndKey.say(language),
            End::ByCode => Text::TryEndCode.say(language),
            End::WithoutKey => Text::TryEndWithout.say(language),
            End::Depends => Text::TryEndDepends.say(language),
            End::Refused(step) => {
                let sentence = step.with_code(language).unwrap_or_default();
                Text::TryEndRefused.say_with(language, &[("sentence", &sentence)])
            }
        };
        format!("{}\n\n{end}", lines.join("\n"))
    }

    pub(crate) fn to_json(&self) -> Value {
        let (end, code) = match self.end() {
            End::ByKey => ("key", None),
            End::ByCode => ("temporary_code", None),
            End::WithoutKey => ("without_key", None),
            End::Depends => ("depends", None),
            End::Refused(step) => ("refused", step.code().map(|code| code.to_string())),
        };
        json!({
            "end": end,
            "code": code,
            "steps": self.steps.iter().map(|step| step.to_json()).collect::<Vec<_>>(),
        })
    }
}
