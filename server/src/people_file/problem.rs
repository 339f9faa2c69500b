//! What is wrong in a file, where, and in words.

use wardkey_core::code::Code;
use wardkey_core::phrase::Phrase;
use wardkey_core::texts;

use crate::texts::Text;

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1, as an editor counts.
    pub line: u64,
    /// What.
    pub wrong: Wrong,
}

/// What is wrong; with the value as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The characters are of no encoding that we know.
    Encoding,
    /// The file names nobody.
    Nobody,
    /// The first line names no columns.
    NoHeader,
    /// A column that there is not, or for the second time.
    Column(String),
    /// More values than columns.
    Cells(String),
    /// A quotation mark without its second one.
    Quote,
    /// Not a JSON object; the character at which the reading stopped.
    Json(usize),
    /// A member of the wrong kind.
    Kind(String),
    /// A value that must be there is not.
    Missing(&'static str),
    /// Not a login name.
    Login(String),
    /// Not a name of a person.
    Name(String),
    /// Not a name in Latin letters.
    LatinName(String),
    /// Not a language.
    Language(String),
    /// A scope that there is not.
    Scope(String),
    /// Not the name of a group.
    Group(String),
    /// Not a day or time.
    Date(&'static str, String),
    /// The validity ends before it begins.
    Dates,
    /// More of them than there may be.
    TooMany(&'static str, usize),
    /// The login name for the second time.
    Twice(String),
    /// The person is there already.
    Exists(String),
    /// A loaner key has the login name.
    Loaner(String),
    /// The login name of an account that every system has.
    Reserved(String),
    /// A login name that differs from another one in case only.
    Alike(String),
    /// A key that cannot be taken; for who made the file.
    Key(Phrase),
}

impl Problem {
    /// On a line.
    pub const fn at(line: u64, wrong: Wrong) -> Self {
        Self { line, wrong }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self.wrong {
            Wrong::Encoding => Code::ImportEncoding,
            Wrong::Nobody => Code::ImportNobody,
            Wrong::NoHeader => Code::ImportHeader,
            Wrong::Column(_) => Code::ImportColumn,
            Wrong::Cells(_) => Code::ImportCells,
            Wrong::Quote => Code::ImportQuote,
            Wrong::Json(_) => Code::ImportJson,
            Wrong::Kind(_) => Code::ImportKind,
            Wrong::Missing(_) => Code::ImportMissing,
            Wrong::Login(_) => Code::ImportLogin,
            Wrong::Name(_) => Code::ImportName,
            Wrong::LatinName(_) => Code::ImportLatinName,
            Wrong::Language(_) => Code::ImportLanguage,
            Wrong::Scope(_) => Code::ImportScope,
            Wrong::Group(_) => Code::ImportGroup,
            Wrong::Date(..) => Code::ImportDate,
            Wrong::Dates => Code::ImportDates,
            Wrong::TooMany(..) => Code::ImportTooMany,
            Wrong::Twice(_) => Code::ImportTwice,
            Wrong::Exists(_) | Wrong::Loaner(_) => Code::ImportExists,
            Wrong::Reserved(_) => Code::LoginReserved,
            Wrong::Alike(_) => Code::LoginAlike,
            Wrong::Key(_) => Code::ImportKey,
        }
    }

    /// The value that is wrong.
    pub fn value(&self) -> Option<String> {
        match &self.wrong {
            Wrong::Encoding | Wrong::Nobody | Wrong::NoHeader | Wrong::Quote | Wrong::Dates => None,
            Wrong::Missing(_) => None,
            Wrong::Json(at) => Some(at.to_string()),
            Wrong::TooMany(_, most) => Some(most.to_string()),
            Wrong::Column(value)
            | Wrong::Cells(value)
            | Wrong::Kind(value)
            | Wrong::Login(value)
            | Wrong::Name(value)
            | Wrong::LatinName(value)
            | Wrong::Language(value)
            | Wrong::Scope(value)
            | Wrong::Group(value)
            | Wrong::Date(_, value)
            | Wrong::Twice(value)
            | Wrong::Exists(value)
            | Wrong::Loaner(value)
            | Wrong::Reserved(value)
            | Wrong::Alike(value) => Some(value.clone()),
            Wrong::Key(why) => Some(why.to_string()),
        }
    }

    /// The column that it is in, where one is known.
    pub const fn column(&self) -> Option<&'static str> {
        match self.wrong {
            Wrong::Login(_)
            | Wrong::Twice(_)
            | Wrong::Exists(_)
            | Wrong::Loaner(_)
            | Wrong::Reserved(_)
            | Wrong::Alike(_) => Some("login"),
            Wrong::Name(_) => Some("name"),
            Wrong::LatinName(_) => Some("latin_name"),
            Wrong::Language(_) => Some("language"),
            Wrong::Scope(_) => Some("scopes"),
            Wrong::Group(_) => Some("groups"),
            Wrong::Dates => Some("valid_until"),
            Wrong::Missing(column) | Wrong::Date(column, _) | Wrong::TooMany(column, _) => {
                Some(column)
            }
            Wrong::Key(_) => Some("credentials"),
            _ => None,
        }
    }

    /// The sentence.
    pub fn message(&self) -> Phrase {
        let shown = |value: String| if value.is_empty() { "\"\"".into() } else { value.into() };
        let value: Option<Phrase> = match &self.wrong {
            // Nobody is passed over for it, so the code's own sentence is not said.
            Wrong::Loaner(name) => {
                return Text::ImportLoaner.with([("name", name.as_str().into())]);
            }
            Wrong::Key(why) => Some(why.clone()),
            _ => self.value().map(shown),
        };
        let mut args = Vec::new();
        if let Some(column) = self.column() {
            args.push(("column", column.into()));
        }
        if let Some(value) = value {
            args.push(("value", value));
        }
        texts::phrase(self.code(), args)
    }
}
