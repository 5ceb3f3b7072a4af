-- What each run of a provider came to, once its buyer settled: a line of the provider's
-- statement. Written while the account of its earnings is locked, so the lines of an
-- organisation stand in the order of that account, and each one's balance is the account's.

CREATE TABLE runtime.statement_lines (
  -- The job that the provider ran.
  job_id text PRIMARY KEY REFERENCES runtime.jobs,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  -- The provider's.
  org text NOT NULL,
  settled_job_id text NOT NULL REFERENCES runtime.settlements,
  worker_id text NOT NULL REFERENCES runtime.workers,
  quoted_msats bigint NOT NULL CHECK (quoted_msats >= 0),
  earned_msats bigint NOT NULL CHECK (earned_msats BETWEEN 0 AND quoted_msats),
  -- What the buyer paid the operator for this run.
  operator_fee_msats bigint NOT NULL CHECK (operator_fee_msats >= 0),
  withheld_reason text,
  balance_msats bigint NOT NULL,
  -- Never before the line before it, whatever the clocks of two services say.
  booked_at_ms bigint NOT NULL,
  CHECK (withheld_reason IS NULL OR earned_msats + operator_fee_msats = 0)
);
CREATE INDEX statement_lines_by_org ON runtime.statement_lines (org, booked_at_ms, seq);

WITH prices AS (
  SELECT s.*, q.provider_price_msats, j.provider_org, j.provider_worker_id,
         v.second_job_id, v.disagreement, v.assurance, i.outcome,
         COALESCE(o.price_msats, q.second_price_msats, 0) AS second_price_msats,
         CASE WHEN s.second_opinion_msats = 0 THEN 0
              ELSE LEAST(s.operator_fee_msats, COALESCE(o.fee_msats, q.second_fee_msats, 0)) END AS second_fee_msats
    FROM runtime.settlements s
    JOIN runtime.jobs j USING (job_id)
    JOIN runtime.quotes q USING (quote_id)
    JOIN runtime.verifications v USING (job_id)
    LEFT JOIN runtime.second_orders o ON o.job_id = v.second_job_id
    LEFT JOIN runtime.incidents i ON i.job_id = s.job_id),
lines AS (
  SELECT job_id, 1 AS nth, provider_org AS org, job_id AS settled_job_id, provider_worker_id AS worker_id,
         GREATEST(provider_price_msats, provider_msats) AS quoted, provider_msats AS earned,
         CASE WHEN withheld_reason IS NULL THEN operator_fee_msats - second_fee_msats ELSE 0 END AS fee,
         withheld_reason AS reason, settled_at_ms
    FROM prices
  UNION ALL
  SELECT second.job_id, 2, second.provider_org, p.job_id, second.provider_worker_id,
         GREATEST(p.second_price_msats, p.second_opinion_msats), p.second_opinion_msats,
         CASE WHEN p.withheld_reason IS NULL THEN p.second_fee_msats
              WHEN p.second_opinion_msats > 0 THEN p.operator_fee_msats ELSE 0 END,
         CASE WHEN p.second_opinion_msats > 0 THEN NULL
              WHEN p.disagreement THEN 'disagreement'
              WHEN p.outcome IN ('second_struck', 'both_struck') THEN 'dispute_upheld'
              WHEN p.assurance = 'provider' THEN 'no_answer' END,
         p.settled_at_ms
    FROM prices p JOIN runtime.jobs second ON second.job_id = p.second_job_id AND second.status <> 'canceled')
INSERT INTO runtime.statement_lines (job_id, org, settled_job_id, worker_id, quoted_msats, earned_msats,
       operator_fee_msats, withheld_reason, balance_msats, booked_at_ms)
SELECT job_id, org, settled_job_id, worker_id, quoted, earned, fee, reason,
       sum(earned) OVER (PARTITION BY org ORDER BY settled_at_ms, settled_job_id, nth), settled_at_ms
  FROM lines ORDER BY settled_at_ms, settled_job_id, nth;

GRANT SELECT, INSERT ON runtime.statement_lines TO :app_role;
