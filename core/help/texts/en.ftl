# What both command lines say of arguments that cannot be read.
# The names of variables must be those of ja.ftl (build.rs checks it).

## What is wrong
see = { $what }. See: { $command } --help
no-command = a command is missing
unknown-command = there is no command "{ $name }"
unknown-command-like = there is no command "{ $name }"; is "{ $like }" meant?
unknown-argument = "{ $name }" is not understood here
unknown-argument-like = "{ $name }" is not understood here; is "{ $like }" meant?
missing = missing: { $names }
conflict = { $one } and { $other } exclude each other
given-twice = { $name } is given twice
value-missing = { $name } needs a value
values-wrong = { $name } has too many or too few values
value-wrong = "{ $value }" does not fit { $name }: { $why }
one-of = one of { $values }
not-utf8 = an argument is not UTF-8

## Why a value does not fit
from-to = a whole number from { $least } to { $most }
name-length = a { $kind } has 1 to { $max } bytes
name-made-of = a { $kind } is made of { $allowed }

## Kinds of names, and what they are made of
kind-login = login name
kind-scope = scope name
kind-group = group name
kind-service = PAM service name
kind-rp-id = relying party id
kind-label = display text
kind-latin = name in Latin letters
kind-language = language
of-login = letters, digits and ._-@+$, not beginning with - or .
of-scope = lower-case letters, digits and ._-, not beginning with - or .
of-group = letters, digits and ._-, not beginning with - or .
of-service = letters, digits and ._-+@:, not beginning with - or .
of-rp-id = lower-case letters, digits, - and dots between labels
of-label = printable characters
of-latin = printable Latin letters, with marks or without
of-language = ja or en

## What both programs say below --help
option-json = Print JSON, one line: a result on standard output, an error on standard error.
exit-title = Exit status
exit-done = done
exit-refused = refused, failed or not found; nothing was changed
exit-usage = wrong usage
exit-unavailable = the configuration, a key file, the agent or the key process cannot be used
exit-store = the database cannot be opened, read or written
exit-not-heard = done and stored, but no terminal hears of it now
