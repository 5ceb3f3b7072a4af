-- A person's workers, whichever of their organisations they registered them in.
CREATE INDEX workers_by_owner ON runtime.workers (owner, worker_id);
