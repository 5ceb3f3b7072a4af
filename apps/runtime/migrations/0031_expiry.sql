-- Reservations that lapse. One made before there was a time to live has none,
-- and ends by settlement or void only.

ALTER TABLE runtime.reservations
  ADD COLUMN expires_at_ms bigint,
  DROP CONSTRAINT reservations_status_check,
  ADD CONSTRAINT reservations_status_check
    CHECK (status IN ('reserved', 'released', 'withheld', 'voided', 'expired'));
CREATE INDEX reservations_by_expiry ON runtime.reservations (expires_at_ms, reservation_id)
  WHERE status = 'reserved';
