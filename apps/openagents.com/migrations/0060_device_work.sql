-- What a device works on ends with it: when that was done, for those that get no tokens any more.
ALTER TABLE control.devices ADD COLUMN work_ended_at_ms bigint;
CREATE INDEX devices_with_work_to_end ON control.devices (status_at_ms)
  WHERE status <> 'enrolled' AND work_ended_at_ms IS NULL;
GRANT UPDATE (work_ended_at_ms) ON control.devices TO :app_role;
