-- The figures of the whole market, which streams carry once a minute.
CREATE INDEX settlements_by_time ON runtime.settlements (settled_at_ms);
