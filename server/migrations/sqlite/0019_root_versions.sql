-- The root document that a terminal says that it has: who has the newest keys of the deployment.
ALTER TABLE terminal ADD COLUMN root_version INTEGER;
