-- What a party of a job alleges about it: an incident that nothing follows from by itself.

ALTER TABLE runtime.incidents
  ADD COLUMN reporter_org text,
  -- Receipts, artifacts and runs that it points at, as its reporter says.
  ADD COLUMN evidence text[] NOT NULL DEFAULT '{}',
  DROP CONSTRAINT incidents_kind_check,
  ADD CONSTRAINT incidents_kind_check CHECK (kind IN ('disagreement', 'violation', 'dispute', 'allegation')),
  DROP CONSTRAINT incidents_outcome_check,
  ADD CONSTRAINT incidents_outcome_check CHECK (outcome IN
    ('first_struck', 'second_struck', 'both_struck', 'flaky', 'undecided', 'report_confirmed',
     'allegation_upheld', 'allegation_dismissed')),
  ADD CONSTRAINT incidents_reporter_check CHECK ((kind = 'allegation') = (reporter_org IS NOT NULL)),
  DROP CONSTRAINT incidents_job_id_key;

-- One that the operator's run decides, and one for each party that alleges something.
CREATE UNIQUE INDEX incidents_by_job ON runtime.incidents (job_id, COALESCE(reporter_org, ''));

DROP INDEX runtime.incidents_unsettled;
CREATE INDEX incidents_unsettled ON runtime.incidents (incident_id)
  WHERE status <> 'decided' AND kind <> 'allegation';
