//! What refuses, fails or is found wrong: the codes that administrators meet. Those of the server's
//! operation are in `operation.rs`, which makes one enum of all.

/// Makes the enum of the codes that are given and of those here.
macro_rules! with_those_of_administration {
    ($($before:tt)*) => {
with_those_of_operation! {
    $($before)*

    // 15xx: terminal and server administration
    /// The server cannot be reached.
    ServerUnreachable = 1501,
    /// The server's certificate or signature is not of this deployment.
    ServerNotTrusted = 1502,
    /// The join token is wrong, used or expired.
    JoinTokenInvalid = 1503,
    /// This machine has joined already.
    AlreadyJoined = 1505,
    /// The enrollment code is wrong, used or expired.
    EnrollmentCodeInvalid = 1506,
    /// The registration was refused (`$reason`).
    RegistrationRefused = 1507,
    /// The person has as many keys as allowed.
    TooManyKeys = 1509,
    /// The challenge is over 60 seconds old or was used.
    ChallengeExpired = 1510,
    /// Too many requests; `$seconds` to wait.
    TooManyRequests = 1512,
    /// This needs root.
    NeedsRoot = 1513,
    /// The certificate of this terminal is missing or was refused.
    TerminalCertificate = 1514,
    /// Not found (`$what`).
    NotFound = 1515,
    /// The request is not valid (`$reason`).
    RequestInvalid = 1516,
    /// The machine has joined before with another key: only a token made for that replaces it.
    ReplacementRefused = 1521,
    /// The terminal has sent more records than it may for now; they wait at the terminal.
    EventQuota = 1522,
    /// Nothing was imported; the file has `$count` problems.
    ImportRefused = 1523,
    /// The first line of a file of people names no columns.
    ImportHeader = 1524,
    /// A column that there is not, or that stands twice (`$value`).
    ImportColumn = 1525,
    /// A value that must be there is missing (`$column`).
    ImportMissing = 1526,
    /// Not a login name (`$value`).
    ImportLogin = 1527,
    /// Not a name of a person (`$value`).
    ImportName = 1528,
    /// Not a language (`$value`).
    ImportLanguage = 1529,
    /// A scope that there is not (`$value`).
    ImportScope = 1530,
    /// Not the name of a group (`$value`).
    ImportGroup = 1531,
    /// Not a date (`$column`, `$value`).
    ImportDate = 1532,
    /// The validity ends before it begins.
    ImportDates = 1533,
    /// More of them (`$column`) than there may be (`$value`).
    ImportTooMany = 1534,
    /// A login name stands twice in the file (`$value`).
    ImportTwice = 1535,
    /// The person is there already (`$value`).
    ImportExists = 1536,
    /// A key cannot be taken (`$value`).
    ImportKey = 1537,
    /// The characters of the file cannot be read.
    ImportEncoding = 1538,
    /// A quotation mark is never closed.
    ImportQuote = 1539,
    /// More values than columns (`$value`).
    ImportCells = 1540,
    /// Not a JSON object; the reading stopped at character `$value`.
    ImportJson = 1541,
    /// The file names nobody.
    ImportNobody = 1542,
    /// A member of the wrong kind (`$value`).
    ImportKind = 1543,
    /// Stored, but the server does not run, so no terminal hears of it.
    StoredServerStopped = 1544,
    /// Stored, but a scope (`$value`) is not published, so its terminals do not hear of it.
    StoredScopeHalted = 1545,
    /// A login name (`$value`) of an account that every system has.
    LoginReserved = 1550,
    /// A login name (`$value`) that differs from another one in case only.
    LoginAlike = 1551,
    /// The key that was named is not that of `$value`.
    KeyOfSomebodyElse = 1552,
    /// An act that cannot be undone, or may hit the wrong one, was not confirmed.
    ActNotConfirmed = 1553,
    /// A terminal was revoked too long ago to be enabled again.
    RevokedTooLong = 1554,

    /// The join token does not fit together, as after a typing error.
    JoinTokenMistyped = 1571,
    /// What was typed as a code of one's own is not six to nine digits.
    VouchCodeLength = 1572,
    /// A code of one's own that others would try first.
    VouchCodeEasy = 1573,
    /// A code of one's own was typed twice, and not the same.
    VouchCodesDiffer = 1574,
    /// The colleague may not vouch for this person here; the same for names that nobody has.
    VouchRefused = 1575,
    /// Colleagues have vouched for this person here as often as the policy allows in a month.
    VouchTooOften = 1576,
    /// The vouch could not be kept.
    VouchNotKept = 1577,
    /// The colleague who vouched may no longer do so.
    VouchLapsed = 1578,
    /// A code or PIN was typed where everybody will read it.
    VouchNotText = 1579,
    /// The colleague typed something else than the name of whom they were to let in.
    VouchNotMeant = 1584,
    /// What a colleague had vouched for could not be ended at this terminal.
    VouchNotEnded = 1585,
    /// The time of a loaner key is over.
    LoanOver = 1590,
    /// The loan of the key has not begun.
    LoanNotYet = 1591,
    /// The loan ended at this terminal: its person logged in with a key of their own.
    LoanEnded = 1592,
    /// A loaner key is not taken for this service, or for people of this scope.
    LoanRefused = 1593,
    /// Sealed codes (break-glass) were used `$count` times, and nobody has looked into it.
    BreakGlassAlarm = 1595,
    // 16xx: switching Wardkey on and off
    /// Not enabled: the terminal is not ready.
    NotReadyToEnable = 1601,
    /// Not enabled: the test login did not pass.
    TestLoginFailed = 1602,
    /// Not enabled: no local administrator could get in without a key.
    NoOtherWayIn = 1603,
    /// The files of PAM were edited by hand; nothing was changed.
    PamFilesEdited = 1604,
    /// Nobody confirmed in time: disabled again.
    NotConfirmed = 1605,
    /// Refused while Wardkey is enabled.
    StillEnabled = 1606,
    /// Not enabled: people could get in without a key.
    WaysInOpen = 1607,
    /// People get in at `$service` without a key.
    ServiceOpen = 1608,
    /// What PAM does at `$service` cannot be told.
    ServiceUnclear = 1609,
    /// PAM cannot read `$service`, and refuses everybody there.
    ServiceRefuses = 1610,
    /// People get in at `$service` when the module cannot be loaded.
    OpenWithoutModule = 1611,
    /// No key is asked for at `$service`; the account phase alone refuses.
    AccountPhaseOnly = 1612,
    /// No local administrator gets in at `$service`.
    NoAdministrator = 1613,
    /// The module's file is missing or no program.
    ModuleMissing = 1614,
    /// Logins with keys are not enabled.
    NotEnabled = 1615,
    /// `$unit` does not run.
    UnitInactive = 1616,
    /// Owner or mode of `$path` is wrong.
    UnsafeFile = 1617,
    /// Accounts come from `$source` too.
    NameService = 1618,
    /// sshd has a method of its own (`$what`).
    SshOpen = 1619,
    /// `$path` logs somebody in without asking.
    Autologin = 1620,
    /// Nothing keeps the clock right.
    ClockUnsynchronised = 1621,
    /// The terminal's certificate is missing or ends soon.
    CertificateEnds = 1622,
    /// The directory is old.
    DirectoryOld = 1623,
    /// Trust anchor and agent do not fit.
    AnchorUnfit = 1624,
    /// Parts of different versions.
    VersionsDiffer = 1625,
    /// `$name` has a password beside the key.
    PersonHasSecret = 1626,
    /// The account or password of `$name` ends by its age.
    PersonAgeing = 1627,
    /// `$name` has the uid of a system account.
    PersonIsSystem = 1628,
    /// The people of the directory could not be listed.
    PeopleUnknown = 1629,
    /// There is nothing about `$subject` to accept.
    NothingToAccept = 1633,
    /// UID_MIN of login.defs and `system_uid_max` differ (`$uid`).
    UidLimitsDiffer = 1634,
    /// `$name` is a person of the directory and listed in `local_accounts`.
    PersonIsListed = 1635,
    /// `wardkey config edit`: given up; the file is as it was.
    EditDiscarded = 1640,
    /// The terminal's clock is ahead of the server's.
    ClockIsAhead = 1641,
    /// `$path` starts another program than login on a console.
    OtherLoginProgram = 1642,
    /// The root key that is said to be lost lies on the server.
    RootKeyNotLost = 1643,
    /// Nobody answers at `$address` (`$why`).
    AddressSilent = 1644,
    /// Not the deployment's server answers at `$address`.
    AddressOther = 1645,
    /// Terminals are told `$host`.
    AddressTold = 1646,
    /// Terminals that may know no other address than those of `$host`: `$count`.
    AddressInUse = 1647,
    /// The server's certificate would have more than `$count` names.
    ServerNamesTooMany = 1648,
    /// `$host` is the only name in the server's certificate.
    AddressLast = 1649,
    /// The server's log of records has other records than those that this terminal saw.
    LogHistoryDiffers = 1670,
    /// It has fewer records than this terminal saw.
    LogHistoryShorter = 1671,
    /// Its checkpoint is not signed by its key.
    LogHistoryUnsigned = 1672,
    /// Another log began as a restore begins one.
    LogBegunAnew = 1673,
    /// Another log began, and no restore was published.
    LogRenamed = 1674,
    /// The log contradicted what this terminal saw; both heads are in `$path`.
    LogWasContradicted = 1675,
    /// The greeter's own page gave an answer that cannot be read; it is asked in another way.
    GreeterAnswer = 1680,
    /// The database of PostgreSQL at `$address` cannot be reached: `$why`.
    DatabaseUnreachable = 1681,
    /// The PostgreSQL at `$address` is not one that keeps what is written: `$what`.
    DatabaseUnfit = 1682,
    /// Another server runs over the database of PostgreSQL at `$address`.
    DatabaseTaken = 1683,
    /// A deployment is in the database of PostgreSQL at `$address`.
    DatabaseHasOne = 1684,
    /// Something was asked that PostgreSQL's own tools do.
    DatabaseByItsTools = 1685,
    /// `wardkey-server migrate`: the server runs.
    MoveServerRuns = 1686,
    /// The database of PostgreSQL at `$address` is not one that a deployment is moved to: `$what`.
    MoveTarget = 1687,
    /// The deployment was moved to `$address`; what is here is what it was before.
    StoreMoved = 1688,
    /// A move to the database of PostgreSQL at `$address` was interrupted, and is not finished.
    MoveUnfinished = 1689,
    /// No locker that `$desktop` is known to start tells that it locked.
    DesktopWithoutLocker = 1700,
    /// Table `$table` was read back from `$address`, and is not what was copied.
    MoveDiffers = 1701,
    /// Table `$table` cannot be copied: `$why`.
    MoveFailed = 1702,
    /// The API key is unknown, wrong, disabled or over: the same for all of it.
    ApiKeyInvalid = 1720,
    /// The role of who asks does not have this act (`$act`).
    ActNotAllowed = 1721,
    /// What is asked concerns scopes that are not among those of who asks.
    OutsideScopes = 1722,
    /// It is no longer as `If-Match` says.
    ChangedMeanwhile = 1723,
    /// The `Idempotency-Key` stands for another request.
    RepeatedDifferently = 1724,
    /// A role that is bound to scopes was given without any (`$role`).
    RoleNeedsScopes = 1725,
    /// The server does not serve the interface for administration, though it should.
    AdministrationNotServed = 1726,
    /// The certificate of the interface for administration ends in `$days` days.
    AdministrationCertificateEnds = 1727,
    /// Who is in a protected group is changed by the owner of the whole deployment alone.
    PersonProtected = 1728,
    /// Nobody is signed in, or no longer.
    NotSignedIn = 1740,
    /// A signature that does not sign anybody in: the same for all that can be wrong with it.
    SignInRefused = 1741,
    /// The key is right, and its person has no role, or not now.
    SignInWithoutRole = 1742,
    /// What lets somebody in needs a signature of the last minutes.
    SignInAgain = 1743,
    /// A form that none of our pages sent in this session.
    FormNotOurs = 1744,
    /// A form that does something once was sent a second time.
    FormSentBefore = 1745,
    /// Not a name in Latin letters (`$value`).
    ImportLatinName = 1750,
    /// Another unit or process has the virtual terminal `$tty`.
    ConsoleTaken = 1751,
    /// systemd did not start or stop the enrollment console.
    ConsoleNotStarted = 1752,
    /// An enrollment console is open at `$tty`.
    EnrollConsoleOpen = 1753,
    /// `$path` changes the unit of the enrollment console.
    EnrollConsoleChanged = 1754,
    /// The enrollment console was not started on a terminal of its own, or may not lock its memory.
    ConsoleUnprotected = 1755,
    /// `$account` is not as the package of the enrollment console makes it.
    EnrollAccount = 1756,
    // 18xx: without the key
    /// Name and code do not match: the same for an unknown name, no pass, a void one, a wrong code.
    PassWrong = 1803,
    /// The pass is over.
    PassExpired = 1804,
    /// The pass has not begun.
    PassNotYet = 1805,
    /// The pass is for another terminal or scope.
    PassElsewhere = 1806,
    /// The pass was ended at this terminal: its person logged in with the key.
    PassEnded = 1807,
    /// The service does not take this kind of proof.
    ProofRefused = 1808,
    /// What was typed cannot be a code; no try was spent.
    PassNotACode = 1809,
    /// Wrong codes at this terminal; `$seconds` to wait.
    PassWait = 1810,
    /// This terminal cannot note tries.
    PassNotCounted = 1811,
    /// No memory to hash a code.
    PassNoMemory = 1812,
}
    };
}
