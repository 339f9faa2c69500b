//! What a module, or a whole stack, answers.

/// A result of libpam, by its number (`security/_pam_types.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer(u8);

/// As libpam's configuration spells them, by number.
const NAMES: [&str; Answer::COUNT] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
];

impl Answer {
    /// How many there are.
    pub const COUNT: usize = 32;
    /// In.
    pub const SUCCESS: Self = Self(0);
    /// The module is used wrongly.
    pub const SERVICE_ERR: Self = Self(3);
    /// Refused; what libpam itself says of a line that it cannot use.
    pub const PERM_DENIED: Self = Self(6);
    /// The wrong secret.
    pub const AUTH_ERR: Self = Self(7);
    /// Nobody of that name here.
    pub const USER_UNKNOWN: Self = Self(10);
    /// In, once the secret is changed.
    pub const NEW_AUTHTOK_REQD: Self = Self(12);
    /// The account is over.
    pub const ACCT_EXPIRED: Self = Self(13);
    /// Nothing to say.
    pub const IGNORE: Self = Self(25);
    /// libpam gave up.
    pub const ABORT: Self = Self(26);
    /// The module cannot be loaded.
    pub const MODULE_UNKNOWN: Self = Self(28);
    /// The module wants to be called again.
    pub const INCOMPLETE: Self = Self(31);

    /// The answer with a number.
    pub fn from_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| usize::from(*number) < Self::COUNT).map(Self)
    }

    /// The number.
    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    /// As the configuration spells it.
    pub fn name(self) -> &'static str {
        NAMES.get(self.number()).copied().unwrap_or("unknown")
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(Self::COUNT).map(Self)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answers(u32);

impl Answers {
    /// None.
    pub const NONE: Self = Self(0);
    /// Whatever a module can say, but that it wants to be called again, which no module of today
    /// does.
    pub const ANY: Self = Self(!(1 << Answer::INCOMPLETE.0));

    /// These.
    pub const fn of(list: &[Answer]) -> Self {
        let mut set = Self::NONE;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            set = set.and(*first);
            rest = others;
        }
        set
    }

    /// With one more.
    pub const fn and(self, answer: Answer) -> Self {
        Self(self.0 | 1 << answer.0)
    }

    /// Without one.
    pub const fn without(self, answer: Answer) -> Self {
        Self(self.0 & !(1 << answer.0))
    }

    /// Whether one is in it.
    pub const fn has(self, answer: Answer) -> bool {
        self.0 & (1 << answer.0) != 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Answer> {
        Answer::all().filter(move |answer| self.has(*answer))
    }
}
