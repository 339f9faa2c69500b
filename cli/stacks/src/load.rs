//! The files of a service, read into lists of lines (`_pam_init_handlers` and
//! `_pam_parse_conf_file`).

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::control::{Action, Control};
use crate::doubt::Doubt;
use crate::line::{self, Words};
use crate::machine::{Found, Machine};

/// `PAM_SUBSTACK_MAX_LEVEL`. libpam 1.7 counts every include, 1.5 only substacks.
const MAX_DEPTH: usize = 16;
/// Lines of one service; a bound of this library.
const MAX_LINES: usize = 2000;
/// Files that are read for one service, again for each include; a bound of this library.
const MAX_FILES: usize = 1000;

/// Which of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Who is it.
    Auth,
    /// May the account be used now.
    Account,
    /// A new secret.
    Password,
    /// Before and after.
    Session,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Auth, Self::Account, Self::Password, Self::Session];

    fn index(self) -> usize {
        match self {
            Self::Auth => 0,
            Self::Account => 1,
            Self::Password => 2,
            Self::Session => 3,
        }
    }

    fn named(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| word.eq_ignore_ascii_case(phase.name().as_bytes()))
    }

    /// As the configuration spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::Password => "password",
            Self::Session => "session",
        }
    }
}

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks a module.
    Module {
        /// As written.
        name: Vec<u8>,
        /// Its arguments.
        arguments: Vec<Vec<u8>>,
    },
    /// libpam cannot use the line, and answers `perm_denied` in its place.
    MustFail,
    /// The place where a substack begins.
    Substack,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file it stands in.
    pub file: Rc<Path>,
    /// Its number there, from 1.
    pub number: usize,
    /// Depth of substacks.
    pub level: usize,
    /// What it does.
    pub kind: Kind,
    /// What follows from the answer.
    pub control: Control,
}

/// The lists of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its own; in the order of [`Phase`].
    own: [Vec<Line>; 4],
    /// Those of `other`.
    other: [Vec<Line>; 4],
}

impl Service {
    /// The list that libpam takes for a phase: the service's own lines, else those of `other`.
    pub fn list(&self, phase: Phase) -> &[Line] {
        let of = |lists: &'_ [Vec<Line>; 4]| lists.get(phase.index()).map_or(0, Vec::len);
        let lists = if of(&self.own) > 0 { &self.own } else { &self.other };
        lists.get(phase.index()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the service has lines of its own for a phase.
    pub fn has_own(&self, phase: Phase) -> bool {
        self.own.get(phase.index()).is_some_and(|list| !list.is_empty())
    }
}

/// What came of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// The lists.
    Service(Service),
    /// libpam gives up (`PAM_ABORT`): nobody gets in. Why.
    Refuses(String),
}

/// Reads a service.
///
/// # Errors
/// [`Doubt`] when it cannot be told what libpam would do.
pub fn load(machine: &Machine, service: &str) -> Result<Loaded, Doubt> {
    let mut reader = Reader { machine, service: Service::default(), lines: 0, files: 0 };
    let mut read = false;
    for (name, other) in [(service, service == "other"), ("other", true)] {
        let Some(path) = machine.service(name) else { continue };
        match reader.file(&path, None, Depth::default(), other)? {
            Ended::Whole => read = true,
            Ended::Abort(why) => return Ok(Loaded::Refuses(why)),
        }
    }
    match read {
        true => Ok(Loaded::Service(reader.service)),
        false => Ok(Loaded::Refuses("neither the service nor \"other\" is there".into())),
    }
}

#[derive(Clone, Copy, Default)]
struct Depth {
    includes: usize,
    substacks: usize,
}

/// How a file ended.
enum Ended {
    Whole,
    /// `PAM_ABORT`, after the lines before were taken.
    Abort(String),
}

struct Reader<'m> {
    machine: &'m Machine,
    service: Service,
    lines: usize,
    files: usize,
}

impl Reader<'_> {
    /// Reads a file; `requested`: only these lines.
    fn file(
        &mut self,
        path: &Path,
        requested: Option<Phase>,
        depth: Depth,
        other: bool,
    ) -> Result<Ended, Doubt> {
        let doubt = |line, why: &str| Doubt { file: path.into(), line, why: why.into() };
        let abort =
            |why: &dyn std::fmt::Display| Ok(Ended::Abort(format!("{}: {why}", path.display())));
        if depth.substacks >= MAX_DEPTH {
            return abort(&"too many substacks in one another");
        }
        if depth.includes >= MAX_DEPTH {
            return Err(doubt(None, "too many includes in one another, or a loop"));
        }
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(doubt(None, "includes multiply"));
        }
        let text = match self.machine.read(path) {
            Found::Nothing => return abort(&"there is no such file"),
            Found::Unreadable(why) => return Err(doubt(None, &why)),
            Found::Text(text) => text,
        };
        let split = line::split(&text).map_err(|(number, why)| doubt(Some(number), why))?;
        let file: Rc<Path> = path.into();
        for line in &split.lines {
            let place = Place { file: Rc::clone(&file), number: line.number };
            if let Some(why) = self.line(&place, &line.text, requested, depth, other)? {
                return abort(&format_args!("line {}: {why}", line.number));
            }
        }
        match split.cut {
            true => abort(&"the last line ends with a backslash"),
            false => Ok(Ended::Whole),
        }
    }

    /// Takes one line; a text when libpam gives up there.
    fn line(
        &mut self,
        place: &Place,
        text: &[u8],
        requested: Option<Phase>,
        depth: Depth,
        other: bool,
    ) -> Result<Option<String>, Doubt> {
        let mut words = Words::of(text);
        let mut usable = true;
        let phase = match words.next() {
            None => None,
            Some(word) => {
                let word = word.strip_prefix(b"-").unwrap_or(&word);
                if word.eq_ignore_ascii_case(b"@include") {
                    return self.at_include(place, words.next(), requested, depth, other);
                }
                Phase::named(word)
            }
        };
        let phase = phase.unwrap_or_else(|| {
            usable = false;
            requested.unwrap_or(Phase::Auth)
        });
        if requested.is_some_and(|requested| requested != phase) {
            return Ok(None);
        }
        let control = match words.next() {
            None => {
                usable = false;
                Control::all(Action::Bad)
            }
            Some(word)
                if word.eq_ignore_ascii_case(b"include")
                    || word.eq_ignore_ascii_case(b"substack") =>
            {
                let substack = word.eq_ignore_ascii_case(b"substack");
                return self.include(place, words.next(), phase, substack, depth, other);
            }
            Some(word) => Control::parse(&word)
                .map_err(|_| place.doubt("a jump of that length is not defined"))?,
        };
        let kind = match words.next() {
            Some(name) if nameless(&name) => return Err(place.doubt(NAMELESS)),
            Some(name) if usable => Kind::Module { name, arguments: words.collect() },
            _ => Kind::MustFail,
        };
        self.add(place, phase, depth.substacks, other, kind, control)?;
        Ok(None)
    }

    /// `auth include FILE` and `auth substack FILE`.
    fn include(
        &mut self,
        place: &Place,
        name: Option<Vec<u8>>,
        phase: Phase,
        substack: bool,
        depth: Depth,
        other: bool,
    ) -> Result<Option<String>, Doubt> {
        let name = name.ok_or_else(|| place.doubt("no file is named; Debian's libpam crashes"))?;
        if substack {
            if nameless(&name) {
                return Err(place.doubt(NAMELESS));
            }
            self.add(
                place,
                phase,
                depth.substacks,
                other,
                Kind::Substack,
                Control::all(Action::Bad),
            )?;
        }
        let inner = Depth {
            includes: depth.includes + 1,
            substacks: depth.substacks + usize::from(substack),
        };
        let path = self.included(place, &name)?;
        if let Ended::Abort(_) = self.file(&path, Some(phase), inner, other)? {
            self.add(
                place,
                phase,
                depth.substacks,
                other,
                Kind::MustFail,
                Control::all(Action::Bad),
            )?;
        }
        Ok(None)
    }

    /// Debian's `@include FILE`.
    fn at_include(
        &mut self,
        place: &Place,
        name: Option<Vec<u8>>,
        requested: Option<Phase>,
        depth: Depth,
        other: bool,
    ) -> Result<Option<String>, Doubt> {
        let name = name.ok_or_else(|| place.doubt("no file is named; Debian's libpam crashes"))?;
        let path = self.included(place, &name)?;
        let inner = Depth { includes: depth.includes + 1, ..depth };
        match (self.file(&path, requested, inner, other)?, requested) {
            (Ended::Whole, _) => Ok(None),
            (Ended::Abort(why), None) => Ok(Some(why)),
            // libpam then takes actions that nobody has set.
            (Ended::Abort(why), Some(_)) => Err(place
                .doubt(&format!("what it includes cannot be read, inside of an include: {why}"))),
        }
    }

    fn included(&self, place: &Place, name: &[u8]) -> Result<PathBuf, Doubt> {
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        if name.is_absolute() {
            return Ok(name.into());
        }
        // libpam asks whether /etc/pam.d is there before it looks for anything else.
        if !self.machine.path(&self.machine.includes).is_dir() {
            return Err(place.doubt("there is no folder for what it includes"));
        }
        let path = self.machine.includes.join(name);
        let elsewhere = self.machine.service(&name.to_string_lossy()).is_some_and(|at| at != path);
        match elsewhere {
            // Debian's 1.7.0-8 looks there, 1.7.0-5 and older do not.
            true => Err(place.doubt("only the vendors' folder has what it includes")),
            false => Ok(path),
        }
    }

    fn add(
        &mut self,
        place: &Place,
        phase: Phase,
        level: usize,
        other: bool,
        kind: Kind,
        control: Control,
    ) -> Result<(), Doubt> {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return Err(place.doubt("the service has too many lines"));
        }
        let lists = if other { &mut self.service.other } else { &mut self.service.own };
        if let Some(list) = lists.get_mut(phase.index()) {
            list.push(Line {
                file: Rc::clone(&place.file),
                number: place.number,
                level,
                kind,
                control,
            });
        }
        Ok(())
    }
}

struct Place {
    file: Rc<Path>,
    number: usize,
}

impl Place {
    fn doubt(&self, why: &str) -> Doubt {
        Doubt { file: self.file.to_path_buf(), line: Some(self.number), why: why.into() }
    }
}

const NAMELESS: &str =
    "the name of a file is missing there; libpam 1.5 uses memory that nobody wrote";

/// `extract_modulename` finds nothing: libpam gives up in the middle of a line of its list.
fn nameless(path: &[u8]) -> bool {
    let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let end = base.iter().rposition(|byte| *byte == b'.').unwrap_or(base.len());
    matches!(base.get(..end), None | Some(b"" | b"?"))
}
