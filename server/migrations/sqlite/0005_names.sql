-- A login name that differs from another one in upper and lower case only is refused: that is looked up
-- for each person who is added.
CREATE INDEX person_login_in_any_case ON person (lower(login));
-- Whether anybody is in a group that is named.
CREATE INDEX person_group_name ON person_group (name, person);
