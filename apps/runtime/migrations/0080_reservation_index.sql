-- Reservations without a quote need no entry in the index of quotes.

DROP INDEX runtime.reservations_by_quote;
CREATE UNIQUE INDEX reservations_by_quote ON runtime.reservations (quote_id)
  WHERE status <> 'voided' AND quote_id IS NOT NULL;
