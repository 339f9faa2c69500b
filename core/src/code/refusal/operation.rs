//! What refuses, fails or is found wrong: the codes of the server's operation. Its keys, backups
//! and restores, the log of records and those who audit it, what is watched, and reports.

/// Makes the enum of the codes that are given and of those here.
macro_rules! with_those_of_operation {
    ($($before:tt)*) => {
codes! {
    $($before)*

    // 173x: the CA of the deployment
    /// The last exchange of the CA is not ended.
    CaExchangeOpen = 1730,
    /// There is no exchange of the CA to end.
    CaExchangeNone = 1731,
    /// `$count` terminals use a certificate of the CA before.
    TerminalsBehindCa = 1732,
    /// An exchange of the CA is not ended; `$have` of `$count` terminals have another certificate.
    CaExchangeWaits = 1733,
    /// The certificate of the CA ends in `$days` days.
    CaEnds = 1734,
    /// The certificate of the CA has ended.
    CaEnded = 1735,
    /// The CA that was prepared ends in `$days` days.
    CaPreparedEnds = 1736,
    /// The file `$path` of the CA that was prepared cannot be read.
    CaPreparedUnfit = 1737,

    // 183x to 187x: keys of the deployment, backup and restore
    /// The root key is not on the server, and no file with it was given.
    RootKeyAway = 1830,
    /// The key that was given is not the root key.
    RootKeyOther = 1831,
    /// The last exchange of the publish key is not ended.
    KeyExchangeOpen = 1832,
    /// There is no exchange of the publish key to end.
    KeyExchangeNone = 1833,
    /// `$count` terminals have not taken the new publish key.
    TerminalsBehindKeys = 1834,
    /// No root document can follow: there are `$count`.
    RootsUsedUp = 1835,
    /// The file of the root key is encrypted, and no identity was given.
    RootKeySealed = 1836,
    /// No identity of `$path` opens the file of the root key.
    RootKeyNotOpened = 1837,
    /// An exchange of the publish key is not ended; `$have` of `$count` terminals have the new one.
    KeyExchangeWaits = 1840,
    /// The last backup is of before the exchange of the publish key.
    BackupBeforeKeys = 1841,
    /// Neither a recipient for the keys nor the wish to leave them out.
    BackupNeedsRecipient = 1850,
    /// `$path` is there already.
    BackupThere = 1851,
    /// The copy that was made does not pass: `$what`.
    BackupUnfit = 1852,
    /// `$path` is no whole, unchanged backup: `$what`.
    BackupDamaged = 1853,
    /// A newer version made `$path`.
    BackupNewer = 1854,
    /// `$path` is there, and is not to be replaced.
    RestorePlaceTaken = 1855,
    /// The server runs over the database.
    RestoreServerRuns = 1856,
    /// There are no keys on the machine, and none could be taken from the backup.
    RestoreKeysMissing = 1857,
    /// The keys in `$path` are not those of the backup.
    RestoreKeysUnfit = 1858,
    /// No identity of `$path` opens the keys.
    RestoreIdentity = 1859,
    /// The trail in `$path` does not go on where that of the backup ends: `$what`.
    RestoreTrailUnfit = 1860,
    /// Nobody has said yes.
    RestoreUnconfirmed = 1861,
    /// The database `$path` is of another deployment.
    RestoreOtherDeployment = 1862,
    /// Nothing on the machine says whose backup it is.
    RestoreRootUnknown = 1863,
    /// The root key that was given is not that of the backup.
    RestoreRootOther = 1864,
    /// The database changed while the question waited, or others use it.
    RestoreDisturbed = 1865,
    /// Another server, or a restore, has the database `$path`.
    StoreHeld = 1866,
    /// The database `$path` is a link that leads nowhere.
    StoreLink = 1867,
    /// The database `$path` is there and not damaged, and cannot be read: `$why`.
    RestoreUnreadable = 1868,
    /// Nobody answered the question in time.
    RestoreNoAnswer = 1869,
    /// The lock `$path` beside the database could not be had: `$why`.
    StoreLock = 1870,
    /// The folder `$path` was left by another user's command that was interrupted.
    ScratchLeft = 1871,
    /// The trail in `$path` has more rows since the backup than are read.
    RestoreTrailTooLong = 1872,
    /// A number in `$path` is so high that none is left above it.
    RestoreNumberTooHigh = 1873,
    /// A key that was enrolled takes PINs that are shorter than the deployment wants.
    PinLengthRefused = 1880,
    // 190x: the log of records
    /// The record `$number` is not what the log took in.
    LogEntryChanged = 1900,
    /// At least `$count` records that the log took in are gone.
    LogEntriesMissing = 1901,
    /// The log is not what was signed at `$size` records.
    LogForked = 1902,
    /// `$path` is no checkpoint or export: `$what`.
    LogCheckpoint = 1903,
    /// `$path` is not signed by the key.
    LogUntrusted = 1904,
    /// The file `$path` of an export is not what its checkpoint says.
    LogExportDamaged = 1905,
    /// The log has fewer records than the checkpoint `$path`.
    LogShorter = 1906,
    /// The log has other records than those of the checkpoint `$path`.
    LogNotExtension = 1907,
    /// The export `$path` is of another log, `$origin`.
    LogExportOther = 1908,
    /// `$names` lack `$count` of the records that are to be pruned.
    RecordsUnsent = 1909,
    // 169x: archives of the log of records
    /// `$path` is no whole, unchanged archive: `$what`.
    ArchiveUnfit = 1690,
    /// The archive `$path` has other records than this log.
    ArchiveOther = 1691,
    /// There is nothing to archive after the `$count` records that are archived.
    ArchiveNothingNew = 1692,
    /// `[retention]` of the configuration names no class.
    RetentionNotSet = 1693,
    /// Records up to place `$place` were pruned, so no new archive can have them.
    ArchivePruned = 1694,
    /// There is no archive `$number`.
    ArchiveUnknown = 1695,
    /// Records are not in the log: they were pruned, `$what`.
    RecordsPruned = 1696,
    /// The list of what was pruned does not fit the log: `$what`.
    PrunedChanged = 1697,
    /// The last archive is `$days` days old, or there is none.
    ArchiveOld = 1698,
    /// The clock is not plausible, so nothing is pruned by it.
    ClockForPruning = 1699,
    // 198x: terminals that witness the log
    /// The cosignature does not fit the log, or is not by this key.
    CosignatureRefused = 1980,
    /// This terminal had another witness key before.
    WitnessKeyDiffers = 1981,
    /// The checkpoint `$path` has no cosignature of the witness `$name`.
    LogNotCosigned = 1982,
    // 192x to 194x: watching the server, and its terminals
    /// The server does not run.
    ServerNotRunning = 1920,
    /// The database does not answer.
    StoreUnanswered = 1921,
    /// The database cannot be written.
    StoreUnwritable = 1922,
    /// The clock is not plausible, so nothing is signed by it.
    ClockNotPlausible = 1923,
    /// `$count` scopes are not published, as a terminal is ahead.
    ScopesHalted = 1924,
    /// The signed heads of `$count` scopes have expired.
    HeadsExpired = 1925,
    /// The disk of the database has `$megabytes` MB left.
    DiskLow = 1926,
    /// The server's certificate ends in `$days` days, and was not renewed.
    ServerCertificateEnds = 1927,
    /// The last backup is `$hours` hours old.
    BackupOld = 1929,
    /// No backup was ever made.
    BackupMissing = 1930,
    /// `$count` terminals were not heard of for `$hours` hours.
    TerminalsSilent = 1931,
    /// `$count` terminals have stored the records of a day.
    TerminalsAtQuota = 1932,
    /// `$count` keys may have been copied.
    KeysSuspected = 1933,
    /// The log of records is not what was signed last.
    RecordsChanged = 1934,
    /// A terminal is to be deleted that is not revoked.
    TerminalNotRevoked = 1940,
    // 195x to 196x: the log of records, and those who audit it
    /// The database is older than a checkpoint of `$size` records that was signed.
    LogPutBack = 1950,
    /// The file `$path` beside the database is no checkpoint.
    LogBeside = 1951,
    /// An auditor's check has `$count` findings.
    AuditFound = 1952,
    /// A file `$path` that an auditor gave cannot be used: `$what`.
    AuditFile = 1953,
    /// A record is not what it was: `$what`.
    RecordChanged = 1954,
    /// A record is in one copy and not in the other that has to have it.
    RecordRemoved = 1955,
    /// A record is there that an older copy has not in this place.
    RecordAdded = 1956,
    /// A record stands in another place than before.
    RecordMoved = 1957,
    /// A record's time or number does not fit those beside it: `$what`.
    RecordOrder = 1958,
    /// The evidence of a login does not hold: `$what`.
    RecordUnproven = 1959,
    /// A login by a key or pass that was not valid by then: `$what`.
    RecordKeyInvalid = 1960,
    /// The list of keys is not the one of before: `$what`.
    KeyListChanged = 1961,
    /// `$path` is signed by a key of the log that was replaced as stolen on `$time`.
    LogKeyStolen = 1962,
    // 197x: reports
    /// A report's period ends at `$to`, before it begins at `$from`.
    ReportPeriod = 1970,
    /// A report would have more than `$count` hours or days.
    ReportTooFine = 1971,
}
    };
}
