# What is wrong with a file of a terminal, and what to do. Printed as "FILE:LINE: WHAT; fix: FIX".
# The names of variables must be those of ja.ftl (build.rs checks it).

## Lines
duplicate-key = duplicate key; remove one of the two lines
no-equals = after a key comes "=" and a value
after-value = something stands after the value, or a control character in a comment
not-a-line = a line is empty, a comment, or key = value; there are no [tables] here
unclosed-literal = a text ends with '
text-on-one-line = write the text on one line, between two "
unclosed-text = a text ends with " on the same line
unknown-escape = unknown \ escape; write \\ for a backslash
escape-digits = \u takes 4 and \U 8 hexadecimal digits
escape-no-character = \u does not name a character
list-comma = between the items of a list stands ",", after the last "]"
value-kinds = a value is a "text", a whole number, or a [list] of these
not-utf8 = not UTF-8; save the file as UTF-8

## Keys and values
unknown-key = unknown key "{ $key }"
unknown-key-known = unknown key "{ $key }"; known are { $keys }
missing-key = key "{ $key }" is missing; { $fix }
takes = key "{ $key }" takes { $what }
login-name = a login name
whole-path = the whole path of a file, beginning with /
language = "ja" or "en"
name-from = "typed" or "key"
number-between = a number from { $least } to { $most }{ $unit }
unit-seconds = { " " }seconds
unit-events = { " " }events
unit-connections = { " " }connections
local-list = a list of at most { $count } login names and uids, such as ["admin", 1000]
service-list = a list of at most { $count } PAM services in small letters, such as ["sudo", "polkit-1"], or ["*"]
sink-list = a list of at most { $count } sinks, each address once: "tls://HOST:PORT FORMAT", tcp://, udp:// (neither atna nor fhir), "file:///PATH FORMAT", "journal:///SOCKET", "splunk://HOST:PORT FORMAT TOKENFILE", "elastic://HOST:PORT/INDEX FORMAT TOKENFILE"
hex-digits = { $count } hexadecimal digits; { $fix }
join-again = run "wardkey join" again
uid-min = UID_MIN takes a number, such as 1000

## The file itself
missing-file = there is no such file
write-whole-path = write the whole path of a file, beginning with /
not-regular = is not a regular file
not-folder = is not a folder
put-regular = a link is not followed: put the regular file itself there
put-folder = a link is not followed: put the folder itself there
belongs-to = belongs to uid { $uid }
lets-write = mode { $mode } lets others write
lets-read = mode { $mode } lets others read it
longer-than = longer than { $count } bytes
lock-held = another login holds its lock

## What to do
problem = { $place }: { $what }; fix: { $fix }
run = run: { $command }
put-package-file = put the file of the package there, { $path }
write-default = write, as by default: { $line }
save-utf8 = save the file as UTF-8
remove-line = remove the line
correct-line = correct the line, or remove it
correct-key = remove the line, or correct the name; known are { $keys }
look-at-disk = look at the disk and at the file's permissions
