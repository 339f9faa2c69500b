# What wardkey-verify says beside the sentences that have a code.

## What was checked
checked-log = Log { $origin }: { $size } records.
checked-root = Root: { $root }
checked-places = An archive: places { $first } to { $last } of the log.
checked-archive = With the archive { $path } in the place of what was pruned.
checked-key = Signed by the key that was given: { $key }
checked-logins = Logins that hold: { $key } by keys of their own, { $loan } by keys on loan, { $pass } by passes, { $vouch } on a colleague's word, { $sealed } by break-glass codes (list of { $keys } keys and { $passes } passes).
checked-since = Compared with { $path }, which has { $size } records.
renamed = The log had another name then, { $origin }: a backup was restored, or the epoch raised.
checked-since-key = Its signature is by the key that was given for it: { $key }
since-key-stolen = That key was replaced as stolen on { $time }: the comparison says something only if you held the older one before.
checked-copy = Compared with { $path }: { $records } records, { $others } other lines.
newest-first = { $path } has the newest record first, so it was read from its end.
on-their-way = Copies that are newer than all that the log has of their terminals, so not counted: { $count }.
all-holds = Everything that was checked holds.
all-holds-remarks = Everything that was checked holds. To be looked at: { $count }.
faults = Faults: { $count }. To be looked at besides: { $remarks }.
unlisted = Not listed here: { $count } more.

## What was not
unchecked-since = Not compared with an older checkpoint or export: whoever has the database and the keys could have written all of this log anew.
unchecked-copies = Not compared with copies from elsewhere: a record that never reached the server is in no log.
unchecked-pruned = Not looked at: { $count } records that were pruned. Their places and hashes hold; what they said stands in the archives that are named above.
unchecked-before = Not looked at: what stands in the log before this archive begins. It is in older archives; give one of them with --since.
unchecked-numbers = Terminals do not number their records. What a terminal never sent is found by its copies alone; records without a login's signature rest on the log and its checkpoints.

## The page
report-title = Wardkey: check of an exported log of records
report-checked = What was checked
report-found = What was found
report-place = Where
report-what = What
report-code = Code
report-unchecked = What this check cannot say

## Records
record-number = record { $n }
record-place = place { $n } of the log
stands-at = it stands already at place { $n }
missing-in-log = missing in the log
maybe-pruned = missing in the log; it may be one of those that were pruned
before-archive = missing in this archive; it may be in an older one
pruned-by-act = { $count } by act { $act } on { $time }, into the archive with SHA-256 { $archive }
pruned-unlisted = there is no list that the key of the log signed for this checkpoint
pruned-other = act { $act } did not prune what is missing here, or other records
pruned-too-young = act { $act } pruned records that were less than 30 days old
pruned-not-due = act { $act } pruned this record, which was not past its time or is of a class that the act does not name
pruned-act-gone = act { $act } is not there any more as the older export has it
no-archive = it is no archive
archive-head = the head of the archive cannot be read
archive-alone = an archive is checked by itself: --archive goes with a folder
since-before-archive = it is from before the archive begins, and an archive does not show what came before
missing-in-copies = missing in the copies, which have records of this terminal from before and after
fields-differ = the copy differs in { $names }
other-hash = its hash is another one
other-terminal = it names another terminal than the one that sent it
other-finding = the server noted something else about its evidence
entry-unreadable = it cannot be read
number-falls = its number is not greater than the one before
numbers-missing = the numbers { $from } to { $to } are missing
received-falls = it arrived before the one in front of it

## Evidence
unproven-nothing = there is no evidence
unproven-pass-by-key = a login by a pass that a key signed
unproven-other-pass = signed by the code of another pass
unproven-client-data = what was signed cannot be read
unproven-terminal = signed for another terminal
unproven-person = signed by another person
unproven-account = signed for another account
unproven-service = signed for another service
unproven-time = signed at another time
unproven-event-id = the id is not that of what was signed
unproven-counter = the counter is not the signed one
unproven-pass-time = the pass was not valid then
unproven-pass-terminal = the pass is for another terminal
unproven-no-loan = a loaner key without its loan
unproven-other-loan = the key was never lent so
unproven-loan-time = the key was not on loan then
unproven-returned = the key had been returned by then
unproven-signature = the signature does not hold ({ $code })
no-word-nothing = nobody vouched
no-word-loaner = a loaner key, which vouches for nobody
no-word-terminal = vouched for at another terminal
no-word-colleague = signed by another colleague
no-word-person = vouched for somebody else
no-word-themselves = nobody vouches for themselves
no-word-too-long = vouched for longer than anybody may
no-word-time = vouched for at another time
no-word-no-code = a login that no code signed
no-word-other-proof = a login by another proof
no-word-not-then = nobody vouched for then
vouched-for-nobody = the server knew nobody of this name when the record came, which cannot be verified here
key-unknown = the key was never enrolled
pass-unknown = the pass was never issued
key-enrolled-later = the key was enrolled later
key-off-since = the key was switched off since { $time }
person-off = the person was disabled since { $time }

## The list of keys
keys-missing = keys.cbor is missing, so no login was verified
keys-unsigned = keys.cbor is not signed by this key, so no login was verified
keys-of-another-log = keys.cbor is of another log, so no login was verified
keys-older = keys.cbor is older than the log, so no login was verified
key-gone = key { $key } of { $person } is gone
key-of-another = key { $key } was { $person }'s and is somebody else's
key-replaced = key { $key } of { $person } is another one under its name
key-history = when key { $key } of { $person } was switched off or on
key-backdated = key { $key } of { $person } is said to be older than the older list, which lacks it
pass-changed = pass { $pass }
loan-changed = loan { $loan } to { $person }
loan-backdated = loan { $loan } to { $person } is said to be older than the older list, which lacks it

## Files and arguments
no-checkpoint = it is no signed checkpoint
not-a-file = it is not a regular file
fewer-files = it counts { $size } records, and the files beside it hold { $most } at most
not-a-folder = it is not a folder
no-records = no line is a record in key=value, RFC 5424, ECS or OCSF
tile-length = its length is wrong
write-verifier = the key as "wardkey-server log show" says it: a name, digits and the key, with + between
