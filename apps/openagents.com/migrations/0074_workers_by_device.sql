-- A device that is revoked ends its workers.
CREATE INDEX codex_workers_by_device ON control.codex_workers (device_id, worker_id);
