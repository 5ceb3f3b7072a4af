-- tables and columns
authority.command_outcomes.body text NOT NULL
authority.command_outcomes.command_id bytea NOT NULL
authority.command_outcomes.committed_at_ms bigint NOT NULL
authority.command_outcomes.content_type text NOT NULL
authority.command_outcomes.status smallint NOT NULL
authority.commands.body text NOT NULL
authority.commands.command_id bytea NOT NULL
authority.commands.committed_at_ms bigint NOT NULL
authority.commands.content_type text NOT NULL
authority.commands.key text NOT NULL
authority.commands.method text NOT NULL
authority.commands.principal text NOT NULL
authority.commands.request_sha256 bytea NOT NULL
authority.commands.status smallint NOT NULL
authority.commands.tenant text NOT NULL
authority.intents.attempts integer NOT NULL
authority.intents.command_id bytea
authority.intents.created_at_ms bigint NOT NULL
authority.intents.detail text
authority.intents.due_at_ms bigint NOT NULL
authority.intents.effect_key text NOT NULL
authority.intents.epoch bigint NOT NULL
authority.intents.intent_id text NOT NULL
authority.intents.kind text NOT NULL
authority.intents.outcome text
authority.intents.payload text NOT NULL
authority.intents.request_id text NOT NULL
authority.intents.sent_at_ms bigint
authority.intents.status text NOT NULL
authority.intents.subject text NOT NULL
authority.intents.tenant text NOT NULL
authority.intents.updated_at_ms bigint NOT NULL
authority.mode.changed_at_ms bigint
authority.mode.changed_by text
authority.mode.mode text NOT NULL
authority.mode.one boolean NOT NULL DEFAULT true
authority.mode.reason text NOT NULL
authority.mode.receipt_id text
authority.receipts.body text NOT NULL
authority.receipts.occurred_at_ms bigint NOT NULL
authority.receipts.receipt_id text NOT NULL
authority.receipts.schema text NOT NULL
authority.receipts.seq bigint NOT NULL IDENTITY
authority.receipts.subject text NOT NULL
authority.receipts.tenant text NOT NULL
authority.receipts.xid xid8 NOT NULL DEFAULT pg_current_xact_id()
ledger.accounts.created_at_ms bigint NOT NULL
ledger.accounts.credits_pending bigint NOT NULL DEFAULT 0
ledger.accounts.credits_posted bigint NOT NULL DEFAULT 0
ledger.accounts.debits_pending bigint NOT NULL DEFAULT 0
ledger.accounts.debits_posted bigint NOT NULL DEFAULT 0
ledger.accounts.floor bigint
ledger.accounts.id text NOT NULL
ledger.accounts.kind text NOT NULL
ledger.accounts.owner text NOT NULL
ledger.accounts.unit text NOT NULL
ledger.transfers.amount bigint NOT NULL
ledger.transfers.created_at_ms bigint NOT NULL
ledger.transfers.credit_account text NOT NULL
ledger.transfers.debit_account text NOT NULL
ledger.transfers.expires_at_ms bigint
ledger.transfers.id text NOT NULL
ledger.transfers.kind text NOT NULL
ledger.transfers.pending_id text
ledger.transfers.receipt_id text NOT NULL
ledger.transfers.seq bigint NOT NULL IDENTITY
ledger.transfers.unit text NOT NULL
runtime.artifact_grants.bytes bigint NOT NULL
runtime.artifact_grants.class text NOT NULL
runtime.artifact_grants.granted_at_ms bigint NOT NULL
runtime.artifact_grants.keep_until_ms bigint NOT NULL
runtime.artifact_grants.org text NOT NULL
runtime.artifact_grants.sha256 text NOT NULL
runtime.artifact_grants.shared_by text
runtime.artifact_usage.bytes bigint NOT NULL
runtime.artifact_usage.objects bigint NOT NULL
runtime.artifact_usage.org text NOT NULL
runtime.artifacts.blob text NOT NULL
runtime.artifacts.bytes bigint NOT NULL
runtime.artifacts.sha256 text NOT NULL
runtime.artifacts.stored_at_ms bigint NOT NULL
runtime.budget_counters.budget_id text NOT NULL
runtime.budget_counters.period_start_ms bigint NOT NULL
runtime.budget_counters.reserved_msats bigint NOT NULL
runtime.budget_counters.spent_msats bigint NOT NULL
runtime.budget_entries.amount_msats bigint NOT NULL
runtime.budget_entries.budget_id text NOT NULL
runtime.budget_entries.period_start_ms bigint NOT NULL
runtime.budget_entries.reservation_id text NOT NULL
runtime.budget_entries.spent_msats bigint
runtime.budgets.budget_id text NOT NULL
runtime.budgets.created_at_ms bigint NOT NULL
runtime.budgets.level text NOT NULL
runtime.budgets.limit_msats bigint NOT NULL
runtime.budgets.org text NOT NULL
runtime.budgets.period text NOT NULL
runtime.budgets.receipt_id text NOT NULL
runtime.budgets.removed_at_ms bigint
runtime.budgets.subject text NOT NULL
runtime.budgets.updated_at_ms bigint NOT NULL
runtime.buyer_blocks.blocked_at_ms bigint NOT NULL
runtime.buyer_blocks.buyer_org text NOT NULL
runtime.buyer_blocks.org text NOT NULL
runtime.buyer_blocks.reason text NOT NULL
runtime.buyer_blocks.receipt_id text NOT NULL
runtime.buyer_standings.disputed_jobs bigint NOT NULL DEFAULT 0
runtime.buyer_standings.disputes_lost bigint NOT NULL DEFAULT 0
runtime.buyer_standings.org text NOT NULL
runtime.buyer_standings.settled_jobs bigint NOT NULL DEFAULT 0
runtime.delivery_events.content_sha256 text NOT NULL
runtime.delivery_events.delivery_state text NOT NULL
runtime.delivery_events.event_id text NOT NULL
runtime.delivery_events.message_id text
runtime.delivery_events.org text NOT NULL
runtime.delivery_events.provider text NOT NULL
runtime.delivery_events.receipt_id text NOT NULL
runtime.delivery_events.recorded_at_ms bigint NOT NULL
runtime.delivery_events.seq bigint NOT NULL IDENTITY
runtime.exports.attempts integer NOT NULL
runtime.exports.content text NOT NULL
runtime.exports.created_at_ms bigint NOT NULL
runtime.exports.detail text
runtime.exports.export_id text NOT NULL
runtime.exports.kind text NOT NULL
runtime.exports.org text NOT NULL
runtime.exports.receipt_id text NOT NULL
runtime.exports.run_id text NOT NULL
runtime.exports.status text NOT NULL
runtime.exports.target text NOT NULL
runtime.exports.updated_at_ms bigint NOT NULL
runtime.exports.url text
runtime.incidents.decided_at_ms bigint
runtime.incidents.detail text NOT NULL
runtime.incidents.evidence text[] NOT NULL DEFAULT '{}'::text[]
runtime.incidents.first_worker_id text NOT NULL
runtime.incidents.incident_id text NOT NULL
runtime.incidents.job_id text NOT NULL
runtime.incidents.kind text NOT NULL
runtime.incidents.opened_at_ms bigint NOT NULL
runtime.incidents.org text NOT NULL
runtime.incidents.outcome text
runtime.incidents.receipt_id text NOT NULL
runtime.incidents.reporter_org text
runtime.incidents.run_id text NOT NULL
runtime.incidents.second_job_id text
runtime.incidents.second_worker_id text
runtime.incidents.status text NOT NULL
runtime.incidents.struck_orgs text[] NOT NULL DEFAULT '{}'::text[]
runtime.incidents.third_job_id text
runtime.job_moves.because text NOT NULL
runtime.job_moves.from_worker_id text NOT NULL
runtime.job_moves.job_id text NOT NULL
runtime.job_moves.moved_at_ms bigint NOT NULL
runtime.job_moves.receipt_id text NOT NULL
runtime.job_moves.to_worker_id text NOT NULL
runtime.job_outputs.job_id text NOT NULL
runtime.job_outputs.sha256 text NOT NULL
runtime.jobs.charged_msats bigint
runtime.jobs.completed_receipt_id text
runtime.jobs.created_at_ms bigint NOT NULL
runtime.jobs.dispatch_receipt_id text NOT NULL
runtime.jobs.failure text
runtime.jobs.fallback text NOT NULL DEFAULT 'none'::text
runtime.jobs.inputs text[] NOT NULL
runtime.jobs.job_hash text NOT NULL
runtime.jobs.job_id text NOT NULL
runtime.jobs.lease_expires_at_ms bigint
runtime.jobs.lease_id text
runtime.jobs.offered_at_ms bigint NOT NULL
runtime.jobs.org text NOT NULL
runtime.jobs.overdue_at_ms bigint
runtime.jobs.price_msats bigint
runtime.jobs.primary_job_id text
runtime.jobs.provider_org text NOT NULL
runtime.jobs.provider_worker_id text NOT NULL
runtime.jobs.purpose text NOT NULL DEFAULT 'work'::text
runtime.jobs.quote_id text
runtime.jobs.repeats integer NOT NULL DEFAULT 1
runtime.jobs.reservation_id text
runtime.jobs.result text
runtime.jobs.run_id text NOT NULL
runtime.jobs.spec text NOT NULL
runtime.jobs.status text NOT NULL
runtime.jobs.updated_at_ms bigint NOT NULL
runtime.lease_watch.one boolean NOT NULL DEFAULT true
runtime.lease_watch.seen_at_ms bigint NOT NULL
runtime.leases.claimed_at_ms bigint NOT NULL
runtime.leases.job_id text NOT NULL
runtime.leases.lapsed_at_ms bigint
runtime.leases.lease_id text NOT NULL
runtime.leases.worker_id text NOT NULL
runtime.loose_blobs.blob text NOT NULL
runtime.loose_blobs.condemned boolean NOT NULL DEFAULT false
runtime.loose_blobs.delete_after_ms bigint NOT NULL
runtime.market_counts.capability text NOT NULL
runtime.market_counts.count bigint NOT NULL
runtime.market_counts.day integer NOT NULL
runtime.market_counts.measure text NOT NULL
runtime.market_counts.party text NOT NULL
runtime.mirror_cursors.mirrored_seq bigint NOT NULL
runtime.mirror_cursors.stream_id text NOT NULL
runtime.mirror_cursors.updated_at_ms bigint NOT NULL
runtime.panels.adjudication text NOT NULL
runtime.panels.answer_sha256 text
runtime.panels.because text
runtime.panels.capability text NOT NULL
runtime.panels.created_at_ms bigint NOT NULL
runtime.panels.decide_by_ms bigint NOT NULL
runtime.panels.decided_at_ms bigint
runtime.panels.decided_by text
runtime.panels.job_hash text NOT NULL
runtime.panels.org text NOT NULL
runtime.panels.own_devices boolean NOT NULL
runtime.panels.panel_id text NOT NULL
runtime.panels.pay_on text NOT NULL
runtime.panels.quorum integer NOT NULL
runtime.panels.receipt_id text NOT NULL
runtime.panels.redundancy integer NOT NULL
runtime.panels.review_by_ms bigint
runtime.panels.run_id text NOT NULL
runtime.panels.status text NOT NULL
runtime.panels.total_price_msats bigint NOT NULL
runtime.provider_records.jobs_done bigint NOT NULL DEFAULT 0
runtime.provider_records.jobs_faulty bigint NOT NULL DEFAULT 0
runtime.provider_records.jobs_released bigint NOT NULL DEFAULT 0
runtime.provider_records.latency_ms bigint
runtime.provider_records.price_violations bigint NOT NULL DEFAULT 0
runtime.provider_records.worker_id text NOT NULL
runtime.provider_standings.agreeing_jobs bigint NOT NULL
runtime.provider_standings.org text NOT NULL
runtime.quotes.capability text NOT NULL
runtime.quotes.expected_price_msats bigint
runtime.quotes.issued_at_ms bigint NOT NULL
runtime.quotes.job_hash text NOT NULL
runtime.quotes.market boolean NOT NULL DEFAULT false
runtime.quotes.operator_fee_msats bigint NOT NULL
runtime.quotes.org text NOT NULL
runtime.quotes.panel_id text
runtime.quotes.pay_on text NOT NULL DEFAULT 'outcome'::text
runtime.quotes.policy text NOT NULL DEFAULT 'cheapest'::text
runtime.quotes.policy_adder_msats bigint NOT NULL DEFAULT 0
runtime.quotes.provider_org text NOT NULL
runtime.quotes.provider_price_msats bigint NOT NULL
runtime.quotes.provider_worker_id text NOT NULL
runtime.quotes.quote_id text NOT NULL
runtime.quotes.quote_sha256 text NOT NULL
runtime.quotes.receipt_id text NOT NULL
runtime.quotes.run_id text NOT NULL
runtime.quotes.sampling_nonce text
runtime.quotes.sampling_seed_id text
runtime.quotes.second_assurance text
runtime.quotes.second_fee_msats bigint
runtime.quotes.second_org text
runtime.quotes.second_price_msats bigint
runtime.quotes.second_worker_id text
runtime.quotes.spec text NOT NULL
runtime.quotes.supply_class text NOT NULL DEFAULT 'single_node'::text
runtime.quotes.valid_until_ms bigint NOT NULL
runtime.quotes.verification_policy text NOT NULL DEFAULT 'always'::text
runtime.rate_limits.class text NOT NULL
runtime.rate_limits.full_at_us bigint NOT NULL
runtime.rate_limits.org text NOT NULL
runtime.rate_limits.taken_at_us bigint NOT NULL
runtime.rate_limits.window_us bigint NOT NULL
runtime.reservations.amount_msats bigint NOT NULL
runtime.reservations.created_at_ms bigint NOT NULL
runtime.reservations.expires_at_ms bigint
runtime.reservations.org text NOT NULL
runtime.reservations.quote_id text
runtime.reservations.receipt_id text NOT NULL
runtime.reservations.reservation_id text NOT NULL
runtime.reservations.run_id text
runtime.reservations.status text NOT NULL
runtime.reviews.decision text NOT NULL
runtime.reviews.job_id text NOT NULL
runtime.reviews.note text NOT NULL
runtime.reviews.receipt_id text NOT NULL
runtime.reviews.reviewed_at_ms bigint NOT NULL
runtime.reviews.reviewed_by text NOT NULL
runtime.run_events.chain_hash text NOT NULL
runtime.run_events.event_type text NOT NULL
runtime.run_events.payload text NOT NULL
runtime.run_events.payload_hash text NOT NULL
runtime.run_events.recorded_at_ms bigint NOT NULL
runtime.run_events.run_id text NOT NULL
runtime.run_events.seq bigint NOT NULL
runtime.run_projections.chain_hash text NOT NULL
runtime.run_projections.last_seq bigint NOT NULL
runtime.run_projections.org text NOT NULL
runtime.run_projections.projection_hash text NOT NULL
runtime.run_projections.run_id text NOT NULL
runtime.run_projections.summary text NOT NULL
runtime.run_projections.updated_at_ms bigint NOT NULL
runtime.runs.bundle_receipt_id text
runtime.runs.created_at_ms bigint NOT NULL
runtime.runs.created_by text NOT NULL
runtime.runs.executor_epoch bigint NOT NULL DEFAULT 0
runtime.runs.executor_expires_at_ms bigint
runtime.runs.executor_id text
runtime.runs.executor_lost boolean NOT NULL DEFAULT false
runtime.runs.fork_depth integer NOT NULL DEFAULT 0
runtime.runs.fork_seq bigint
runtime.runs.forked_from text
runtime.runs.issue text
runtime.runs.latest_seq bigint NOT NULL
runtime.runs.metadata text NOT NULL
runtime.runs.nonce text NOT NULL
runtime.runs.org text NOT NULL
runtime.runs.projection_due boolean NOT NULL DEFAULT true
runtime.runs.run_id text NOT NULL
runtime.runs.status text NOT NULL
runtime.runs.trajectory_hash text NOT NULL
runtime.runs.updated_at_ms bigint NOT NULL
runtime.sampling_seeds.commitment_sha256 text NOT NULL
runtime.sampling_seeds.opened_at_ms bigint NOT NULL
runtime.sampling_seeds.revealed_at_ms bigint
runtime.sampling_seeds.seed text NOT NULL
runtime.sampling_seeds.seed_id text NOT NULL
runtime.second_orders.fee_msats bigint NOT NULL
runtime.second_orders.job_id text NOT NULL
runtime.second_orders.price_msats bigint NOT NULL
runtime.second_orders.rerun text NOT NULL
runtime.settlements.job_id text NOT NULL
runtime.settlements.operator_fee_msats bigint NOT NULL
runtime.settlements.org text NOT NULL
runtime.settlements.pay_on text NOT NULL DEFAULT 'outcome'::text
runtime.settlements.provider_msats bigint NOT NULL
runtime.settlements.receipt_id text NOT NULL
runtime.settlements.reservation_id text NOT NULL
runtime.settlements.second_opinion_msats bigint NOT NULL DEFAULT 0
runtime.settlements.settled_at_ms bigint NOT NULL
runtime.settlements.status text NOT NULL
runtime.settlements.verification_receipt_id text NOT NULL
runtime.settlements.withheld_reason text
runtime.statement_lines.balance_msats bigint NOT NULL
runtime.statement_lines.booked_at_ms bigint NOT NULL
runtime.statement_lines.earned_msats bigint NOT NULL
runtime.statement_lines.job_id text NOT NULL
runtime.statement_lines.operator_fee_msats bigint NOT NULL
runtime.statement_lines.org text NOT NULL
runtime.statement_lines.quoted_msats bigint NOT NULL
runtime.statement_lines.seq bigint NOT NULL IDENTITY
runtime.statement_lines.settled_job_id text NOT NULL
runtime.statement_lines.withheld_reason text
runtime.statement_lines.worker_id text NOT NULL
runtime.verifications.assurance text NOT NULL
runtime.verifications.base_exit_code integer
runtime.verifications.because text NOT NULL
runtime.verifications.disagreement boolean NOT NULL DEFAULT false
runtime.verifications.guard_exit_code integer
runtime.verifications.incident_id text
runtime.verifications.job_id text NOT NULL
runtime.verifications.patched_exit_code integer
runtime.verifications.proof text NOT NULL
runtime.verifications.receipt_id text NOT NULL
runtime.verifications.receipt_sha256 text NOT NULL
runtime.verifications.rerun text
runtime.verifications.review_paths text[] NOT NULL DEFAULT '{}'::text[]
runtime.verifications.second_job_id text
runtime.verifications.tests_fixed integer
runtime.verifications.tests_kept integer
runtime.verifications.verdict text NOT NULL
runtime.verifications.verified_at_ms bigint NOT NULL
runtime.verifications.violations text[] NOT NULL
runtime.workers.account text NOT NULL
runtime.workers.capabilities text[] NOT NULL
runtime.workers.caps text NOT NULL
runtime.workers.created_at_ms bigint NOT NULL
runtime.workers.display_name text NOT NULL
runtime.workers.endpoint_url text
runtime.workers.execution_price_msats bigint
runtime.workers.last_heartbeat_at_ms bigint NOT NULL
runtime.workers.org text NOT NULL
runtime.workers.owner text NOT NULL
runtime.workers.price_bands text NOT NULL DEFAULT '[]'::text
runtime.workers.price_msats bigint NOT NULL
runtime.workers.quarantined boolean NOT NULL DEFAULT false
runtime.workers.roles text[] NOT NULL
runtime.workers.status text NOT NULL
runtime.workers.strikes integer NOT NULL DEFAULT 0
runtime.workers.toolchains text NOT NULL
runtime.workers.worker_id text NOT NULL
runtime.workers.zone_tenths integer NOT NULL
sync.stream_chains.chain_hash text NOT NULL
sync.stream_chains.receipt_id text NOT NULL
sync.stream_chains.seq bigint NOT NULL
sync.stream_chains.stream_id text NOT NULL
sync.stream_events.committed_at_ms bigint NOT NULL
sync.stream_events.payload text NOT NULL
sync.stream_events.payload_hash text NOT NULL
sync.stream_events.seq bigint NOT NULL
sync.stream_events.stream_id text NOT NULL
sync.stream_heads.floor_seq bigint NOT NULL DEFAULT 0
sync.stream_heads.head_seq bigint NOT NULL
sync.stream_heads.keep_newest integer
sync.stream_heads.stream_id text NOT NULL
sync.stream_heads.tenant text NOT NULL
sync.stream_heads.updated_at_ms bigint NOT NULL
transparency.entries.hash bytea NOT NULL
transparency.entries.index bigint NOT NULL
transparency.handovers.handed_over_at_ms bigint NOT NULL
transparency.handovers.hash bytea NOT NULL
transparency.handovers.seq bigint NOT NULL IDENTITY
transparency.handovers.service text NOT NULL
transparency.handovers.xid xid8 NOT NULL DEFAULT pg_current_xact_id()
transparency.heads.after_seq bigint
transparency.heads.after_xid xid8
transparency.heads.appended_at_ms bigint NOT NULL
transparency.heads.root bytea NOT NULL
transparency.heads.seen pg_snapshot NOT NULL
transparency.heads.size bigint NOT NULL
transparency.heads.taking pg_snapshot
transparency.identity.log_key text NOT NULL
transparency.identity.row_number smallint NOT NULL DEFAULT 1
transparency.nodes.hash bytea NOT NULL
transparency.nodes.index bigint NOT NULL
transparency.nodes.level smallint NOT NULL

-- constraints
authority.command_outcomes command_outcomes_command_id_fkey FOREIGN KEY (command_id) REFERENCES authority.commands(command_id)
authority.command_outcomes command_outcomes_pkey PRIMARY KEY (command_id)
authority.commands commands_command_id_check CHECK ((octet_length(command_id) = 32))
authority.commands commands_pkey PRIMARY KEY (command_id)
authority.commands commands_request_sha256_check CHECK ((octet_length(request_sha256) = 32))
authority.intents intents_attempts_check CHECK ((attempts >= 0))
authority.intents intents_check CHECK (((status = ANY (ARRAY['succeeded'::text, 'failed'::text])) = (outcome IS NOT NULL)))
authority.intents intents_check1 CHECK (((status <> 'unknown'::text) OR (sent_at_ms IS NOT NULL)))
authority.intents intents_command_id_fkey FOREIGN KEY (command_id) REFERENCES authority.commands(command_id)
authority.intents intents_epoch_check CHECK ((epoch >= 0))
authority.intents intents_kind_effect_key_key UNIQUE (kind, effect_key)
authority.intents intents_pkey PRIMARY KEY (intent_id)
authority.intents intents_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'unknown'::text, 'succeeded'::text, 'failed'::text])))
authority.mode mode_mode_check CHECK ((mode = ANY (ARRAY['active'::text, 'read_only'::text])))
authority.mode mode_one_check CHECK (one)
authority.mode mode_pkey PRIMARY KEY (one)
authority.receipts receipts_pkey PRIMARY KEY (receipt_id)
ledger.accounts accounts_credits_pending_check CHECK ((credits_pending >= 0))
ledger.accounts accounts_credits_posted_check CHECK ((credits_posted >= 0))
ledger.accounts accounts_debits_pending_check CHECK ((debits_pending >= 0))
ledger.accounts accounts_debits_posted_check CHECK ((debits_posted >= 0))
ledger.accounts accounts_floor CHECK (((floor IS NULL) OR (((credits_posted - debits_posted) - debits_pending) >= floor)))
ledger.accounts accounts_pkey PRIMARY KEY (id)
ledger.transfers transfers_amount_check CHECK ((amount > 0))
ledger.transfers transfers_check CHECK ((debit_account <> credit_account))
ledger.transfers transfers_check1 CHECK (((kind = ANY (ARRAY['post'::text, 'void'::text, 'expire'::text])) = (pending_id IS NOT NULL)))
ledger.transfers transfers_check2 CHECK (((expires_at_ms IS NULL) OR (kind = 'pending'::text)))
ledger.transfers transfers_kind_check CHECK ((kind = ANY (ARRAY['posted'::text, 'pending'::text, 'post'::text, 'void'::text, 'expire'::text])))
ledger.transfers transfers_pending_id_fkey FOREIGN KEY (pending_id) REFERENCES ledger.transfers(id)
ledger.transfers transfers_pkey PRIMARY KEY (id)
runtime.artifact_grants artifact_grants_bytes_check CHECK ((bytes >= 0))
runtime.artifact_grants artifact_grants_check CHECK (((class = 'shared'::text) = (shared_by IS NOT NULL)))
runtime.artifact_grants artifact_grants_class_check CHECK ((class = ANY (ARRAY['stored'::text, 'handed_in'::text, 'shared'::text])))
runtime.artifact_grants artifact_grants_pkey PRIMARY KEY (org, sha256)
runtime.artifact_grants artifact_grants_sha256_fkey FOREIGN KEY (sha256) REFERENCES runtime.artifacts(sha256)
runtime.artifact_usage artifact_usage_bytes_check CHECK ((bytes >= 0))
runtime.artifact_usage artifact_usage_objects_check CHECK ((objects >= 0))
runtime.artifact_usage artifact_usage_pkey PRIMARY KEY (org)
runtime.artifacts artifacts_blob_key UNIQUE (blob)
runtime.artifacts artifacts_bytes_check CHECK ((bytes >= 0))
runtime.artifacts artifacts_pkey PRIMARY KEY (sha256)
runtime.budget_counters budget_counters_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES runtime.budgets(budget_id)
runtime.budget_counters budget_counters_pkey PRIMARY KEY (budget_id, period_start_ms)
runtime.budget_counters budget_counters_reserved_msats_check CHECK ((reserved_msats >= 0))
runtime.budget_counters budget_counters_spent_msats_check CHECK ((spent_msats >= 0))
runtime.budget_entries budget_entries_amount_msats_check CHECK ((amount_msats > 0))
runtime.budget_entries budget_entries_budget_id_period_start_ms_fkey FOREIGN KEY (budget_id, period_start_ms) REFERENCES runtime.budget_counters(budget_id, period_start_ms)
runtime.budget_entries budget_entries_check CHECK (((spent_msats >= 0) AND (spent_msats <= amount_msats)))
runtime.budget_entries budget_entries_pkey PRIMARY KEY (reservation_id, budget_id)
runtime.budget_entries budget_entries_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES runtime.reservations(reservation_id)
runtime.budgets budgets_check CHECK (((level = 'org'::text) = (subject = ''::text)))
runtime.budgets budgets_level_check CHECK ((level = ANY (ARRAY['org'::text, 'project'::text, 'run'::text])))
runtime.budgets budgets_limit_msats_check CHECK ((limit_msats > 0))
runtime.budgets budgets_org_level_subject_period_key UNIQUE (org, level, subject, period)
runtime.budgets budgets_period_check CHECK ((period = ANY (ARRAY['none'::text, 'day'::text, 'week'::text, 'month'::text])))
runtime.budgets budgets_pkey PRIMARY KEY (budget_id)
runtime.buyer_blocks buyer_blocks_pkey PRIMARY KEY (org, buyer_org)
runtime.buyer_standings buyer_standings_disputed_jobs_check CHECK ((disputed_jobs >= 0))
runtime.buyer_standings buyer_standings_disputes_lost_check CHECK ((disputes_lost >= 0))
runtime.buyer_standings buyer_standings_pkey PRIMARY KEY (org)
runtime.buyer_standings buyer_standings_settled_jobs_check CHECK ((settled_jobs >= 0))
runtime.delivery_events delivery_events_pkey PRIMARY KEY (org, provider, event_id)
runtime.exports exports_attempts_check CHECK ((attempts >= 0))
runtime.exports exports_kind_check CHECK ((kind = ANY (ARRAY['pull_request'::text, 'status_comment'::text])))
runtime.exports exports_pkey PRIMARY KEY (export_id)
runtime.exports exports_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.exports exports_run_id_kind_target_key UNIQUE (run_id, kind, target)
runtime.exports exports_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text])))
runtime.incidents incidents_check CHECK (((status = 'decided'::text) = (outcome IS NOT NULL)))
runtime.incidents incidents_check1 CHECK (((outcome IS NULL) = (decided_at_ms IS NULL)))
runtime.incidents incidents_first_worker_id_fkey FOREIGN KEY (first_worker_id) REFERENCES runtime.workers(worker_id)
runtime.incidents incidents_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.incidents incidents_kind_check CHECK ((kind = ANY (ARRAY['disagreement'::text, 'violation'::text, 'dispute'::text, 'allegation'::text])))
runtime.incidents incidents_outcome_check CHECK ((outcome = ANY (ARRAY['first_struck'::text, 'second_struck'::text, 'both_struck'::text, 'flaky'::text, 'undecided'::text, 'report_confirmed'::text, 'allegation_upheld'::text, 'allegation_dismissed'::text])))
runtime.incidents incidents_pkey PRIMARY KEY (incident_id)
runtime.incidents incidents_reporter_check CHECK (((kind = 'allegation'::text) = (reporter_org IS NOT NULL)))
runtime.incidents incidents_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.incidents incidents_second_job_id_fkey FOREIGN KEY (second_job_id) REFERENCES runtime.jobs(job_id)
runtime.incidents incidents_second_worker_id_fkey FOREIGN KEY (second_worker_id) REFERENCES runtime.workers(worker_id)
runtime.incidents incidents_status_check CHECK ((status = ANY (ARRAY['open'::text, 'adjudicating'::text, 'decided'::text])))
runtime.incidents incidents_third_job_id_fkey FOREIGN KEY (third_job_id) REFERENCES runtime.jobs(job_id)
runtime.job_moves job_moves_from_worker_id_fkey FOREIGN KEY (from_worker_id) REFERENCES runtime.workers(worker_id)
runtime.job_moves job_moves_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.job_moves job_moves_pkey PRIMARY KEY (job_id, from_worker_id)
runtime.job_moves job_moves_to_worker_id_fkey FOREIGN KEY (to_worker_id) REFERENCES runtime.workers(worker_id)
runtime.job_outputs job_outputs_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.job_outputs job_outputs_pkey PRIMARY KEY (job_id, sha256)
runtime.jobs jobs_charged_msats_check CHECK ((charged_msats >= 0))
runtime.jobs jobs_check CHECK (((purpose = 'work'::text) = (primary_job_id IS NULL)))
runtime.jobs jobs_check1 CHECK (((purpose = 'adjudication'::text) = (quote_id IS NULL)))
runtime.jobs jobs_check2 CHECK (((quote_id IS NULL) = (reservation_id IS NULL)))
runtime.jobs jobs_fallback_check CHECK ((fallback = ANY (ARRAY['none'::text, 'reserve'::text, 'market'::text])))
runtime.jobs jobs_lease_id_key UNIQUE (lease_id)
runtime.jobs jobs_pkey PRIMARY KEY (job_id)
runtime.jobs jobs_price_msats_check CHECK ((price_msats >= 0))
runtime.jobs jobs_primary_job_id_fkey FOREIGN KEY (primary_job_id) REFERENCES runtime.jobs(job_id)
runtime.jobs jobs_provider_worker_id_fkey FOREIGN KEY (provider_worker_id) REFERENCES runtime.workers(worker_id)
runtime.jobs jobs_purpose_check CHECK ((purpose = ANY (ARRAY['work'::text, 'second_opinion'::text, 'adjudication'::text])))
runtime.jobs jobs_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES runtime.quotes(quote_id)
runtime.jobs jobs_repeats_check CHECK (((repeats >= 1) AND (repeats <= 5)))
runtime.jobs jobs_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES runtime.reservations(reservation_id)
runtime.jobs jobs_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.jobs jobs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'leased'::text, 'reported'::text, 'verified'::text, 'settled'::text, 'canceled'::text])))
runtime.lease_watch lease_watch_one_check CHECK (one)
runtime.lease_watch lease_watch_pkey PRIMARY KEY (one)
runtime.leases leases_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.leases leases_pkey PRIMARY KEY (lease_id)
runtime.leases leases_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES runtime.workers(worker_id)
runtime.loose_blobs loose_blobs_pkey PRIMARY KEY (blob)
runtime.market_counts market_counts_count_check CHECK ((count > 0))
runtime.market_counts market_counts_pkey PRIMARY KEY (party, capability, day, measure)
runtime.mirror_cursors mirror_cursors_mirrored_seq_check CHECK ((mirrored_seq >= 0))
runtime.mirror_cursors mirror_cursors_pkey PRIMARY KEY (stream_id)
runtime.panels panels_adjudication_check CHECK ((adjudication = ANY (ARRAY['none'::text, 'majority_vote'::text])))
runtime.panels panels_check CHECK ((((quorum * 2) > redundancy) AND (quorum <= redundancy)))
runtime.panels panels_check1 CHECK (((status = 'decided'::text) = (answer_sha256 IS NOT NULL)))
runtime.panels panels_check2 CHECK (((status = ANY (ARRAY['decided'::text, 'rejected'::text, 'expired'::text])) = (decided_at_ms IS NOT NULL)))
runtime.panels panels_check3 CHECK (((status <> 'needs_review'::text) OR (review_by_ms IS NOT NULL)))
runtime.panels panels_pay_on_check CHECK ((pay_on = ANY (ARRAY['outcome'::text, 'execution'::text])))
runtime.panels panels_pkey PRIMARY KEY (panel_id)
runtime.panels panels_redundancy_check CHECK (((redundancy >= 1) AND (redundancy <= 5)))
runtime.panels panels_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.panels panels_status_check CHECK ((status = ANY (ARRAY['open'::text, 'needs_review'::text, 'decided'::text, 'rejected'::text, 'expired'::text])))
runtime.panels panels_total_price_msats_check CHECK ((total_price_msats > 0))
runtime.provider_records provider_records_jobs_done_check CHECK ((jobs_done >= 0))
runtime.provider_records provider_records_jobs_faulty_check CHECK ((jobs_faulty >= 0))
runtime.provider_records provider_records_jobs_released_check CHECK ((jobs_released >= 0))
runtime.provider_records provider_records_latency_ms_check CHECK ((latency_ms >= 0))
runtime.provider_records provider_records_pkey PRIMARY KEY (worker_id)
runtime.provider_records provider_records_price_violations_check CHECK ((price_violations >= 0))
runtime.provider_records provider_records_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES runtime.workers(worker_id)
runtime.provider_standings provider_standings_agreeing_jobs_check CHECK ((agreeing_jobs > 0))
runtime.provider_standings provider_standings_pkey PRIMARY KEY (org)
runtime.quotes quotes_check CHECK (((verification_policy = 'sampled'::text) = (sampling_seed_id IS NOT NULL)))
runtime.quotes quotes_check1 CHECK (((sampling_seed_id IS NULL) = (sampling_nonce IS NULL)))
runtime.quotes quotes_operator_fee_msats_check CHECK ((operator_fee_msats >= 0))
runtime.quotes quotes_panel_id_fkey FOREIGN KEY (panel_id) REFERENCES runtime.panels(panel_id)
runtime.quotes quotes_pay_on_check CHECK ((pay_on = ANY (ARRAY['outcome'::text, 'execution'::text])))
runtime.quotes quotes_pkey PRIMARY KEY (quote_id)
runtime.quotes quotes_policy_adder_msats_check CHECK ((policy_adder_msats >= 0))
runtime.quotes quotes_policy_check CHECK ((policy = ANY (ARRAY['cheapest'::text, 'balanced'::text, 'fastest'::text])))
runtime.quotes quotes_provider_price_msats_check CHECK ((provider_price_msats >= 0))
runtime.quotes quotes_provider_worker_id_fkey FOREIGN KEY (provider_worker_id) REFERENCES runtime.workers(worker_id)
runtime.quotes quotes_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.quotes quotes_sampling_seed_id_fkey FOREIGN KEY (sampling_seed_id) REFERENCES runtime.sampling_seeds(seed_id)
runtime.quotes quotes_second_assurance_check CHECK ((second_assurance = ANY (ARRAY['self'::text, 'independent'::text])))
runtime.quotes quotes_second_fee_msats_check CHECK ((second_fee_msats >= 0))
runtime.quotes quotes_second_price_msats_check CHECK ((second_price_msats >= 0))
runtime.quotes quotes_second_worker_id_fkey FOREIGN KEY (second_worker_id) REFERENCES runtime.workers(worker_id)
runtime.quotes quotes_supply_class_check CHECK ((supply_class = ANY (ARRAY['single_node'::text, 'reserve_pool'::text])))
runtime.quotes quotes_verification_policy_check CHECK ((verification_policy = ANY (ARRAY['always'::text, 'sampled'::text])))
runtime.rate_limits rate_limits_pkey PRIMARY KEY (org, class)
runtime.rate_limits rate_limits_window_us_check CHECK ((window_us > 0))
runtime.rate_limits rate_limits_within CHECK (((full_at_us - taken_at_us) <= window_us))
runtime.reservations reservations_amount_msats_check CHECK ((amount_msats > 0))
runtime.reservations reservations_pkey PRIMARY KEY (reservation_id)
runtime.reservations reservations_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES runtime.quotes(quote_id)
runtime.reservations reservations_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.reservations reservations_status_check CHECK ((status = ANY (ARRAY['reserved'::text, 'released'::text, 'withheld'::text, 'voided'::text, 'expired'::text])))
runtime.reviews reviews_decision_check CHECK ((decision = ANY (ARRAY['accepted'::text, 'rejected'::text])))
runtime.reviews reviews_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.verifications(job_id)
runtime.reviews reviews_pkey PRIMARY KEY (job_id)
runtime.run_events run_events_pkey PRIMARY KEY (run_id, seq)
runtime.run_events run_events_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.run_events run_events_seq_check CHECK ((seq >= 1))
runtime.run_projections run_projections_last_seq_check CHECK ((last_seq >= 0))
runtime.run_projections run_projections_pkey PRIMARY KEY (run_id)
runtime.run_projections run_projections_run_id_fkey FOREIGN KEY (run_id) REFERENCES runtime.runs(run_id)
runtime.runs runs_check CHECK (((executor_id IS NULL) = (executor_expires_at_ms IS NULL)))
runtime.runs runs_check1 CHECK (((executor_id IS NULL) OR (executor_epoch > 0)))
runtime.runs runs_check2 CHECK (((forked_from IS NULL) = (fork_seq IS NULL)))
runtime.runs runs_check3 CHECK (((forked_from IS NULL) = (fork_depth = 0)))
runtime.runs runs_check4 CHECK (((NOT executor_lost) OR (executor_id IS NOT NULL)))
runtime.runs runs_executor_epoch_check CHECK ((executor_epoch >= 0))
runtime.runs runs_fork_depth_check CHECK ((fork_depth >= 0))
runtime.runs runs_fork_seq_check CHECK ((fork_seq >= 1))
runtime.runs runs_forked_from_fkey FOREIGN KEY (forked_from) REFERENCES runtime.runs(run_id)
runtime.runs runs_latest_seq_check CHECK ((latest_seq >= 0))
runtime.runs runs_pkey PRIMARY KEY (run_id)
runtime.runs runs_status_check CHECK ((status = ANY (ARRAY['created'::text, 'running'::text, 'canceling'::text, 'canceled'::text, 'succeeded'::text, 'failed'::text])))
runtime.sampling_seeds sampling_seeds_pkey PRIMARY KEY (seed_id)
runtime.second_orders second_orders_fee_msats_check CHECK ((fee_msats >= 0))
runtime.second_orders second_orders_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.second_orders second_orders_pkey PRIMARY KEY (job_id)
runtime.second_orders second_orders_price_msats_check CHECK ((price_msats >= 0))
runtime.settlements settlements_check CHECK (((status = 'withheld'::text) = (withheld_reason IS NOT NULL)))
runtime.settlements settlements_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.settlements settlements_operator_fee_msats_check CHECK ((operator_fee_msats >= 0))
runtime.settlements settlements_pay_on_check CHECK ((pay_on = ANY (ARRAY['outcome'::text, 'execution'::text])))
runtime.settlements settlements_pkey PRIMARY KEY (job_id)
runtime.settlements settlements_provider_msats_check CHECK ((provider_msats >= 0))
runtime.settlements settlements_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES runtime.reservations(reservation_id)
runtime.settlements settlements_reservation_id_key UNIQUE (reservation_id)
runtime.settlements settlements_second_opinion_msats_check CHECK ((second_opinion_msats >= 0))
runtime.settlements settlements_status_check CHECK ((status = ANY (ARRAY['released'::text, 'withheld'::text])))
runtime.statement_lines statement_lines_check CHECK (((earned_msats >= 0) AND (earned_msats <= quoted_msats)))
runtime.statement_lines statement_lines_check1 CHECK (((withheld_reason IS NULL) OR ((earned_msats + operator_fee_msats) = 0)))
runtime.statement_lines statement_lines_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.statement_lines statement_lines_operator_fee_msats_check CHECK ((operator_fee_msats >= 0))
runtime.statement_lines statement_lines_pkey PRIMARY KEY (job_id)
runtime.statement_lines statement_lines_quoted_msats_check CHECK ((quoted_msats >= 0))
runtime.statement_lines statement_lines_settled_job_id_fkey FOREIGN KEY (settled_job_id) REFERENCES runtime.settlements(job_id)
runtime.statement_lines statement_lines_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES runtime.workers(worker_id)
runtime.verifications verifications_job_id_fkey FOREIGN KEY (job_id) REFERENCES runtime.jobs(job_id)
runtime.verifications verifications_pkey PRIMARY KEY (job_id)
runtime.verifications verifications_second_job_id_fkey FOREIGN KEY (second_job_id) REFERENCES runtime.jobs(job_id)
runtime.workers workers_execution_price_msats_check CHECK ((execution_price_msats > 0))
runtime.workers workers_pkey PRIMARY KEY (worker_id)
runtime.workers workers_price_msats_check CHECK ((price_msats >= 0))
runtime.workers workers_status_check CHECK ((status = ANY (ARRAY['running'::text, 'stopped'::text, 'disabled'::text])))
runtime.workers workers_strikes_check CHECK ((strikes >= 0))
runtime.workers workers_zone_tenths_check CHECK ((zone_tenths = ANY (ARRAY[0, 5, 10])))
sync.stream_chains stream_chains_pkey PRIMARY KEY (stream_id, seq)
sync.stream_chains stream_chains_seq_check CHECK ((seq > 0))
sync.stream_events stream_events_pkey PRIMARY KEY (stream_id, seq)
sync.stream_events stream_events_seq_check CHECK ((seq > 0))
sync.stream_heads stream_heads_check CHECK (((floor_seq >= 0) AND (floor_seq <= head_seq)))
sync.stream_heads stream_heads_check1 CHECK (((keep_newest IS NOT NULL) OR (floor_seq = 0)))
sync.stream_heads stream_heads_head_seq_check CHECK ((head_seq >= 0))
sync.stream_heads stream_heads_keep_newest_check CHECK ((keep_newest > 0))
sync.stream_heads stream_heads_pkey PRIMARY KEY (stream_id)
sync.stream_heads stream_heads_stream_id_check CHECK ((stream_id <> ''::text))
transparency.entries entries_hash_check CHECK ((octet_length(hash) = 32))
transparency.entries entries_hash_key UNIQUE (hash)
transparency.entries entries_index_check CHECK ((index >= 0))
transparency.entries entries_pkey PRIMARY KEY (index)
transparency.handovers handovers_hash_check CHECK ((octet_length(hash) = 32))
transparency.handovers handovers_pkey PRIMARY KEY (hash)
transparency.heads heads_check CHECK ((((taking IS NULL) = (after_xid IS NULL)) AND ((taking IS NULL) = (after_seq IS NULL))))
transparency.heads heads_pkey PRIMARY KEY (size)
transparency.heads heads_root_check CHECK ((octet_length(root) = 32))
transparency.heads heads_size_check CHECK ((size >= 0))
transparency.identity identity_pkey PRIMARY KEY (row_number)
transparency.identity identity_row_number_check CHECK ((row_number = 1))
transparency.nodes nodes_hash_check CHECK ((octet_length(hash) = 32))
transparency.nodes nodes_index_check CHECK ((index >= 0))
transparency.nodes nodes_level_check CHECK ((level > 0))
transparency.nodes nodes_pkey PRIMARY KEY (level, index)

-- indexes
CREATE INDEX artifact_grants_by_sha256 ON runtime.artifact_grants USING btree (sha256)
CREATE INDEX artifact_grants_due ON runtime.artifact_grants USING btree (keep_until_ms, org, sha256)
CREATE INDEX budget_entries_by_counter ON runtime.budget_entries USING btree (budget_id, period_start_ms)
CREATE INDEX budgets_by_level ON runtime.budgets USING btree (org, level, budget_id) WHERE (removed_at_ms IS NULL)
CREATE INDEX budgets_by_org ON runtime.budgets USING btree (org, budget_id) WHERE (removed_at_ms IS NULL)
CREATE INDEX buyer_blocks_by_buyer ON runtime.buyer_blocks USING btree (buyer_org, org)
CREATE INDEX delivery_events_by_message ON runtime.delivery_events USING btree (org, message_id, seq) WHERE (message_id IS NOT NULL)
CREATE INDEX delivery_events_by_org ON runtime.delivery_events USING btree (org, seq)
CREATE INDEX handovers_by_xid ON transparency.handovers USING btree (xid, seq)
CREATE INDEX incidents_by_first ON runtime.incidents USING btree (first_worker_id, incident_id)
CREATE INDEX incidents_by_org ON runtime.incidents USING btree (org, incident_id)
CREATE INDEX incidents_by_second ON runtime.incidents USING btree (second_worker_id, incident_id)
CREATE INDEX incidents_disputes_open ON runtime.incidents USING btree (org) WHERE ((kind = 'dispute'::text) AND (status <> 'decided'::text))
CREATE INDEX incidents_struck ON runtime.incidents USING btree (org, decided_at_ms) WHERE (struck_orgs <> '{}'::text[])
CREATE INDEX incidents_unsettled ON runtime.incidents USING btree (incident_id) WHERE ((status <> 'decided'::text) AND (kind <> 'allegation'::text))
CREATE INDEX intents_due ON authority.intents USING btree (due_at_ms) WHERE (status = ANY (ARRAY['pending'::text, 'unknown'::text]))
CREATE INDEX job_moves_by_worker ON runtime.job_moves USING btree (from_worker_id, job_id)
CREATE INDEX job_outputs_by_sha256 ON runtime.job_outputs USING btree (sha256, job_id)
CREATE INDEX jobs_by_input ON runtime.jobs USING gin (inputs)
CREATE INDEX jobs_by_primary ON runtime.jobs USING btree (primary_job_id, job_id) WHERE (primary_job_id IS NOT NULL)
CREATE INDEX jobs_by_run ON runtime.jobs USING btree (run_id)
CREATE INDEX jobs_by_worker ON runtime.jobs USING btree (provider_worker_id, job_id)
CREATE INDEX jobs_leased ON runtime.jobs USING btree (lease_expires_at_ms) WHERE (status = 'leased'::text)
CREATE INDEX jobs_offered ON runtime.jobs USING btree (provider_worker_id, job_id) WHERE (status = ANY (ARRAY['queued'::text, 'leased'::text]))
CREATE INDEX jobs_undecided ON runtime.jobs USING btree (job_id) WHERE ((purpose = 'work'::text) AND (status = ANY (ARRAY['reported'::text, 'verified'::text])))
CREATE INDEX jobs_waiting ON runtime.jobs USING btree (offered_at_ms, job_id) WHERE ((status = 'queued'::text) AND (purpose = 'work'::text))
CREATE INDEX leases_by_worker ON runtime.leases USING btree (worker_id, claimed_at_ms)
CREATE INDEX loose_blobs_due ON runtime.loose_blobs USING btree (delete_after_ms)
CREATE INDEX quotes_by_panel ON runtime.quotes USING btree (panel_id, quote_id) WHERE (panel_id IS NOT NULL)
CREATE INDEX quotes_by_seed ON runtime.quotes USING btree (sampling_seed_id, quote_id) WHERE (sampling_seed_id IS NOT NULL)
CREATE INDEX receipts_by_schema ON authority.receipts USING btree (tenant, schema, occurred_at_ms, seq)
CREATE INDEX receipts_by_subject ON authority.receipts USING btree (subject, occurred_at_ms, seq)
CREATE INDEX receipts_by_tenant ON authority.receipts USING btree (tenant, occurred_at_ms, seq)
CREATE INDEX receipts_by_xid ON authority.receipts USING btree (xid, seq)
CREATE INDEX reservations_by_expiry ON runtime.reservations USING btree (expires_at_ms, reservation_id) WHERE (status = 'reserved'::text)
CREATE INDEX reservations_held_by_run ON runtime.reservations USING btree (run_id, reservation_id) WHERE (status = 'reserved'::text)
CREATE INDEX run_projections_by_org ON runtime.run_projections USING btree (org, run_id)
CREATE INDEX runs_by_org ON runtime.runs USING btree (org, run_id)
CREATE INDEX runs_by_status ON runtime.runs USING btree (org, status, run_id)
CREATE INDEX runs_lapsing ON runtime.runs USING btree (executor_expires_at_ms, run_id) WHERE ((executor_id IS NOT NULL) AND (NOT executor_lost) AND (status = ANY (ARRAY['created'::text, 'running'::text, 'canceling'::text])))
CREATE INDEX runs_unprojected ON runtime.runs USING btree (run_id) WHERE projection_due
CREATE INDEX sampling_seeds_hidden ON runtime.sampling_seeds USING btree (seed_id) WHERE (revealed_at_ms IS NULL)
CREATE INDEX settlements_by_org ON runtime.settlements USING btree (org, settled_at_ms, job_id)
CREATE INDEX settlements_by_time ON runtime.settlements USING btree (settled_at_ms)
CREATE INDEX statement_lines_by_org ON runtime.statement_lines USING btree (org, booked_at_ms, seq)
CREATE INDEX stream_heads_by_tenant ON sync.stream_heads USING btree (tenant, stream_id)
CREATE INDEX stream_heads_trimmed ON sync.stream_heads USING btree (stream_id) WHERE (keep_newest IS NOT NULL)
CREATE INDEX transfers_by_credit ON ledger.transfers USING btree (credit_account, seq)
CREATE INDEX transfers_by_debit ON ledger.transfers USING btree (debit_account, seq)
CREATE INDEX workers_by_org ON runtime.workers USING btree (org, worker_id)
CREATE INDEX workers_by_owner ON runtime.workers USING btree (owner, worker_id)
CREATE INDEX workers_fresh ON runtime.workers USING btree (last_heartbeat_at_ms) WHERE (status = 'running'::text)
CREATE UNIQUE INDEX accounts_pkey ON ledger.accounts USING btree (id)
CREATE UNIQUE INDEX artifact_grants_pkey ON runtime.artifact_grants USING btree (org, sha256)
CREATE UNIQUE INDEX artifact_usage_pkey ON runtime.artifact_usage USING btree (org)
CREATE UNIQUE INDEX artifacts_blob_key ON runtime.artifacts USING btree (blob)
CREATE UNIQUE INDEX artifacts_pkey ON runtime.artifacts USING btree (sha256)
CREATE UNIQUE INDEX budget_counters_pkey ON runtime.budget_counters USING btree (budget_id, period_start_ms)
CREATE UNIQUE INDEX budget_entries_pkey ON runtime.budget_entries USING btree (reservation_id, budget_id)
CREATE UNIQUE INDEX budgets_org_level_subject_period_key ON runtime.budgets USING btree (org, level, subject, period)
CREATE UNIQUE INDEX budgets_pkey ON runtime.budgets USING btree (budget_id)
CREATE UNIQUE INDEX buyer_blocks_pkey ON runtime.buyer_blocks USING btree (org, buyer_org)
CREATE UNIQUE INDEX buyer_standings_pkey ON runtime.buyer_standings USING btree (org)
CREATE UNIQUE INDEX command_outcomes_pkey ON authority.command_outcomes USING btree (command_id)
CREATE UNIQUE INDEX commands_pkey ON authority.commands USING btree (command_id)
CREATE UNIQUE INDEX delivery_events_pkey ON runtime.delivery_events USING btree (org, provider, event_id)
CREATE UNIQUE INDEX entries_hash_key ON transparency.entries USING btree (hash)
CREATE UNIQUE INDEX entries_pkey ON transparency.entries USING btree (index)
CREATE UNIQUE INDEX exports_pkey ON runtime.exports USING btree (export_id)
CREATE UNIQUE INDEX exports_run_id_kind_target_key ON runtime.exports USING btree (run_id, kind, target)
CREATE UNIQUE INDEX handovers_pkey ON transparency.handovers USING btree (hash)
CREATE UNIQUE INDEX heads_pkey ON transparency.heads USING btree (size)
CREATE UNIQUE INDEX identity_pkey ON transparency.identity USING btree (row_number)
CREATE UNIQUE INDEX incidents_by_job ON runtime.incidents USING btree (job_id, COALESCE(reporter_org, ''::text))
CREATE UNIQUE INDEX incidents_pkey ON runtime.incidents USING btree (incident_id)
CREATE UNIQUE INDEX intents_kind_effect_key_key ON authority.intents USING btree (kind, effect_key)
CREATE UNIQUE INDEX intents_pkey ON authority.intents USING btree (intent_id)
CREATE UNIQUE INDEX job_moves_pkey ON runtime.job_moves USING btree (job_id, from_worker_id)
CREATE UNIQUE INDEX job_outputs_pkey ON runtime.job_outputs USING btree (job_id, sha256)
CREATE UNIQUE INDEX jobs_lease_id_key ON runtime.jobs USING btree (lease_id)
CREATE UNIQUE INDEX jobs_pkey ON runtime.jobs USING btree (job_id)
CREATE UNIQUE INDEX jobs_work_by_quote ON runtime.jobs USING btree (quote_id) WHERE (purpose = 'work'::text)
CREATE UNIQUE INDEX jobs_work_by_reservation ON runtime.jobs USING btree (reservation_id) WHERE (purpose = 'work'::text)
CREATE UNIQUE INDEX lease_watch_pkey ON runtime.lease_watch USING btree (one)
CREATE UNIQUE INDEX leases_pkey ON runtime.leases USING btree (lease_id)
CREATE UNIQUE INDEX loose_blobs_pkey ON runtime.loose_blobs USING btree (blob)
CREATE UNIQUE INDEX market_counts_pkey ON runtime.market_counts USING btree (party, capability, day, measure)
CREATE UNIQUE INDEX mirror_cursors_pkey ON runtime.mirror_cursors USING btree (stream_id)
CREATE UNIQUE INDEX mode_pkey ON authority.mode USING btree (one)
CREATE UNIQUE INDEX nodes_pkey ON transparency.nodes USING btree (level, index)
CREATE UNIQUE INDEX panels_pkey ON runtime.panels USING btree (panel_id)
CREATE UNIQUE INDEX provider_records_pkey ON runtime.provider_records USING btree (worker_id)
CREATE UNIQUE INDEX provider_standings_pkey ON runtime.provider_standings USING btree (org)
CREATE UNIQUE INDEX quotes_pkey ON runtime.quotes USING btree (quote_id)
CREATE UNIQUE INDEX rate_limits_pkey ON runtime.rate_limits USING btree (org, class)
CREATE UNIQUE INDEX receipts_pkey ON authority.receipts USING btree (receipt_id)
CREATE UNIQUE INDEX reservations_by_quote ON runtime.reservations USING btree (quote_id) WHERE ((status <> 'voided'::text) AND (quote_id IS NOT NULL))
CREATE UNIQUE INDEX reservations_pkey ON runtime.reservations USING btree (reservation_id)
CREATE UNIQUE INDEX reviews_pkey ON runtime.reviews USING btree (job_id)
CREATE UNIQUE INDEX run_events_pkey ON runtime.run_events USING btree (run_id, seq)
CREATE UNIQUE INDEX run_projections_pkey ON runtime.run_projections USING btree (run_id)
CREATE UNIQUE INDEX runs_pkey ON runtime.runs USING btree (run_id)
CREATE UNIQUE INDEX sampling_seeds_pkey ON runtime.sampling_seeds USING btree (seed_id)
CREATE UNIQUE INDEX second_orders_pkey ON runtime.second_orders USING btree (job_id)
CREATE UNIQUE INDEX settlements_pkey ON runtime.settlements USING btree (job_id)
CREATE UNIQUE INDEX settlements_reservation_id_key ON runtime.settlements USING btree (reservation_id)
CREATE UNIQUE INDEX statement_lines_pkey ON runtime.statement_lines USING btree (job_id)
CREATE UNIQUE INDEX stream_chains_pkey ON sync.stream_chains USING btree (stream_id, seq)
CREATE UNIQUE INDEX stream_events_pkey ON sync.stream_events USING btree (stream_id, seq)
CREATE UNIQUE INDEX stream_heads_pkey ON sync.stream_heads USING btree (stream_id)
CREATE UNIQUE INDEX transfers_pending_id_key ON ledger.transfers USING btree (pending_id) WHERE (pending_id IS NOT NULL)
CREATE UNIQUE INDEX transfers_pkey ON ledger.transfers USING btree (id)
CREATE UNIQUE INDEX verifications_pkey ON runtime.verifications USING btree (job_id)
CREATE UNIQUE INDEX workers_pkey ON runtime.workers USING btree (worker_id)

-- triggers
CREATE TRIGGER stream_events_no_gaps AFTER DELETE ON sync.stream_events REFERENCING OLD TABLE AS trimmed FOR EACH STATEMENT EXECUTE FUNCTION sync.refuse_gaps():  BEGIN IF EXISTS ( SELECT FROM trimmed t LEFT JOIN sync.stream_heads h USING (stream_id) WHERE h.stream_id IS NULL OR h.keep_newest IS NULL OR t.seq > h.floor_seq ) THEN RAISE EXCEPTION 'only events up to the floor of a stream that is not permanent may go' USING ERRCODE = 'check_violation'; END IF; RETURN NULL; END 
CREATE TRIGGER transfers_accounts AFTER INSERT ON ledger.transfers REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_transfer_accounts():  BEGIN -- Subqueries rather than joins: each is a probe of the primary key, whatever -- the planner believes about the number of rows. IF EXISTS ( SELECT 1 FROM made m WHERE (SELECT a.unit FROM ledger.accounts a WHERE a.id = m.debit_account) IS DISTINCT FROM m.unit OR (SELECT a.unit FROM ledger.accounts a WHERE a.id = m.credit_account) IS DISTINCT FROM m.unit) THEN RAISE EXCEPTION 'an account of a transfer is missing or has another unit' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'transfers_accounts'; END IF; RETURN NULL; END 

-- rights
DELETE ON runtime.artifact_grants TO app_role
DELETE ON runtime.artifact_usage TO app_role
DELETE ON runtime.artifacts TO app_role
DELETE ON runtime.buyer_blocks TO app_role
DELETE ON runtime.loose_blobs TO app_role
DELETE ON sync.stream_events TO app_role
INSERT ON authority.command_outcomes TO app_role
INSERT ON authority.commands TO app_role
INSERT ON authority.intents TO app_role
INSERT ON authority.receipts TO app_role
INSERT ON ledger.accounts TO app_role
INSERT ON ledger.transfers TO app_role
INSERT ON runtime.artifact_grants TO app_role
INSERT ON runtime.artifact_usage TO app_role
INSERT ON runtime.artifacts TO app_role
INSERT ON runtime.budget_counters TO app_role
INSERT ON runtime.budget_entries TO app_role
INSERT ON runtime.budgets TO app_role
INSERT ON runtime.buyer_blocks TO app_role
INSERT ON runtime.buyer_standings TO app_role
INSERT ON runtime.delivery_events TO app_role
INSERT ON runtime.exports TO app_role
INSERT ON runtime.incidents TO app_role
INSERT ON runtime.job_moves TO app_role
INSERT ON runtime.job_outputs TO app_role
INSERT ON runtime.jobs TO app_role
INSERT ON runtime.leases TO app_role
INSERT ON runtime.loose_blobs TO app_role
INSERT ON runtime.market_counts TO app_role
INSERT ON runtime.mirror_cursors TO app_role
INSERT ON runtime.panels TO app_role
INSERT ON runtime.provider_records TO app_role
INSERT ON runtime.provider_standings TO app_role
INSERT ON runtime.quotes TO app_role
INSERT ON runtime.rate_limits TO app_role
INSERT ON runtime.reservations TO app_role
INSERT ON runtime.reviews TO app_role
INSERT ON runtime.run_events TO app_role
INSERT ON runtime.run_projections TO app_role
INSERT ON runtime.runs TO app_role
INSERT ON runtime.sampling_seeds TO app_role
INSERT ON runtime.second_orders TO app_role
INSERT ON runtime.settlements TO app_role
INSERT ON runtime.statement_lines TO app_role
INSERT ON runtime.verifications TO app_role
INSERT ON runtime.workers TO app_role
INSERT ON sync.stream_chains TO app_role
INSERT ON sync.stream_events TO app_role
INSERT ON sync.stream_heads TO app_role
INSERT ON transparency.entries TO app_role
INSERT ON transparency.handovers TO app_role
INSERT ON transparency.heads TO app_role
INSERT ON transparency.identity TO app_role
INSERT ON transparency.nodes TO app_role
SELECT ON authority.command_outcomes TO app_role
SELECT ON authority.commands TO app_role
SELECT ON authority.intents TO app_role
SELECT ON authority.mode TO app_role
SELECT ON authority.receipts TO app_role
SELECT ON ledger.accounts TO app_role
SELECT ON ledger.transfers TO app_role
SELECT ON runtime.artifact_grants TO app_role
SELECT ON runtime.artifact_usage TO app_role
SELECT ON runtime.artifacts TO app_role
SELECT ON runtime.budget_counters TO app_role
SELECT ON runtime.budget_entries TO app_role
SELECT ON runtime.budgets TO app_role
SELECT ON runtime.buyer_blocks TO app_role
SELECT ON runtime.buyer_standings TO app_role
SELECT ON runtime.delivery_events TO app_role
SELECT ON runtime.exports TO app_role
SELECT ON runtime.incidents TO app_role
SELECT ON runtime.job_moves TO app_role
SELECT ON runtime.job_outputs TO app_role
SELECT ON runtime.jobs TO app_role
SELECT ON runtime.lease_watch TO app_role
SELECT ON runtime.leases TO app_role
SELECT ON runtime.loose_blobs TO app_role
SELECT ON runtime.market_counts TO app_role
SELECT ON runtime.mirror_cursors TO app_role
SELECT ON runtime.panels TO app_role
SELECT ON runtime.provider_records TO app_role
SELECT ON runtime.provider_standings TO app_role
SELECT ON runtime.quotes TO app_role
SELECT ON runtime.rate_limits TO app_role
SELECT ON runtime.reservations TO app_role
SELECT ON runtime.reviews TO app_role
SELECT ON runtime.run_events TO app_role
SELECT ON runtime.run_projections TO app_role
SELECT ON runtime.runs TO app_role
SELECT ON runtime.sampling_seeds TO app_role
SELECT ON runtime.second_orders TO app_role
SELECT ON runtime.settlements TO app_role
SELECT ON runtime.statement_lines TO app_role
SELECT ON runtime.verifications TO app_role
SELECT ON runtime.workers TO app_role
SELECT ON sync.stream_chains TO app_role
SELECT ON sync.stream_events TO app_role
SELECT ON sync.stream_heads TO app_role
SELECT ON transparency.entries TO app_role
SELECT ON transparency.handovers TO app_role
SELECT ON transparency.heads TO app_role
SELECT ON transparency.identity TO app_role
SELECT ON transparency.nodes TO app_role
SELECT ON transparency.offered TO app_role
UPDATE ON authority.intents TO app_role
UPDATE ON runtime.artifact_grants TO app_role
UPDATE ON runtime.artifact_usage TO app_role
UPDATE ON runtime.artifacts TO app_role
UPDATE ON runtime.buyer_standings TO app_role
UPDATE ON runtime.exports TO app_role
UPDATE ON runtime.incidents TO app_role
UPDATE ON runtime.jobs TO app_role
UPDATE ON runtime.leases TO app_role
UPDATE ON runtime.loose_blobs TO app_role
UPDATE ON runtime.market_counts TO app_role
UPDATE ON runtime.mirror_cursors TO app_role
UPDATE ON runtime.panels TO app_role
UPDATE ON runtime.provider_records TO app_role
UPDATE ON runtime.provider_standings TO app_role
UPDATE ON runtime.rate_limits TO app_role
UPDATE ON runtime.reservations TO app_role
UPDATE ON runtime.run_projections TO app_role
UPDATE ON runtime.runs TO app_role
UPDATE ON runtime.sampling_seeds TO app_role
UPDATE ON runtime.workers TO app_role
