-- One spelling in the whole product: enrollment.
ALTER TABLE enrolment_code RENAME TO enrollment_code;
DROP INDEX enrolment_code_person;
CREATE INDEX enrollment_code_person ON enrollment_code (person);
