//! The forms in which records leave for others. `wardkey-records` makes them.

/// How an event is written for those who read records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// One line of `name=value` pairs.
    #[default]
    KeyValue,
    /// A syslog message with structured data (RFC 5424).
    Rfc5424,
    /// A line of JSON in the Elastic Common Schema.
    Ecs,
    /// A line of JSON in the Open Cybersecurity Schema Framework.
    Ocsf,
    /// Common Event Format.
    Cef,
    /// Log Event Extended Format 2.0.
    Leef,
    /// An audit message of DICOM PS3.15 A.5, as IHE ATNA has them.
    Atna,
    /// An AuditEvent of FHIR R4.
    Fhir,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::KeyValue,
        Self::Rfc5424,
        Self::Ecs,
        Self::Ocsf,
        Self::Cef,
        Self::Leef,
        Self::Atna,
        Self::Fhir,
    ];

    /// The word in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyValue => "keyvalue",
            Self::Rfc5424 => "rfc5424",
            Self::Ecs => "ecs",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
            Self::Leef => "leef",
            Self::Atna => "atna",
            Self::Fhir => "fhir",
        }
    }

    /// The format of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}
