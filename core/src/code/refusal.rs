//! What refuses, fails or is found wrong: the codes of logins, the directory, keys and sessions.
//! Those that administrators meet are in `refusal/administration.rs` and `refusal/operation.rs`,
//! which make one enum of all.

#[macro_use]
mod operation;
#[macro_use]
mod administration;

with_those_of_administration! {
    /// Why something is refused or fails, a session ended, or `wardkey doctor` finds fault.
    enum Code;

    // 10xx: refusals of the decision
    /// The name is unknown, or the key is not this person's: the same words for both.
    KeyAndNameDoNotMatch = 1001,
    /// The person is disabled.
    PersonDisabled = 1002,
    /// The person's validity has not begun.
    PersonNotYetValid = 1003,
    /// The person's validity is over.
    PersonExpired = 1004,
    /// The key is disabled or deleted.
    CredentialDisabled = 1005,
    /// The account is shared, but not with this person.
    NotInSharedGroup = 1006,
    /// Locked out after failures; `$seconds` to wait.
    LockedOut = 1008,
    /// Remote sessions cannot use a security key of this terminal.
    RemoteSession = 1009,
    /// The terminal is disabled at the server.
    TerminalDisabled = 1010,
    /// Offline for long, and the person was never seen here.
    OfflineNotSeenHere = 1011,
    /// Offline for long: no service that raises privilege.
    OfflineNoElevation = 1012,
    /// Offline for very long: emergency groups only.
    OfflineEmergencyOnly = 1013,
    /// Offline for too long: nobody.
    OfflineTooLong = 1014,
    /// The key's signature does not verify.
    AssertionSignature = 1015,
    /// The key did not check the PIN (UV flag).
    UserVerificationMissing = 1016,
    /// The key was not touched (UP flag).
    UserPresenceMissing = 1017,
    /// The assertion is for another relying party.
    RpIdMismatch = 1018,
    /// Backup flags differ from those at enrollment.
    BackupFlags = 1019,
    /// More than 60 seconds since the challenge was made.
    TooLate = 1020,
    /// The signature counter went backwards: the key may have been copied.
    CounterRegressed = 1021,
    /// The client data is not of this login.
    ClientData = 1022,
    /// The user handle is another person's.
    UserHandleMismatch = 1023,
    /// The assertion was used before.
    Replayed = 1025,
    /// The authenticator data is malformed.
    AuthenticatorData = 1026,
    /// The caller may not ask for this account.
    CallerNotAllowed = 1027,
    /// The terminal's clock is so far ahead that all looks expired, though the server is reached.
    ClockAhead = 1030,

    // 11xx: the signed directory
    /// The root documents do not lead from the trust anchor.
    RootInvalid = 1101,
    /// The terminal document is not valid.
    TerminalInvalid = 1102,
    /// A head is not valid.
    HeadInvalid = 1103,
    /// Something older than what was seen before was shown.
    Rollback = 1104,
    /// Two different states with the same number.
    Fork = 1105,
    /// The policy is not the one that the head names.
    PolicyInvalid = 1106,
    /// The proof of the person's record does not hold.
    ProofInvalid = 1107,
    /// A scope of the terminal is missing from the evidence, or one too many.
    ScopesIncomplete = 1108,
    /// The trust anchor is missing or unreadable.
    AnchorMissing = 1109,
    /// The marks file is unreadable.
    MarksUnreadable = 1110,
    /// The server is behind what this terminal has seen.
    ServerBehind = 1111,
    /// The server's clock is not plausible: nothing is signed by it.
    ServerClock = 1121,
    /// What came as the server's time is not signed by it, or answers another question.
    ServerTimeInvalid = 1122,
    // 12xx: the security key
    /// Wrong PIN; `$tries` left.
    PinWrong = 1203,
    /// Too many wrong PINs in a row: unplug and plug again.
    PinBlockedUntilReplug = 1204,
    /// No tries left: the key must be reset and enrolled again.
    PinBlocked = 1205,
    /// The key has no PIN.
    PinNotSet = 1206,
    /// The PIN must be changed first.
    PinMustChange = 1207,
    /// Nobody touched the key in time.
    TouchTimeout = 1209,
    /// The key was removed during the login.
    KeyRemoved = 1210,
    /// Cancelled.
    Cancelled = 1211,
    /// The key answered something unexpected.
    KeyFault = 1212,
    /// No PIN was typed.
    PinEmpty = 1213,
    /// No key was inserted in time.
    KeyTimeout = 1214,
    /// The PIN is shorter or longer than a PIN can be.
    PinLength = 1215,
    /// The key is in use by another login at this terminal.
    KeyInUse = 1216,
    /// The key does not follow the PIN rules of its maker or of policy.
    PinPolicy = 1217,
    /// The key has no room for another credential.
    KeyFull = 1218,
    /// The key is registered for this person already.
    KeyAlreadyRegistered = 1221,
    /// The key has no built-in way to verify a PIN or is not FIDO2.
    KeyUnsuitable = 1222,
    /// More than one key is plugged where one is changed: which one is meant?
    SeveralKeys = 1223,
    /// The key does not identify itself silently: it could be enrolled, and no login would work.
    KeyCannotIdentify = 1224,
    /// A device gave no proof that it is a registered key; it was passed over.
    DeviceNotProven = 1225,
    /// Keys are plugged, none registered for this name: the same for names that nobody has.
    KeyNotRegistered = 1227,
    /// Full-width letters or kana were typed as a PIN: no try was spent.
    PinInputMethod = 1241,
    /// The new PIN is the one that the key has.
    PinSame = 1242,
    /// A new PIN was typed twice, and not the same.
    PinsDiffer = 1243,
    /// The key process was lost while the PIN was changed: either may hold now.
    PinChangeUnknown = 1244,
    /// A sealed code (break-glass) that was used before: it is void.
    BreakGlassVoid = 1259,
    /// A sealed code for another place or time.
    BreakGlassNotHere = 1260,
    /// The PIN has fewer characters (`$count`) than the deployment wants; no try was spent.
    PinShort = 1276,
    /// The sensor of the key does not know the finger; `$tries` left.
    FingerWrong = 1281,
    /// The sensor takes no finger before the PIN was right once more.
    FingerBlocked = 1282,
    // 13xx: parts of Wardkey
    /// The agent cannot be reached.
    AgentUnreachable = 1301,
    /// The key process cannot be reached.
    KeyProcessUnreachable = 1302,
    /// The terminal has not joined a deployment.
    NotJoined = 1303,
    /// The terminal has not received its directory yet.
    NotSynced = 1304,
    /// The agent cannot write its state.
    StateUnavailable = 1305,
    /// A part spoke another protocol or nonsense.
    ProtocolError = 1306,
    /// An internal fault.
    Internal = 1307,
    /// A configuration file is missing, unsafe or wrong.
    Configuration = 1308,
    /// The caller is not allowed to use the key process.
    KeyAccessDenied = 1309,
    /// The local cache was unreadable and was set aside; it is fetched again.
    CacheSetAside = 1310,
    /// The caller's resource limits leave no room for a login.
    NoRoom = 1311,
    /// Account phase: neither a person of the directory nor a listed local account.
    NotListedAsLocal = 1312,
    /// Account phase: this service starts nothing for a person who has not logged in with a key.
    LoginNeeded = 1313,
    /// The module could not write its marks: this terminal could be shown an older directory.
    MarksNotRaised = 1330,
    /// The screen was locked as the key was pulled out.
    LockedByRemoval = 1405,
    /// The screen was locked after a time without input.
    LockedByIdling = 1406,
    /// The screen was locked as the login was longer ago than policy allows.
    LockedByAge = 1407,
    /// The screen was locked by the person, or by a program of the session.
    LockedThere = 1408,
    /// The session was ended as the key was pulled out.
    EndedByRemoval = 1409,
    /// The screen was unlocked, and no key was used for it.
    UnlockedWithoutKey = 1410,
    /// No locker answered: the session is ended, as nobody may find it open.
    NoLockerAnswered = 1411,
    /// The helper that locks screens did not do it.
    LockHelperFailed = 1412,
    /// The machine was restarted before the end of the session was seen.
    EndNotSeen = 1413,
    /// A session begins or ends and the agent has no record of it.
    SessionNotRecorded = 1414,
    /// Records have waited for `$count` destinations of the server, for `$minutes` minutes.
    RecordsNotForwarded = 1429,
}
