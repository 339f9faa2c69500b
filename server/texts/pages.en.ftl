# What the pages of administration say. Sentences that have a code are in core/texts/en.ftl.
# The names of variables must be those of pages.ja.ftl (build.rs checks it).

## Around every page
skip-to-main = Skip to the content
navigation = Pages
sign-out = Sign out
to-today = To the first page
not-done = This was not done
back = Back
done = Done
done-unheard = It is stored, but terminals do not hear of it now:
more = More
search = Search
find-person = A name or login name
find-terminal = The name of a terminal
table = Table
all = All
nothing = Nothing to show.
reason = Reason

## Signing in
sign-in = Sign in
sign-in-how = Insert your security key and press the button. Type its PIN and touch it when the browser asks.
sign-in-touch = Waiting for your key …
sign-in-gave = No key signed. Is it inserted, and did you touch it? Please try again.
sign-in-without = This browser cannot ask security keys, or this page is not reached over HTTPS.
sign-in-script = Signing in needs JavaScript, because only a script can ask a key. All other pages do without.

## Roles
role-owner = owner
role-site-administrator = site administrator
role-help-desk = help desk
role-approver = approver
role-auditor = auditor

## Pages
today = Today
people = People
terminals = Terminals
records = Records
trail = Trail
all-is-well = Nothing needs attention.
silent-terminals = Terminals not heard of for an hour
latest-failures = Latest refused logins
keys-lost-today = Keys switched off today
signed-in = Signed in
signed-in-now = Signed in now
signed-in-what = Who is signed in at which terminal, by its records. What came to pass there since it was last heard of is not known here; "perhaps ended" stands where records were lost.
all-signed-in = Everybody who is signed in
find-signed-in = A person, an account or a terminal
screen-open = open
screen-locked = locked
screen-opened = opened without a login
perhaps-ended = perhaps ended
session-began = Session began
logged-in-since = Signed in since
state-since = State since
stage-until = until { $time }
next-stage = Next stage
terminals-active = terminals active
terminals-silent = of these silent
terminals-pending = terminals await approval
last-backup = last backup

## Words of tables
login = Login
name = Name
latin-name = Name in Latin letters
state = State
keys = Keys
scope = Scope
scopes = Scopes
groups = Groups
valid-from = Valid from
valid-until = Valid until
label = Label
fingerprint = Fingerprint
enrolled = Enrolled
last-used = Last used
may-be-copied = may be copied
tags = Tags
joined = Joined
seen = Last heard of
stage = Offline stage
behind = Changes behind
certificate-until = Certificate until
time = Time
event = Event
outcome = Outcome
person = Person
terminal = Terminal
service = Service
since = Since
unproven = not proven
actor = Who
act = Act
object = Object
detail = Detail
number = No.
id = Id
address = Address
version = Version
received = Received
code = Code
meaning = Meaning
proof = Proof
account = Account
model = Model
all-records = All records
hours = Hours

## Acts
disable-person = Disable this person
enable-person = Enable this person
disable-key = Disable this key
enable-key = Enable this key
without-key = Codes
issue-code = Enrollment code
issue-pass = Temporary code
end-pass = End the temporary code
withdraw-codes = Withdraw enrollment codes
approve-terminal = Approve this terminal
disable-terminal = Revoke this terminal
code-what = A one-time code with which this person enrolls a new security key at a terminal.
code-for = Enrollment code for { $login }
code-open = An enrollment code is open until { $until }.
code-made = Enrollment code
seen-once = It is shown this once and stored nowhere. Hand it over in person.
pass-what = A temporary code for somebody whose key is forgotten. It lets in at the terminals of the scope until it ends, or until the key is used again.
pass-for = Temporary code for { $login }, until { $until }
pass-open = A temporary code is open until { $until }: { $reason }
pass-issued = Temporary code

## Files and paper
as-file = Download as CSV
file-cut = The file ends here: it has { $count } rows at most. Ask for less, by date or scope.
printed = printed { $time } by { $login }
silent-seconds = Not heard of for seconds
more-follows = More rows follow on the next page.
rows-left = { $count } more rows are in the CSV file.

## Sessions
sessions = Sessions
sessions-what = Who is signed in to these pages. What you do not know, end: it cannot be used any longer, from the next request on.
signed-in-since = Signed in since
this-session = this one
end-session = End this session
key = Key

## One's own page
own-page = My keys
own-title = Keys of { $name }
own-what = These are your security keys. If one is lost, report it here at once: it is switched off at every terminal.
own-name = Key
own-name-key = Name this key
own-name-what = What you call it; only you and administrators see it
own-save = Save
own-lost = Report this key lost
own-off = It is switched off. Only the administration can switch it on again.
own-loan = The loaner key { $name } is lent to you until { $until }. If it is lost, tell the help desk.
own-pass = A temporary code is open until { $until }.
own-language = Language
own-language-what = Terminals and these pages speak this language to you.
own-logins = My logins at terminals
own-logins-what = Was one of these not you? Report the key lost, and tell the help desk.
own-all-logins = All my logins
own-sign-ins = Sign-ins to these pages
sign-in-again-own = To report a key lost, please sign in once more: the signature must not be older than five minutes.
lost-off = The key is switched off at once at every terminal that is connected; at others as soon as they are connected again.
lost-back = You cannot take this back here. If the key is found, the administration can switch it on again.
lost-last = It is the last key of yours that works: after this you cannot log in with a key.
lost-this = You are signed in here with this very key: you will be signed out. If you have it in your hand, go back and choose the one that is lost.
lost-next = What to do next: tell the help desk. It gives you a temporary code or another key.
lost-where = Where and when it was lost, if you know (for the administration)
lost-do = Switch the key off
lost-done = The key is switched off. You had signed in with it, so you are signed out.

## Reports
reports = Reports
from = From
to = To
by = By
fitting = as it fits
hour = hour
day = day
show = Show
unused-days = Unused after days
report-logins = Logins
report-logins-says = Logins and refusals by scope, hour or day and service; the share with two factors; reasons of refusals.
report-exceptions = Exceptions
report-exceptions-says = Passes and codes, logins offline, devices that proved nothing, ways in without a key, what administrators overrode.
report-inventory = Keys and people
report-inventory-says = Key models, people without a key or a spare one, accounts and keys that are not used.
report-coverage = Terminals
report-coverage-says = State, version and stage of terminals, their last contact, logins by key and ways in without one.
report-shared = Shared accounts
report-shared-says = Who used the shared accounts, how often, where, first and last.
