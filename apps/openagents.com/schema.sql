-- tables and columns
auth."deviceCode"."clientId" text
auth."deviceCode"."deviceCode" text NOT NULL
auth."deviceCode"."expiresAt" timestamp with time zone NOT NULL
auth."deviceCode"."lastPolledAt" timestamp with time zone
auth."deviceCode"."pollingInterval" integer
auth."deviceCode"."userCode" text NOT NULL
auth."deviceCode"."userId" text
auth."deviceCode".id text NOT NULL
auth."deviceCode".scope text
auth."deviceCode".status text NOT NULL
auth."user"."createdAt" timestamp with time zone NOT NULL
auth."user"."emailVerified" boolean NOT NULL
auth."user"."updatedAt" timestamp with time zone NOT NULL
auth."user".email text NOT NULL
auth."user".id text NOT NULL
auth."user".image text
auth."user".name text NOT NULL
auth.account."accessToken" text
auth.account."accessTokenExpiresAt" timestamp with time zone
auth.account."accountId" text NOT NULL
auth.account."createdAt" timestamp with time zone NOT NULL
auth.account."idToken" text
auth.account."providerId" text NOT NULL
auth.account."refreshToken" text
auth.account."refreshTokenExpiresAt" timestamp with time zone
auth.account."updatedAt" timestamp with time zone NOT NULL
auth.account."userId" text NOT NULL
auth.account.id text NOT NULL
auth.account.password text
auth.account.scope text
auth.invitation."createdAt" timestamp with time zone NOT NULL
auth.invitation."expiresAt" timestamp with time zone NOT NULL
auth.invitation."inviterId" text NOT NULL
auth.invitation."organizationId" text NOT NULL
auth.invitation.email text NOT NULL
auth.invitation.id text NOT NULL
auth.invitation.role text
auth.invitation.status text NOT NULL
auth.member."createdAt" timestamp with time zone NOT NULL
auth.member."organizationId" text NOT NULL
auth.member."userId" text NOT NULL
auth.member.id text NOT NULL
auth.member.role text NOT NULL
auth.organization."createdAt" timestamp with time zone NOT NULL
auth.organization.id text NOT NULL
auth.organization.logo text
auth.organization.metadata text
auth.organization.name text NOT NULL
auth.organization.personal boolean NOT NULL
auth.organization.slug text NOT NULL
auth.passkey."backedUp" boolean NOT NULL
auth.passkey."createdAt" timestamp with time zone
auth.passkey."credentialID" text NOT NULL
auth.passkey."deviceType" text NOT NULL
auth.passkey."publicKey" text NOT NULL
auth.passkey."userId" text NOT NULL
auth.passkey.aaguid text
auth.passkey.counter integer NOT NULL
auth.passkey.id text NOT NULL
auth.passkey.name text
auth.passkey.transports text
auth.session."activeOrganizationId" text
auth.session."authenticatedAt" timestamp with time zone NOT NULL
auth.session."createdAt" timestamp with time zone NOT NULL
auth.session."expiresAt" timestamp with time zone NOT NULL
auth.session."ipAddress" text
auth.session."updatedAt" timestamp with time zone NOT NULL
auth.session."userAgent" text
auth.session."userId" text NOT NULL
auth.session.id text NOT NULL
auth.session.methods text NOT NULL
auth.session.token text NOT NULL
auth.sign_in_link.expires_at_ms bigint NOT NULL
auth.sign_in_link.token_hash text NOT NULL
auth.sign_in_link.user_id text NOT NULL
auth.throttle.bucket text NOT NULL
auth.throttle.free_at_ms bigint NOT NULL
auth.verification."createdAt" timestamp with time zone NOT NULL
auth.verification."expiresAt" timestamp with time zone NOT NULL
auth.verification."updatedAt" timestamp with time zone NOT NULL
auth.verification.id text NOT NULL
auth.verification.identifier text NOT NULL
auth.verification.value text NOT NULL
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
control.answered_challenges.expires_at_ms bigint NOT NULL
control.answered_challenges.nonce text NOT NULL
control.api_keys.created_at_ms bigint NOT NULL
control.api_keys.created_by text NOT NULL
control.api_keys.expires_at_ms bigint
control.api_keys.key_id text NOT NULL
control.api_keys.last_used_at_ms bigint
control.api_keys.name text NOT NULL
control.api_keys.org text NOT NULL
control.api_keys.prefix text NOT NULL
control.api_keys.principal text NOT NULL
control.api_keys.revoked_at_ms bigint
control.api_keys.scopes text[] NOT NULL
control.api_keys.secret_sha256 bytea NOT NULL
control.approvals.amount_msats bigint
control.approvals.answer text
control.approvals.approval_id text NOT NULL
control.approvals.decided_at_ms bigint
control.approvals.decided_by text
control.approvals.decision text
control.approvals.detail text NOT NULL
control.approvals.expired_at_ms bigint
control.approvals.expires_at_ms bigint NOT NULL
control.approvals.facts text NOT NULL
control.approvals.kind text NOT NULL
control.approvals.org text NOT NULL
control.approvals.receipt_id text
control.approvals.requested_at_ms bigint NOT NULL
control.approvals.requested_by text NOT NULL
control.approvals.subject_sha256 text NOT NULL
control.approvals.title text NOT NULL
control.approvals.used_at_ms bigint
control.approvals.user_id text NOT NULL
control.audit_entries.acting_for text
control.audit_entries.action text NOT NULL
control.audit_entries.actor text NOT NULL
control.audit_entries.details jsonb NOT NULL
control.audit_entries.entry_id text NOT NULL
control.audit_entries.occurred_at_ms bigint NOT NULL
control.audit_entries.org text NOT NULL
control.audit_entries.receipt_id text
control.audit_entries.request_id text
control.audit_entries.subject text NOT NULL
control.autopilot_spending.autopilot_id text NOT NULL
control.autopilot_spending.msats bigint NOT NULL
control.autopilot_spending.period text NOT NULL
control.autopilot_spends.autopilot_id text NOT NULL
control.autopilot_spends.purpose text NOT NULL
control.autopilot_spends.receipt_id text NOT NULL
control.autopilot_spends.reserved_at_ms bigint NOT NULL
control.autopilot_spends.reserved_msats bigint NOT NULL
control.autopilot_spends.spend_id text NOT NULL
control.autopilot_spends.spent_msats bigint
control.autopilot_spends.status text NOT NULL
control.autopilots.approval_over_msats bigint
control.autopilots.autopilot_id text NOT NULL
control.autopilots.config_version bigint NOT NULL
control.autopilots.created_at_ms bigint NOT NULL
control.autopilots.display_name text NOT NULL
control.autopilots.fallback_order text[] NOT NULL
control.autopilots.handle text NOT NULL
control.autopilots.hosts_allowed text[] NOT NULL
control.autopilots.org text NOT NULL
control.autopilots.owner text NOT NULL
control.autopilots.profile text NOT NULL
control.autopilots.spend_per_call_msats_max bigint
control.autopilots.spend_per_day_msats_max bigint
control.autopilots.spend_per_month_msats_max bigint
control.autopilots.status text NOT NULL
control.autopilots.tagline text NOT NULL
control.autopilots.tools_allowed text[] NOT NULL
control.autopilots.tools_denied text[] NOT NULL
control.autopilots.updated_at_ms bigint NOT NULL
control.autopilots.visibility text NOT NULL
control.autopilots.worker_id text
control.autopilots.writes_without_approval boolean NOT NULL
control.codex_worker_requests.answer text
control.codex_worker_requests.answered_at_ms bigint
control.codex_worker_requests.claim_session text
control.codex_worker_requests.claims integer NOT NULL DEFAULT 0
control.codex_worker_requests.created_at_ms bigint NOT NULL
control.codex_worker_requests.deadline_ms bigint NOT NULL
control.codex_worker_requests.method text NOT NULL
control.codex_worker_requests.ordinal bigint NOT NULL
control.codex_worker_requests.params text NOT NULL
control.codex_worker_requests.request_id text NOT NULL
control.codex_worker_requests.requested_by text NOT NULL
control.codex_worker_requests.status text NOT NULL
control.codex_worker_requests.thread_id text
control.codex_worker_requests.waits boolean NOT NULL
control.codex_worker_requests.worker_id text NOT NULL
control.codex_workers.adapter text NOT NULL
control.codex_workers.created_at_ms bigint NOT NULL
control.codex_workers.device_id text NOT NULL
control.codex_workers.last_seen_at_ms bigint
control.codex_workers.metadata text NOT NULL
control.codex_workers.name text NOT NULL
control.codex_workers.org text NOT NULL
control.codex_workers.owner text NOT NULL
control.codex_workers.request_count bigint NOT NULL DEFAULT 0
control.codex_workers.status text NOT NULL
control.codex_workers.updated_at_ms bigint NOT NULL
control.codex_workers.worker_id text NOT NULL
control.codex_workers.workspace_ref text NOT NULL
control.devices.device_id text NOT NULL
control.devices.enrolled_at_ms bigint NOT NULL
control.devices.last_seen_at_ms bigint
control.devices.name text NOT NULL
control.devices.org text NOT NULL
control.devices.owner_user_id text NOT NULL
control.devices.platform text NOT NULL
control.devices.public_key text NOT NULL
control.devices.status text NOT NULL
control.devices.status_at_ms bigint NOT NULL
control.devices.work_ended_at_ms bigint
control.erasures.asked_at_ms bigint NOT NULL
control.erasures.closed_orgs text[] NOT NULL
control.erasures.erased_at_ms bigint
control.erasures.user_id text NOT NULL
control.handles.handle text NOT NULL
control.handles.taken_at_ms bigint NOT NULL
control.handles.user_id text NOT NULL
control.integrations.account text
control.integrations.base_url text NOT NULL
control.integrations.check_status text NOT NULL
control.integrations.checked_at_ms bigint
control.integrations.connected_at_ms bigint NOT NULL
control.integrations.connected_by text NOT NULL
control.integrations.key_id text NOT NULL
control.integrations.nonce bytea NOT NULL
control.integrations.org text NOT NULL
control.integrations.owner text NOT NULL DEFAULT ''::text
control.integrations.provider text NOT NULL
control.integrations.receipt_id text NOT NULL
control.integrations.sealed bytea NOT NULL
control.integrations.secret_hint text NOT NULL
control.log_handover.after_seq bigint
control.log_handover.after_xid xid8
control.log_handover.handed_over_at_ms bigint NOT NULL
control.log_handover.row_number smallint NOT NULL DEFAULT 1
control.log_handover.seen pg_snapshot NOT NULL
control.log_handover.taking pg_snapshot
control.mail_deliveries.content_sha256 text NOT NULL
control.mail_deliveries.event_id text NOT NULL
control.mail_deliveries.message_id text NOT NULL
control.mail_deliveries.occurred_at_ms bigint NOT NULL
control.mail_deliveries.provider text NOT NULL
control.mail_deliveries.recorded_at_ms bigint NOT NULL
control.mail_deliveries.seq bigint NOT NULL IDENTITY
control.mail_deliveries.state text NOT NULL
control.mail_drafts.approval_id text
control.mail_drafts.authored_by text NOT NULL
control.mail_drafts.body text NOT NULL
control.mail_drafts.created_at_ms bigint NOT NULL
control.mail_drafts.detail text
control.mail_drafts.draft_id text NOT NULL
control.mail_drafts.from_address text NOT NULL
control.mail_drafts.in_reply_to text
control.mail_drafts.mailbox_id text NOT NULL
control.mail_drafts.org text NOT NULL
control.mail_drafts.receipt_id text
control.mail_drafts.remote_thread text
control.mail_drafts.rfc_references text NOT NULL
control.mail_drafts.sent_at_ms bigint
control.mail_drafts.status text NOT NULL
control.mail_drafts.subject text NOT NULL
control.mail_drafts.thread_id text
control.mail_drafts.to_addresses text[] NOT NULL
control.mail_drafts.updated_at_ms bigint NOT NULL
control.mail_drafts.user_id text NOT NULL
control.mail_drafts.version integer NOT NULL
control.mail_messages.body text NOT NULL
control.mail_messages.message_id text NOT NULL
control.mail_messages.message_key text NOT NULL
control.mail_messages.occurred_at_ms bigint NOT NULL
control.mail_messages.recipients text[] NOT NULL
control.mail_messages.reply_to text NOT NULL
control.mail_messages.rfc_message_id text
control.mail_messages.rfc_references text NOT NULL
control.mail_messages.sender text NOT NULL
control.mail_messages.sent_by_us boolean NOT NULL
control.mail_messages.subject text NOT NULL
control.mail_messages.thread_id text NOT NULL
control.mail_threads.correspondent text NOT NULL
control.mail_threads.last_message_at_ms bigint NOT NULL
control.mail_threads.mailbox_id text NOT NULL
control.mail_threads.message_count integer NOT NULL
control.mail_threads.org text NOT NULL
control.mail_threads.remote_thread text
control.mail_threads.snippet text NOT NULL
control.mail_threads.subject text NOT NULL
control.mail_threads.thread_id text NOT NULL
control.mail_threads.user_id text NOT NULL
control.mailboxes.address text NOT NULL
control.mailboxes.asked_at_ms bigint NOT NULL
control.mailboxes.connected_at_ms bigint NOT NULL
control.mailboxes.mailbox_id text NOT NULL
control.mailboxes.org text NOT NULL
control.mailboxes.provider text NOT NULL
control.mailboxes.receipt_id text NOT NULL
control.mailboxes.status text NOT NULL
control.mailboxes.synced_at_ms bigint
control.mailboxes.user_id text NOT NULL
control.oauth_states.expires_at_ms bigint NOT NULL
control.oauth_states.key_id text NOT NULL
control.oauth_states.nonce bytea NOT NULL
control.oauth_states.org text NOT NULL
control.oauth_states.sealed bytea NOT NULL
control.oauth_states.sid text NOT NULL
control.oauth_states.state_sha256 bytea NOT NULL
control.oauth_states.user_id text NOT NULL
control.profiles.bio text NOT NULL
control.profiles.display_name text NOT NULL
control.profiles.handle text
control.profiles.updated_at_ms bigint NOT NULL
control.profiles.user_id text NOT NULL
control.refresh_families.authenticated_at_ms bigint NOT NULL
control.refresh_families.created_at_ms bigint NOT NULL
control.refresh_families.expires_at_ms bigint NOT NULL
control.refresh_families.methods text[] NOT NULL
control.refresh_families.org text NOT NULL
control.refresh_families.revoked_at_ms bigint
control.refresh_families.revoked_reason text
control.refresh_families.sid text NOT NULL
control.refresh_families.user_id text NOT NULL
control.refresh_tokens.issued_at_ms bigint NOT NULL
control.refresh_tokens.sid text NOT NULL
control.refresh_tokens.successor_sha256 bytea
control.refresh_tokens.token_sha256 bytea NOT NULL
control.refresh_tokens.used_at_ms bigint
control.refresh_tokens.used_key_sha256 bytea
control.shouts.author text NOT NULL
control.shouts.body text NOT NULL
control.shouts.gone_at_ms bigint
control.shouts.posted_at_ms bigint NOT NULL
control.shouts.removed_because text
control.shouts.shout_id text NOT NULL
control.shouts.zone text
control.skill_specs.content_sha256 text NOT NULL
control.skill_specs.description text NOT NULL
control.skill_specs.instructions text NOT NULL
control.skill_specs.org text NOT NULL
control.skill_specs.published_at_ms bigint
control.skill_specs.receipt_id text
control.skill_specs.skill_id text NOT NULL
control.skill_specs.tools text NOT NULL
control.skill_specs.version integer NOT NULL
control.skill_specs.written_at_ms bigint NOT NULL
control.skill_specs.written_by text NOT NULL
control.thread_messages.created_at_ms bigint NOT NULL
control.thread_messages.error text NOT NULL
control.thread_messages.item_id text NOT NULL
control.thread_messages.message_id text NOT NULL
control.thread_messages.request_id text NOT NULL
control.thread_messages.role text NOT NULL
control.thread_messages.seq bigint NOT NULL
control.thread_messages.status text NOT NULL
control.thread_messages.text text NOT NULL
control.thread_messages.thread_id text NOT NULL
control.thread_messages.tool text NOT NULL
control.thread_messages.updated_at_ms bigint NOT NULL
control.threads.autopilot_id text
control.threads.created_at_ms bigint NOT NULL
control.threads.last_message_at_ms bigint
control.threads.message_count bigint NOT NULL DEFAULT 0
control.threads.org text NOT NULL
control.threads.owner text NOT NULL
control.threads.thread_id text NOT NULL
control.threads.title text NOT NULL
control.threads.updated_at_ms bigint NOT NULL
control.threads.worker_id text
control.tool_executions.arguments text NOT NULL
control.tool_executions.autopilot_id text NOT NULL
control.tool_executions.execution_id text NOT NULL
control.tool_executions.receipt_id text NOT NULL
control.tool_executions.replay_hash text NOT NULL
control.tool_executions.result text NOT NULL
control.tool_executions.started_at_ms bigint NOT NULL
control.tool_executions.status text
control.tool_executions.tool text NOT NULL
control.tool_executions.worker_id text
control.tool_specs.content_sha256 text NOT NULL
control.tool_specs.description text NOT NULL
control.tool_specs.input_schema text NOT NULL
control.tool_specs.org text NOT NULL
control.tool_specs.registered_at_ms bigint NOT NULL
control.tool_specs.registered_by text NOT NULL
control.tool_specs.tool_id text NOT NULL
control.tool_specs.tool_pack text NOT NULL
control.tool_specs.version integer NOT NULL
control.whisper_copies.peer text NOT NULL
control.whisper_copies.user_id text NOT NULL
control.whisper_copies.whisper_id text NOT NULL
control.whispers.body text NOT NULL
control.whispers.read_at_ms bigint
control.whispers.recipient text NOT NULL
control.whispers.sender text NOT NULL
control.whispers.sent_at_ms bigint NOT NULL
control.whispers.whisper_id text NOT NULL
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
auth."deviceCode" "deviceCode_pkey" PRIMARY KEY (id)
auth."user" user_email_key UNIQUE (email)
auth."user" user_pkey PRIMARY KEY (id)
auth.account "account_userId_fkey" FOREIGN KEY ("userId") REFERENCES auth."user"(id) ON DELETE CASCADE
auth.account account_pkey PRIMARY KEY (id)
auth.invitation "invitation_inviterId_fkey" FOREIGN KEY ("inviterId") REFERENCES auth."user"(id) ON DELETE CASCADE
auth.invitation "invitation_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES auth.organization(id) ON DELETE CASCADE
auth.invitation invitation_pkey PRIMARY KEY (id)
auth.member "member_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES auth.organization(id) ON DELETE CASCADE
auth.member "member_userId_fkey" FOREIGN KEY ("userId") REFERENCES auth."user"(id) ON DELETE CASCADE
auth.member member_pkey PRIMARY KEY (id)
auth.organization organization_pkey PRIMARY KEY (id)
auth.organization organization_slug_key UNIQUE (slug)
auth.passkey "passkey_userId_fkey" FOREIGN KEY ("userId") REFERENCES auth."user"(id) ON DELETE CASCADE
auth.passkey passkey_pkey PRIMARY KEY (id)
auth.session "session_userId_fkey" FOREIGN KEY ("userId") REFERENCES auth."user"(id) ON DELETE CASCADE
auth.session session_pkey PRIMARY KEY (id)
auth.session session_token_key UNIQUE (token)
auth.sign_in_link sign_in_link_pkey PRIMARY KEY (token_hash)
auth.sign_in_link sign_in_link_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth."user"(id) ON DELETE CASCADE
auth.throttle throttle_pkey PRIMARY KEY (bucket)
auth.verification verification_pkey PRIMARY KEY (id)
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
control.answered_challenges answered_challenges_pkey PRIMARY KEY (nonce)
control.api_keys api_keys_pkey PRIMARY KEY (key_id)
control.api_keys api_keys_prefix_key UNIQUE (prefix)
control.api_keys api_keys_scopes_check CHECK ((cardinality(scopes) > 0))
control.api_keys api_keys_secret_sha256_check CHECK ((octet_length(secret_sha256) = 32))
control.approvals approvals_amount_msats_check CHECK ((amount_msats >= 0))
control.approvals approvals_check CHECK ((((decision IS NULL) = (decided_at_ms IS NULL)) AND ((decision IS NULL) = (decided_by IS NULL)) AND ((decision IS NULL) = (receipt_id IS NULL))))
control.approvals approvals_check1 CHECK (((used_at_ms IS NULL) OR (decision = 'approved'::text)))
control.approvals approvals_check2 CHECK (((expired_at_ms IS NULL) OR (decision IS NULL)))
control.approvals approvals_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text])))
control.approvals approvals_kind_check CHECK ((kind = ANY (ARRAY['spend'::text, 'question'::text, 'draft'::text, 'claim'::text, 'action'::text])))
control.approvals approvals_pkey PRIMARY KEY (approval_id)
control.audit_entries audit_entries_action_check CHECK ((action <> ''::text))
control.audit_entries audit_entries_pkey PRIMARY KEY (entry_id)
control.autopilot_spending autopilot_spending_autopilot_id_fkey FOREIGN KEY (autopilot_id) REFERENCES control.autopilots(autopilot_id)
control.autopilot_spending autopilot_spending_msats_check CHECK ((msats >= 0))
control.autopilot_spending autopilot_spending_pkey PRIMARY KEY (autopilot_id, period)
control.autopilot_spends autopilot_spends_autopilot_id_fkey FOREIGN KEY (autopilot_id) REFERENCES control.autopilots(autopilot_id)
control.autopilot_spends autopilot_spends_check CHECK (((spent_msats >= 0) AND (spent_msats <= reserved_msats)))
control.autopilot_spends autopilot_spends_check1 CHECK (((status = 'ended'::text) = (spent_msats IS NOT NULL)))
control.autopilot_spends autopilot_spends_pkey PRIMARY KEY (spend_id)
control.autopilot_spends autopilot_spends_reserved_msats_check CHECK ((reserved_msats > 0))
control.autopilot_spends autopilot_spends_status_check CHECK ((status = ANY (ARRAY['reserved'::text, 'ended'::text])))
control.autopilots autopilots_approval_over_msats_check CHECK ((approval_over_msats >= 0))
control.autopilots autopilots_config_version_check CHECK ((config_version > 0))
control.autopilots autopilots_org_handle_key UNIQUE (org, handle)
control.autopilots autopilots_pkey PRIMARY KEY (autopilot_id)
control.autopilots autopilots_spend_per_call_msats_max_check CHECK ((spend_per_call_msats_max >= 0))
control.autopilots autopilots_spend_per_day_msats_max_check CHECK ((spend_per_day_msats_max >= 0))
control.autopilots autopilots_spend_per_month_msats_max_check CHECK ((spend_per_month_msats_max >= 0))
control.autopilots autopilots_status_check CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text, 'archived'::text])))
control.autopilots autopilots_visibility_check CHECK ((visibility = ANY (ARRAY['private'::text, 'discoverable'::text, 'public'::text])))
control.codex_worker_requests codex_worker_requests_check CHECK (((status = 'answered'::text) = (answer IS NOT NULL)))
control.codex_worker_requests codex_worker_requests_check1 CHECK (((status = 'answered'::text) = (answered_at_ms IS NOT NULL)))
control.codex_worker_requests codex_worker_requests_pkey PRIMARY KEY (worker_id, request_id)
control.codex_worker_requests codex_worker_requests_status_check CHECK ((status = ANY (ARRAY['open'::text, 'claimed'::text, 'answered'::text])))
control.codex_worker_requests codex_worker_requests_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES control.codex_workers(worker_id)
control.codex_worker_requests codex_worker_requests_worker_id_ordinal_key UNIQUE (worker_id, ordinal)
control.codex_workers codex_workers_org_owner_name_key UNIQUE (org, owner, name)
control.codex_workers codex_workers_pkey PRIMARY KEY (worker_id)
control.codex_workers codex_workers_status_check CHECK ((status = ANY (ARRAY['running'::text, 'stopped'::text])))
control.devices devices_pkey PRIMARY KEY (device_id)
control.devices devices_public_key_key UNIQUE (public_key)
control.devices devices_status_check CHECK ((status = ANY (ARRAY['enrolled'::text, 'disabled'::text, 'revoked'::text])))
control.erasures erasures_pkey PRIMARY KEY (user_id)
control.handles handles_pkey PRIMARY KEY (handle)
control.integrations integrations_check_status_check CHECK ((check_status = ANY (ARRAY['unchecked'::text, 'works'::text, 'refused'::text, 'unreachable'::text])))
control.integrations integrations_nonce_check CHECK ((length(nonce) = 12))
control.integrations integrations_pkey PRIMARY KEY (org, provider, owner)
control.integrations integrations_provider_check CHECK ((((provider = ANY (ARRAY['github'::text, 'forgejo'::text, 'resend'::text])) AND (owner = ''::text)) OR ((provider = ANY (ARRAY['gmail'::text, 'imap'::text])) AND (owner <> ''::text))))
control.log_handover log_handover_check CHECK ((((taking IS NULL) = (after_xid IS NULL)) AND ((taking IS NULL) = (after_seq IS NULL))))
control.log_handover log_handover_pkey PRIMARY KEY (row_number)
control.log_handover log_handover_row_number_check CHECK ((row_number = 1))
control.mail_deliveries mail_deliveries_pkey PRIMARY KEY (provider, event_id)
control.mail_drafts mail_drafts_approval_id_key UNIQUE (approval_id)
control.mail_drafts mail_drafts_check CHECK (((status = 'waiting'::text) = (receipt_id IS NULL)))
control.mail_drafts mail_drafts_check1 CHECK (((status = 'succeeded'::text) = (sent_at_ms IS NOT NULL)))
control.mail_drafts mail_drafts_pkey PRIMARY KEY (draft_id)
control.mail_drafts mail_drafts_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'rejected'::text, 'pending'::text, 'succeeded'::text, 'failed'::text])))
control.mail_messages mail_messages_pkey PRIMARY KEY (message_id)
control.mail_messages mail_messages_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES control.mail_threads(thread_id) ON DELETE CASCADE
control.mail_threads mail_threads_mailbox_id_fkey FOREIGN KEY (mailbox_id) REFERENCES control.mailboxes(mailbox_id) ON DELETE CASCADE
control.mail_threads mail_threads_pkey PRIMARY KEY (thread_id)
control.mailboxes mailboxes_org_user_id_provider_key UNIQUE (org, user_id, provider)
control.mailboxes mailboxes_pkey PRIMARY KEY (mailbox_id)
control.mailboxes mailboxes_provider_check CHECK ((provider = ANY (ARRAY['gmail'::text, 'imap'::text])))
control.mailboxes mailboxes_status_check CHECK ((status = ANY (ARRAY['works'::text, 'refused'::text, 'unreachable'::text])))
control.oauth_states oauth_states_pkey PRIMARY KEY (state_sha256)
control.profiles profiles_handle_check CHECK ((handle ~ '^[a-z0-9][a-z0-9_-]{1,30}$'::text))
control.profiles profiles_handle_key UNIQUE (handle)
control.profiles profiles_pkey PRIMARY KEY (user_id)
control.refresh_families refresh_families_pkey PRIMARY KEY (sid)
control.refresh_tokens refresh_tokens_pkey PRIMARY KEY (token_sha256)
control.refresh_tokens refresh_tokens_sid_fkey FOREIGN KEY (sid) REFERENCES control.refresh_families(sid) ON DELETE CASCADE
control.refresh_tokens refresh_tokens_token_sha256_check CHECK ((octet_length(token_sha256) = 32))
control.shouts shouts_author_fkey FOREIGN KEY (author) REFERENCES control.profiles(user_id)
control.shouts shouts_check CHECK (((gone_at_ms IS NULL) = (body <> ''::text)))
control.shouts shouts_pkey PRIMARY KEY (shout_id)
control.skill_specs skill_specs_check CHECK (((published_at_ms IS NULL) = (receipt_id IS NULL)))
control.skill_specs skill_specs_pkey PRIMARY KEY (org, skill_id, version)
control.skill_specs skill_specs_version_check CHECK ((version > 0))
control.thread_messages thread_messages_message_id_key UNIQUE (message_id)
control.thread_messages thread_messages_pkey PRIMARY KEY (thread_id, seq)
control.thread_messages thread_messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text, 'tool'::text])))
control.thread_messages thread_messages_seq_check CHECK ((seq > 0))
control.thread_messages thread_messages_status_check CHECK ((status = ANY (ARRAY['sent'::text, 'streaming'::text, 'complete'::text, 'failed'::text])))
control.thread_messages thread_messages_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES control.threads(thread_id)
control.thread_messages thread_messages_thread_id_request_id_item_id_key UNIQUE (thread_id, request_id, item_id)
control.threads threads_autopilot_id_fkey FOREIGN KEY (autopilot_id) REFERENCES control.autopilots(autopilot_id)
control.threads threads_pkey PRIMARY KEY (thread_id)
control.threads threads_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES control.codex_workers(worker_id)
control.tool_executions tool_executions_autopilot_id_fkey FOREIGN KEY (autopilot_id) REFERENCES control.autopilots(autopilot_id)
control.tool_executions tool_executions_check CHECK (((status IS NULL) = (worker_id IS NOT NULL)))
control.tool_executions tool_executions_pkey PRIMARY KEY (execution_id)
control.tool_executions tool_executions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text])))
control.tool_executions tool_executions_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES control.codex_workers(worker_id)
control.tool_specs tool_specs_pkey PRIMARY KEY (org, tool_id, version)
control.tool_specs tool_specs_version_check CHECK ((version > 0))
control.whisper_copies whisper_copies_pkey PRIMARY KEY (user_id, whisper_id)
control.whisper_copies whisper_copies_whisper_id_fkey FOREIGN KEY (whisper_id) REFERENCES control.whispers(whisper_id) ON DELETE CASCADE
control.whispers whispers_check CHECK ((sender <> recipient))
control.whispers whispers_pkey PRIMARY KEY (whisper_id)
control.whispers whispers_recipient_fkey FOREIGN KEY (recipient) REFERENCES control.profiles(user_id)
control.whispers whispers_sender_fkey FOREIGN KEY (sender) REFERENCES control.profiles(user_id)
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
CREATE INDEX "account_userId_idx" ON auth.account USING btree ("userId")
CREATE INDEX "deviceCode_expiresAt_idx" ON auth."deviceCode" USING btree ("expiresAt")
CREATE INDEX "invitation_organizationId_idx" ON auth.invitation USING btree ("organizationId")
CREATE INDEX "member_userId_idx" ON auth.member USING btree ("userId")
CREATE INDEX "passkey_userId_idx" ON auth.passkey USING btree ("userId")
CREATE INDEX "session_expiresAt_idx" ON auth.session USING btree ("expiresAt")
CREATE INDEX "session_userId_idx" ON auth.session USING btree ("userId")
CREATE INDEX "verification_expiresAt_idx" ON auth.verification USING btree ("expiresAt")
CREATE INDEX answered_challenges_by_expiry ON control.answered_challenges USING btree (expires_at_ms)
CREATE INDEX api_keys_by_org ON control.api_keys USING btree (org, key_id DESC)
CREATE INDEX api_keys_by_principal ON control.api_keys USING btree (principal)
CREATE INDEX approvals_by_user ON control.approvals USING btree (user_id, approval_id DESC)
CREATE INDEX approvals_open ON control.approvals USING btree (user_id, approval_id DESC) WHERE (decision IS NULL)
CREATE INDEX approvals_to_expire ON control.approvals USING btree (expires_at_ms) WHERE ((decision IS NULL) AND (expired_at_ms IS NULL))
CREATE INDEX audit_entries_by_actor ON control.audit_entries USING btree (org, actor, entry_id DESC)
CREATE INDEX audit_entries_by_org ON control.audit_entries USING btree (org, entry_id DESC)
CREATE INDEX audit_entries_by_subject ON control.audit_entries USING btree (org, subject, entry_id DESC)
CREATE INDEX autopilots_by_owner ON control.autopilots USING btree (org, owner, autopilot_id DESC)
CREATE INDEX codex_worker_requests_due ON control.codex_worker_requests USING btree (deadline_ms) WHERE (status <> 'answered'::text)
CREATE INDEX codex_worker_requests_unanswered ON control.codex_worker_requests USING btree (worker_id, ordinal) WHERE (status <> 'answered'::text)
CREATE INDEX codex_workers_by_device ON control.codex_workers USING btree (device_id, worker_id)
CREATE INDEX codex_workers_by_owner ON control.codex_workers USING btree (org, owner, worker_id DESC)
CREATE INDEX devices_by_org ON control.devices USING btree (org, device_id)
CREATE INDEX devices_by_owner ON control.devices USING btree (org, owner_user_id)
CREATE INDEX devices_with_work_to_end ON control.devices USING btree (status_at_ms) WHERE ((status <> 'enrolled'::text) AND (work_ended_at_ms IS NULL))
CREATE INDEX erasures_due ON control.erasures USING btree (asked_at_ms) WHERE (erased_at_ms IS NULL)
CREATE INDEX handovers_by_xid ON transparency.handovers USING btree (xid, seq)
CREATE INDEX integrations_by_key ON control.integrations USING btree (key_id)
CREATE INDEX intents_due ON authority.intents USING btree (due_at_ms) WHERE (status = ANY (ARRAY['pending'::text, 'unknown'::text]))
CREATE INDEX invitation_email_idx ON auth.invitation USING btree (email)
CREATE INDEX mail_deliveries_by_time ON control.mail_deliveries USING btree (recorded_at_ms)
CREATE INDEX mail_drafts_by_user ON control.mail_drafts USING btree (org, user_id, draft_id DESC)
CREATE INDEX mail_messages_by_thread ON control.mail_messages USING btree (thread_id, occurred_at_ms DESC, message_id DESC)
CREATE INDEX mail_threads_by_mailbox ON control.mail_threads USING btree (mailbox_id)
CREATE INDEX mail_threads_by_time ON control.mail_threads USING btree (last_message_at_ms)
CREATE INDEX mail_threads_by_user ON control.mail_threads USING btree (org, user_id, last_message_at_ms DESC, thread_id DESC)
CREATE INDEX mailboxes_by_turn ON control.mailboxes USING btree (asked_at_ms)
CREATE INDEX oauth_states_by_expiry ON control.oauth_states USING btree (expires_at_ms)
CREATE INDEX receipts_by_schema ON authority.receipts USING btree (tenant, schema, occurred_at_ms, seq)
CREATE INDEX receipts_by_subject ON authority.receipts USING btree (subject, occurred_at_ms, seq)
CREATE INDEX receipts_by_tenant ON authority.receipts USING btree (tenant, occurred_at_ms, seq)
CREATE INDEX receipts_by_xid ON authority.receipts USING btree (xid, seq)
CREATE INDEX refresh_families_by_expiry ON control.refresh_families USING btree (expires_at_ms)
CREATE INDEX refresh_families_by_user ON control.refresh_families USING btree (user_id)
CREATE INDEX refresh_tokens_by_family ON control.refresh_tokens USING btree (sid)
CREATE INDEX shouts_by_author ON control.shouts USING btree (author, posted_at_ms)
CREATE INDEX shouts_by_time ON control.shouts USING btree (posted_at_ms, zone) WHERE (gone_at_ms IS NULL)
CREATE INDEX shouts_by_zone ON control.shouts USING btree (zone, shout_id DESC)
CREATE INDEX sign_in_link_expires_at_idx ON auth.sign_in_link USING btree (expires_at_ms)
CREATE INDEX stream_heads_by_tenant ON sync.stream_heads USING btree (tenant, stream_id)
CREATE INDEX stream_heads_trimmed ON sync.stream_heads USING btree (stream_id) WHERE (keep_newest IS NOT NULL)
CREATE INDEX threads_by_autopilot ON control.threads USING btree (autopilot_id, thread_id DESC)
CREATE INDEX threads_by_owner ON control.threads USING btree (org, owner, thread_id DESC)
CREATE INDEX throttle_free_at_idx ON auth.throttle USING btree (free_at_ms)
CREATE INDEX tool_executions_by_replay ON control.tool_executions USING btree (autopilot_id, replay_hash, execution_id DESC)
CREATE INDEX verification_identifier_idx ON auth.verification USING btree (identifier)
CREATE INDEX whisper_copies_by_peer ON control.whisper_copies USING btree (user_id, peer, whisper_id DESC)
CREATE INDEX whisper_copies_by_whisper ON control.whisper_copies USING btree (whisper_id)
CREATE INDEX whispers_by_sender ON control.whispers USING btree (sender, sent_at_ms)
CREATE UNIQUE INDEX "deviceCode_deviceCode_uidx" ON auth."deviceCode" USING btree ("deviceCode")
CREATE UNIQUE INDEX "deviceCode_pkey" ON auth."deviceCode" USING btree (id)
CREATE UNIQUE INDEX "deviceCode_userCode_uidx" ON auth."deviceCode" USING btree ("userCode")
CREATE UNIQUE INDEX "member_organizationId_idx" ON auth.member USING btree ("organizationId", "userId")
CREATE UNIQUE INDEX "passkey_credentialID_idx" ON auth.passkey USING btree ("credentialID")
CREATE UNIQUE INDEX account_pkey ON auth.account USING btree (id)
CREATE UNIQUE INDEX account_provider_idx ON auth.account USING btree ("providerId", "accountId")
CREATE UNIQUE INDEX answered_challenges_pkey ON control.answered_challenges USING btree (nonce)
CREATE UNIQUE INDEX api_keys_pkey ON control.api_keys USING btree (key_id)
CREATE UNIQUE INDEX api_keys_prefix_key ON control.api_keys USING btree (prefix)
CREATE UNIQUE INDEX approvals_pkey ON control.approvals USING btree (approval_id)
CREATE UNIQUE INDEX audit_entries_pkey ON control.audit_entries USING btree (entry_id)
CREATE UNIQUE INDEX autopilot_spending_pkey ON control.autopilot_spending USING btree (autopilot_id, period)
CREATE UNIQUE INDEX autopilot_spends_pkey ON control.autopilot_spends USING btree (spend_id)
CREATE UNIQUE INDEX autopilots_org_handle_key ON control.autopilots USING btree (org, handle)
CREATE UNIQUE INDEX autopilots_pkey ON control.autopilots USING btree (autopilot_id)
CREATE UNIQUE INDEX codex_worker_requests_pkey ON control.codex_worker_requests USING btree (worker_id, request_id)
CREATE UNIQUE INDEX codex_worker_requests_worker_id_ordinal_key ON control.codex_worker_requests USING btree (worker_id, ordinal)
CREATE UNIQUE INDEX codex_workers_org_owner_name_key ON control.codex_workers USING btree (org, owner, name)
CREATE UNIQUE INDEX codex_workers_pkey ON control.codex_workers USING btree (worker_id)
CREATE UNIQUE INDEX command_outcomes_pkey ON authority.command_outcomes USING btree (command_id)
CREATE UNIQUE INDEX commands_pkey ON authority.commands USING btree (command_id)
CREATE UNIQUE INDEX devices_pkey ON control.devices USING btree (device_id)
CREATE UNIQUE INDEX devices_public_key_key ON control.devices USING btree (public_key)
CREATE UNIQUE INDEX entries_hash_key ON transparency.entries USING btree (hash)
CREATE UNIQUE INDEX entries_pkey ON transparency.entries USING btree (index)
CREATE UNIQUE INDEX erasures_pkey ON control.erasures USING btree (user_id)
CREATE UNIQUE INDEX handles_pkey ON control.handles USING btree (handle)
CREATE UNIQUE INDEX handovers_pkey ON transparency.handovers USING btree (hash)
CREATE UNIQUE INDEX heads_pkey ON transparency.heads USING btree (size)
CREATE UNIQUE INDEX identity_pkey ON transparency.identity USING btree (row_number)
CREATE UNIQUE INDEX integrations_pkey ON control.integrations USING btree (org, provider, owner)
CREATE UNIQUE INDEX intents_kind_effect_key_key ON authority.intents USING btree (kind, effect_key)
CREATE UNIQUE INDEX intents_pkey ON authority.intents USING btree (intent_id)
CREATE UNIQUE INDEX invitation_pkey ON auth.invitation USING btree (id)
CREATE UNIQUE INDEX log_handover_pkey ON control.log_handover USING btree (row_number)
CREATE UNIQUE INDEX mail_deliveries_by_seq ON control.mail_deliveries USING btree (seq DESC)
CREATE UNIQUE INDEX mail_deliveries_pkey ON control.mail_deliveries USING btree (provider, event_id)
CREATE UNIQUE INDEX mail_drafts_approval_id_key ON control.mail_drafts USING btree (approval_id)
CREATE UNIQUE INDEX mail_drafts_pkey ON control.mail_drafts USING btree (draft_id)
CREATE UNIQUE INDEX mail_messages_pkey ON control.mail_messages USING btree (message_id)
CREATE UNIQUE INDEX mail_threads_pkey ON control.mail_threads USING btree (thread_id)
CREATE UNIQUE INDEX mailboxes_org_user_id_provider_key ON control.mailboxes USING btree (org, user_id, provider)
CREATE UNIQUE INDEX mailboxes_pkey ON control.mailboxes USING btree (mailbox_id)
CREATE UNIQUE INDEX member_pkey ON auth.member USING btree (id)
CREATE UNIQUE INDEX mode_pkey ON authority.mode USING btree (one)
CREATE UNIQUE INDEX nodes_pkey ON transparency.nodes USING btree (level, index)
CREATE UNIQUE INDEX oauth_states_pkey ON control.oauth_states USING btree (state_sha256)
CREATE UNIQUE INDEX organization_pkey ON auth.organization USING btree (id)
CREATE UNIQUE INDEX organization_slug_key ON auth.organization USING btree (slug)
CREATE UNIQUE INDEX passkey_pkey ON auth.passkey USING btree (id)
CREATE UNIQUE INDEX profiles_handle_key ON control.profiles USING btree (handle)
CREATE UNIQUE INDEX profiles_pkey ON control.profiles USING btree (user_id)
CREATE UNIQUE INDEX receipts_pkey ON authority.receipts USING btree (receipt_id)
CREATE UNIQUE INDEX refresh_families_pkey ON control.refresh_families USING btree (sid)
CREATE UNIQUE INDEX refresh_tokens_pkey ON control.refresh_tokens USING btree (token_sha256)
CREATE UNIQUE INDEX session_pkey ON auth.session USING btree (id)
CREATE UNIQUE INDEX session_token_key ON auth.session USING btree (token)
CREATE UNIQUE INDEX shouts_pkey ON control.shouts USING btree (shout_id)
CREATE UNIQUE INDEX sign_in_link_pkey ON auth.sign_in_link USING btree (token_hash)
CREATE UNIQUE INDEX skill_specs_pkey ON control.skill_specs USING btree (org, skill_id, version)
CREATE UNIQUE INDEX stream_chains_pkey ON sync.stream_chains USING btree (stream_id, seq)
CREATE UNIQUE INDEX stream_events_pkey ON sync.stream_events USING btree (stream_id, seq)
CREATE UNIQUE INDEX stream_heads_pkey ON sync.stream_heads USING btree (stream_id)
CREATE UNIQUE INDEX thread_messages_message_id_key ON control.thread_messages USING btree (message_id)
CREATE UNIQUE INDEX thread_messages_pkey ON control.thread_messages USING btree (thread_id, seq)
CREATE UNIQUE INDEX thread_messages_thread_id_request_id_item_id_key ON control.thread_messages USING btree (thread_id, request_id, item_id)
CREATE UNIQUE INDEX threads_pkey ON control.threads USING btree (thread_id)
CREATE UNIQUE INDEX throttle_pkey ON auth.throttle USING btree (bucket)
CREATE UNIQUE INDEX tool_executions_pkey ON control.tool_executions USING btree (execution_id)
CREATE UNIQUE INDEX tool_specs_pkey ON control.tool_specs USING btree (org, tool_id, version)
CREATE UNIQUE INDEX user_email_key ON auth."user" USING btree (email)
CREATE UNIQUE INDEX user_pkey ON auth."user" USING btree (id)
CREATE UNIQUE INDEX verification_pkey ON auth.verification USING btree (id)
CREATE UNIQUE INDEX whisper_copies_pkey ON control.whisper_copies USING btree (user_id, whisper_id)
CREATE UNIQUE INDEX whispers_pkey ON control.whispers USING btree (whisper_id)

-- triggers
CREATE TRIGGER codex_worker_requests_answered_once BEFORE UPDATE ON control.codex_worker_requests FOR EACH ROW WHEN ((old.status = 'answered'::text)) EXECUTE FUNCTION control.refuse_second_answer():  BEGIN RAISE EXCEPTION 'a request is answered once' USING ERRCODE = 'check_violation'; END 
CREATE TRIGGER mail_drafts_decided_stay BEFORE UPDATE ON control.mail_drafts FOR EACH ROW WHEN ((old.status <> 'waiting'::text)) EXECUTE FUNCTION control.refuse_other_words():  BEGIN IF OLD.status IN ('rejected', 'succeeded', 'failed') OR OLD.status = 'pending' AND (NEW.to_addresses, NEW.subject, NEW.body, NEW.from_address, NEW.version) IS DISTINCT FROM (OLD.to_addresses, OLD.subject, OLD.body, OLD.from_address, OLD.version) THEN RAISE EXCEPTION 'a draft that was decided stays as it is' USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END 
CREATE TRIGGER member_keep_owner AFTER DELETE OR UPDATE OF role ON auth.member FOR EACH ROW WHEN ((old.role ~ '(^|,) *owner *(,|$)'::text)) EXECUTE FUNCTION auth.keep_owner():  BEGIN -- One after the other; an organisation that is deleted itself needs no owner. PERFORM FROM auth."organization" WHERE "id" = OLD."organizationId" FOR UPDATE; IF FOUND AND NOT EXISTS ( SELECT FROM auth."member" WHERE "organizationId" = OLD."organizationId" AND "role" ~ '(^|,) *owner *(,|$)' ) THEN RAISE EXCEPTION 'the last owner of an organisation stays' USING ERRCODE = 'check_violation'; END IF; RETURN NULL; END 
CREATE TRIGGER published_skills_stay BEFORE DELETE OR UPDATE ON control.skill_specs FOR EACH ROW EXECUTE FUNCTION control.refuse_change_of_published():  BEGIN IF OLD.published_at_ms IS NOT NULL THEN RAISE EXCEPTION 'a published skill never changes'; END IF; RETURN NEW; END 
CREATE TRIGGER stream_events_no_gaps AFTER DELETE ON sync.stream_events REFERENCING OLD TABLE AS trimmed FOR EACH STATEMENT EXECUTE FUNCTION sync.refuse_gaps():  BEGIN IF EXISTS ( SELECT FROM trimmed t LEFT JOIN sync.stream_heads h USING (stream_id) WHERE h.stream_id IS NULL OR h.keep_newest IS NULL OR t.seq > h.floor_seq ) THEN RAISE EXCEPTION 'only events up to the floor of a stream that is not permanent may go' USING ERRCODE = 'check_violation'; END IF; RETURN NULL; END 

-- rights
DELETE ON auth."deviceCode" TO app_role
DELETE ON auth."user" TO app_role
DELETE ON auth.account TO app_role
DELETE ON auth.invitation TO app_role
DELETE ON auth.member TO app_role
DELETE ON auth.organization TO app_role
DELETE ON auth.passkey TO app_role
DELETE ON auth.session TO app_role
DELETE ON auth.sign_in_link TO app_role
DELETE ON auth.throttle TO app_role
DELETE ON auth.verification TO app_role
DELETE ON control.answered_challenges TO app_role
DELETE ON control.codex_worker_requests TO app_role
DELETE ON control.integrations TO app_role
DELETE ON control.mail_deliveries TO app_role
DELETE ON control.mail_drafts TO app_role
DELETE ON control.mail_messages TO app_role
DELETE ON control.mail_threads TO app_role
DELETE ON control.mailboxes TO app_role
DELETE ON control.oauth_states TO app_role
DELETE ON control.refresh_families TO app_role
DELETE ON control.refresh_tokens TO app_role
DELETE ON control.whisper_copies TO app_role
DELETE ON control.whispers TO app_role
DELETE ON sync.stream_events TO app_role
INSERT ON auth."deviceCode" TO app_role
INSERT ON auth."user" TO app_role
INSERT ON auth.account TO app_role
INSERT ON auth.invitation TO app_role
INSERT ON auth.member TO app_role
INSERT ON auth.organization TO app_role
INSERT ON auth.passkey TO app_role
INSERT ON auth.session TO app_role
INSERT ON auth.sign_in_link TO app_role
INSERT ON auth.throttle TO app_role
INSERT ON auth.verification TO app_role
INSERT ON authority.command_outcomes TO app_role
INSERT ON authority.commands TO app_role
INSERT ON authority.intents TO app_role
INSERT ON authority.receipts TO app_role
INSERT ON control.answered_challenges TO app_role
INSERT ON control.api_keys TO app_role
INSERT ON control.approvals TO app_role
INSERT ON control.audit_entries TO app_role
INSERT ON control.autopilot_spending TO app_role
INSERT ON control.autopilot_spends TO app_role
INSERT ON control.autopilots TO app_role
INSERT ON control.codex_worker_requests TO app_role
INSERT ON control.codex_workers TO app_role
INSERT ON control.devices TO app_role
INSERT ON control.erasures TO app_role
INSERT ON control.handles TO app_role
INSERT ON control.integrations TO app_role
INSERT ON control.mail_deliveries TO app_role
INSERT ON control.mail_drafts TO app_role
INSERT ON control.mail_messages TO app_role
INSERT ON control.mail_threads TO app_role
INSERT ON control.mailboxes TO app_role
INSERT ON control.oauth_states TO app_role
INSERT ON control.profiles TO app_role
INSERT ON control.refresh_families TO app_role
INSERT ON control.refresh_tokens TO app_role
INSERT ON control.shouts TO app_role
INSERT ON control.skill_specs TO app_role
INSERT ON control.thread_messages TO app_role
INSERT ON control.threads TO app_role
INSERT ON control.tool_executions TO app_role
INSERT ON control.tool_specs TO app_role
INSERT ON control.whisper_copies TO app_role
INSERT ON control.whispers TO app_role
INSERT ON sync.stream_chains TO app_role
INSERT ON sync.stream_events TO app_role
INSERT ON sync.stream_heads TO app_role
INSERT ON transparency.entries TO app_role
INSERT ON transparency.handovers TO app_role
INSERT ON transparency.heads TO app_role
INSERT ON transparency.identity TO app_role
INSERT ON transparency.nodes TO app_role
SELECT ON auth."deviceCode" TO app_role
SELECT ON auth."user" TO app_role
SELECT ON auth.account TO app_role
SELECT ON auth.invitation TO app_role
SELECT ON auth.member TO app_role
SELECT ON auth.organization TO app_role
SELECT ON auth.passkey TO app_role
SELECT ON auth.session TO app_role
SELECT ON auth.sign_in_link TO app_role
SELECT ON auth.throttle TO app_role
SELECT ON auth.verification TO app_role
SELECT ON authority.command_outcomes TO app_role
SELECT ON authority.commands TO app_role
SELECT ON authority.intents TO app_role
SELECT ON authority.mode TO app_role
SELECT ON authority.receipts TO app_role
SELECT ON control.answered_challenges TO app_role
SELECT ON control.api_keys TO app_role
SELECT ON control.approvals TO app_role
SELECT ON control.audit_entries TO app_role
SELECT ON control.autopilot_spending TO app_role
SELECT ON control.autopilot_spends TO app_role
SELECT ON control.autopilots TO app_role
SELECT ON control.codex_worker_requests TO app_role
SELECT ON control.codex_workers TO app_role
SELECT ON control.devices TO app_role
SELECT ON control.erasures TO app_role
SELECT ON control.handles TO app_role
SELECT ON control.integrations TO app_role
SELECT ON control.log_handover TO app_role
SELECT ON control.mail_deliveries TO app_role
SELECT ON control.mail_drafts TO app_role
SELECT ON control.mail_messages TO app_role
SELECT ON control.mail_threads TO app_role
SELECT ON control.mailboxes TO app_role
SELECT ON control.oauth_states TO app_role
SELECT ON control.profiles TO app_role
SELECT ON control.refresh_families TO app_role
SELECT ON control.refresh_tokens TO app_role
SELECT ON control.shouts TO app_role
SELECT ON control.skill_specs TO app_role
SELECT ON control.thread_messages TO app_role
SELECT ON control.threads TO app_role
SELECT ON control.tool_executions TO app_role
SELECT ON control.tool_specs TO app_role
SELECT ON control.whisper_copies TO app_role
SELECT ON control.whispers TO app_role
SELECT ON sync.stream_chains TO app_role
SELECT ON sync.stream_events TO app_role
SELECT ON sync.stream_heads TO app_role
SELECT ON transparency.entries TO app_role
SELECT ON transparency.handovers TO app_role
SELECT ON transparency.heads TO app_role
SELECT ON transparency.identity TO app_role
SELECT ON transparency.nodes TO app_role
SELECT ON transparency.offered TO app_role
UPDATE ON auth."deviceCode" TO app_role
UPDATE ON auth."user" TO app_role
UPDATE ON auth.account TO app_role
UPDATE ON auth.invitation TO app_role
UPDATE ON auth.member TO app_role
UPDATE ON auth.organization TO app_role
UPDATE ON auth.passkey TO app_role
UPDATE ON auth.session TO app_role
UPDATE ON auth.sign_in_link TO app_role
UPDATE ON auth.throttle TO app_role
UPDATE ON auth.verification TO app_role
UPDATE ON authority.intents TO app_role
UPDATE ON control.approvals TO app_role
UPDATE ON control.autopilot_spending TO app_role
UPDATE ON control.autopilot_spends TO app_role
UPDATE ON control.autopilots TO app_role
UPDATE ON control.codex_worker_requests TO app_role
UPDATE ON control.codex_workers TO app_role
UPDATE ON control.integrations TO app_role
UPDATE ON control.mail_drafts TO app_role
UPDATE ON control.mail_messages TO app_role
UPDATE ON control.mail_threads TO app_role
UPDATE ON control.mailboxes TO app_role
UPDATE ON control.profiles TO app_role
UPDATE ON control.shouts TO app_role
UPDATE ON control.skill_specs TO app_role
UPDATE ON control.thread_messages TO app_role
UPDATE ON control.threads TO app_role
UPDATE ON control.whisper_copies TO app_role
UPDATE ON control.whispers TO app_role
