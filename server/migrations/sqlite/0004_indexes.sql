-- What is asked for each change and each login reads the rows that it concerns, not whole tables.

-- A change of a person: the scopes that show the person.
CREATE INDEX state_login ON state (login);
-- Codes that are withdrawn when a person is switched off.
CREATE INDEX enrolment_code_person ON enrolment_code (person);
-- Terminals are listed and found by name.
CREATE INDEX terminal_name ON terminal (name, id);
-- What was done to one object.
CREATE INDEX audit_object ON audit (object, seq);

-- Uses of a key whose evidence holds, by time and by counter: a copy shows between neighbours.
DROP INDEX event_credential;
CREATE INDEX event_use_time ON event (credential, time, counter) WHERE counter IS NOT NULL;
CREATE INDEX event_use_counter ON event (credential, counter, time) WHERE counter IS NOT NULL;
-- What one person, account or terminal did, and what did not verify, newest first.
CREATE INDEX event_account ON event (account, time) WHERE account IS NOT NULL;
CREATE INDEX event_terminal ON event (terminal, time);
CREATE INDEX event_invalid ON event (time) WHERE verdict = 'invalid';
