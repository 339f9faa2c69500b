//! What a person is told, and need not answer.

codes! {
    /// A notice: how things are, or that something is done.
    enum Notice;

    /// Very many people may use the account, and the key is compared with all of them .
    KeySearching = 1240,
    /// The PIN of a key was changed.
    PinChanged = 1248,
    /// Somebody was let in by a sealed code (break-glass), which is void now.
    BreakGlassUsed = 1258,
    /// The key lets nobody in before its PIN is changed, which is asked for now.
    PinChangeFirst = 1275,
    /// The key cannot be told how long its PIN has to be (`$count`).
    PinLengthNotOnKey = 1277,
    /// The key was not told, or cannot be told, to ask for another PIN.
    PinChangeNotForced = 1278,
    /// The key asks for another PIN at its first use.
    PinChangeForced = 1279,
    /// The disk takes nothing: records are in memory only, and lost with the power.
    KeptInMemory = 1331,
    /// Offline; the directory is `$hours` hours old (`<1` in the first).
    OfflineBanner = 1401,
    /// Another login at this terminal uses the key; wait.
    WaitForKey = 1402,
    /// Nobody is signed in with a key.
    NobodySignedIn = 1415,
    /// The name of a collector of records has no address.
    CollectorUnknown = 1416,
    /// A collector of records does not answer.
    CollectorUnreachable = 1417,
    /// The certificates for collectors of records cannot be used.
    CollectorAuthorities = 1418,
    /// There is no TLS with a collector of records.
    CollectorNotTrusted = 1419,
    /// A collector ended the connection before it can have read all.
    CollectorEndedEarly = 1420,
    /// A collector ended the connection, and did not say so in TLS.
    CollectorEndedUnsaid = 1421,
    /// A collector did not read a batch in its time.
    CollectorSlow = 1422,
    /// The system log takes no line.
    SystemLogAway = 1423,
    /// The file of records cannot be opened or written.
    RecordFileUnusable = 1424,
    /// The disk of the file of records is full.
    RecordFileFull = 1425,
    /// The journal takes no entry.
    JournalAway = 1426,
    /// A collector over HTTPS takes no records.
    CollectorRefuses = 1427,
    /// The token for a collector cannot be read, or is not the collector's.
    CollectorToken = 1428,
    /// The terminal has been joined.
    Joined = 1504,
    /// The key has been enrolled for `$name`.
    Enrolled = 1508,
    /// Synchronised.
    Synced = 1511,
    /// The terminal has been joined, and an administrator of the server has yet to approve it.
    JoinedPending = 1570,
    /// A colleague let `$person` in for `$hours` hours.
    Vouched = 1580,
    /// Somebody was let in by a colleague's word; `$hours` left.
    VouchUsed = 1581,
    /// `$voucher` had vouched for somebody, who is here with the own key now: it has ended.
    VouchEnded = 1582,
    /// What `$person` gives as the reason, before a colleague vouches: `$reason`.
    VouchReason = 1583,
    /// Somebody was let in by a loaner key; `$hours` left.
    LoanUsed = 1594,
    /// Nothing was found.
    NoWayIn = 1630,
    /// `$count` things were found.
    WaysInFound = 1631,
    /// An administrator accepted `$subject`.
    WayAccepted = 1632,
    /// Somebody was let in by a pass; `$hours` left.
    PassUsed = 1813,
}
