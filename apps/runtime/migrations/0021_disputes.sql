-- Jobs that nobody may have gone on with, and disputes.

CREATE INDEX jobs_undecided ON runtime.jobs (job_id)
  WHERE purpose = 'work' AND status IN ('reported', 'verified');

ALTER TABLE runtime.incidents
  DROP CONSTRAINT incidents_kind_check,
  ADD CONSTRAINT incidents_kind_check CHECK (kind IN ('disagreement', 'violation', 'dispute')),
  DROP CONSTRAINT incidents_outcome_check,
  ADD CONSTRAINT incidents_outcome_check CHECK (outcome IN
    ('first_struck', 'second_struck', 'both_struck', 'flaky', 'undecided', 'report_confirmed'));
CREATE INDEX incidents_disputes_open ON runtime.incidents (org)
  WHERE kind = 'dispute' AND status <> 'decided';

-- Organisations that the decision struck; a contradiction within a day of a strike is none.
ALTER TABLE runtime.incidents ADD COLUMN struck_orgs text[] NOT NULL DEFAULT '{}';
UPDATE runtime.incidents i SET struck_orgs = ARRAY(
  SELECT DISTINCT w.org FROM runtime.workers w
   WHERE (i.outcome IN ('first_struck', 'both_struck') AND w.worker_id = i.first_worker_id)
      OR (i.outcome IN ('second_struck', 'both_struck') AND w.worker_id = i.second_worker_id));
CREATE INDEX incidents_struck ON runtime.incidents (org, decided_at_ms) WHERE struck_orgs <> '{}';
