//! What is wrong with a command line, in both languages, and where to look.
//!
//! clap says it in English only. Its errors name the kind of fault and what it is about; the
//! sentences are ours.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use wardkey_core::name::NameError;
use wardkey_core::phrase::Phrase;

use crate::texts::Text;

/// Why a value is not taken. Readers of arguments return it.
#[derive(Debug)]
pub struct Wrong(Phrase);

impl Wrong {
    /// For this reason.
    pub fn new(why: impl Into<Phrase>) -> Self {
        Self(why.into())
    }

    /// The reason.
    pub fn into_phrase(self) -> Phrase {
        self.0
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Wrong {}

impl From<NameError> for Wrong {
    fn from(error: NameError) -> Self {
        Self(of_name(error))
    }
}

/// Reads a whole number.
pub fn number<T: TryFrom<u64>>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<T, Wrong> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            Wrong(Text::FromTo.with([("least", least.into()), ("most", most.into())]))
        })
    }
}

/// What is wrong with the arguments that a program was given.
pub fn explain(error: &clap::Error, program: &Command, given: &[OsString]) -> Phrase {
    let command = path(program, given).into();
    Text::See.with([("what", what(error)), ("command", command)])
}

fn what(error: &clap::Error) -> Phrase {
    let name = |kind| texts(error, kind).join(", ");
    let argument = || ("name", name(ContextKind::InvalidArg).into());
    let value = name(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidSubcommand => like(
            (Text::UnknownCommand, Text::UnknownCommandLike),
            name(ContextKind::InvalidSubcommand),
            texts(error, ContextKind::SuggestedSubcommand),
        ),
        ErrorKind::UnknownArgument => like(
            (Text::UnknownArgument, Text::UnknownArgumentLike),
            name(ContextKind::InvalidArg),
            texts(error, ContextKind::SuggestedArg),
        ),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Text::NoCommand.into()
        }
        ErrorKind::MissingRequiredArgument => {
            Text::Missing.with([("names", name(ContextKind::InvalidArg).into())])
        }
        ErrorKind::ArgumentConflict => conflict(error),
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => {
            Text::ValueMissing.with([argument()])
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            Text::ValueWrong.with([argument(), ("value", value.into()), ("why", why(error))])
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            Text::ValuesWrong.with([argument()])
        }
        ErrorKind::InvalidUtf8 => Text::NotUtf8.into(),
        other => other.to_string().into(),
    }
}

fn like((alone, with): (Text, Text), name: String, known: Vec<String>) -> Phrase {
    let name = ("name", name.into());
    match known.into_iter().next() {
        Some(known) => with.with([name, ("like", known.into())]),
        None => alone.with([name]),
    }
}

fn conflict(error: &clap::Error) -> Phrase {
    let one = texts(error, ContextKind::InvalidArg).join(", ");
    let others = texts(error, ContextKind::PriorArg);
    if others.is_empty() || others.iter().all(|other| *other == one) {
        return Text::GivenTwice.with([("name", one.into())]);
    }
    Text::Conflict.with([("one", one.into()), ("other", others.join(", ").into())])
}

fn why(error: &clap::Error) -> Phrase {
    let values = texts(error, ContextKind::ValidValue);
    if !values.is_empty() {
        return Text::OneOf.with([("values", values.join(", ").into())]);
    }
    let Some(cause) = error.source() else { return error.kind().to_string().into() };
    if let Some(Wrong(why)) = cause.downcast_ref::<Wrong>() {
        return why.clone();
    }
    match cause.downcast_ref::<NameError>() {
        Some(error) => of_name(*error),
        None => cause.to_string().into(),
    }
}

fn of_name(error: NameError) -> Phrase {
    let words = match kind_of(error) {
        "login name" => (Text::KindLogin, Text::OfLogin),
        "scope name" => (Text::KindScope, Text::OfScope),
        "group name" => (Text::KindGroup, Text::OfGroup),
        "PAM service name" => (Text::KindService, Text::OfService),
        "relying party id" => (Text::KindRpId, Text::OfRpId),
        "display text" => (Text::KindLabel, Text::OfLabel),
        "name in Latin letters" => (Text::KindLatin, Text::OfLatin),
        "language" => (Text::KindLanguage, Text::OfLanguage),
        _ => return error.to_string().into(),
    };
    let kind = ("kind", words.0.into());
    match error {
        NameError::Length { max, .. } => {
            Text::NameLength.with([kind, ("max", (max as u64).into())])
        }
        NameError::Character { .. } => Text::NameMadeOf.with([kind, ("allowed", words.1.into())]),
    }
}

const fn kind_of(error: NameError) -> &'static str {
    match error {
        NameError::Length { kind, .. } | NameError::Character { kind, .. } => kind,
    }
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        Some(ContextValue::StyledStrs(texts)) => texts.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// The command that was asked for, as far as it is one: `wardkey key list`.
fn path(program: &Command, given: &[OsString]) -> String {
    let mut path = program.get_name().to_owned();
    let mut command = program;
    for word in given.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(sub) = command.find_subcommand(word).filter(|sub| sub.get_name() != "help") {
            path = format!("{path} {}", sub.get_name());
            command = sub;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};
    use wardkey_core::name::{
        DisplayText, GroupName, Language, LatinName, LoginName, RpId, ScopeName, ServiceName,
    };

    use super::*;

    fn tool() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let count = Arg::new("count").long("count").value_parser(number::<u8>(1, 9));
        let lang = Arg::new("lang").long("lang").value_parser(["ja", "en"]);
        let add = Command::new("add")
            .arg(Arg::new("login").required(true).value_parser(clap::value_parser!(LoginName)))
            .args([count, lang, flag("one"), flag("other").conflicts_with("one")]);
        Command::new("tool").subcommand_required(true).subcommand(add)
    }

    #[test]
    fn what_is_wrong_is_said_in_both_languages_with_where_to_look() {
        for (line, en, ja) in [
            (
                "",
                "a command is missing. See: tool --help",
                "コマンドを指定してください。使い方: tool --help",
            ),
            ("ad", "there is no command \"ad\"; is \"add\" meant?", "「add」ではありませんか"),
            ("zzz", "there is no command \"zzz\"", "というコマンドはありません"),
            (
                "add x --coun 1",
                "\"--coun\" is not understood here; is \"--count\" meant?",
                "ここでは使えません",
            ),
            ("add x y", "\"y\" is not understood here", "「y」はここでは使えません"),
            ("add", "missing: <login>. See: tool add --help", "次の指定が必要です: <login>"),
            ("add x --one --other", "exclude each other", "同時に指定できません"),
            ("add x --one --one", "--one is given twice", "2 回指定"),
            ("add x --count", "--count <count> needs a value", "値が必要です"),
            (
                "add x --count 10",
                "\"10\" does not fit --count <count>: a whole number from 1 to 9",
                "1～9 の整数",
            ),
            ("add x --lang fr", "one of ja, en", "ja, en のいずれか"),
            ("add -- -x", "a login name is made of letters, digits", "ログイン名に使えるのは"),
        ] {
            let given: Vec<OsString> = "tool"
                .split(' ')
                .chain(line.split(' ').filter(|w| !w.is_empty()))
                .map(Into::into)
                .collect();
            let error = tool().try_get_matches_from(&given).unwrap_err();
            let said = explain(&error, &tool(), &given);
            assert!(said.to_string().contains(en), "{line}: {said}");
            let said = said.say(Language::Ja);
            assert!(said.contains(ja), "{line}: {said}");
        }
    }

    #[test]
    fn every_kind_of_name_has_its_words() {
        for error in [
            LoginName::new("-").unwrap_err(),
            ScopeName::new("-").unwrap_err(),
            GroupName::new("-").unwrap_err(),
            ServiceName::new("-").unwrap_err(),
            RpId::new("-").unwrap_err(),
            DisplayText::new("\u{1b}").unwrap_err(),
            LatinName::new("花子").unwrap_err(),
            "xx".parse::<Language>().unwrap_err(),
            LoginName::new("").unwrap_err(),
            DisplayText::new("").unwrap_err(),
        ] {
            let phrase = of_name(error);
            assert_eq!(phrase.to_string(), error.to_string());
            assert_ne!(phrase.say(Language::Ja), error.to_string());
        }
    }
}
