GRANT USAGE ON SCHEMA public TO app, gate;

CREATE TABLE agencies (
	agency_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	colour TEXT DEFAULT '#2f5d62' NOT NULL, 
	locale TEXT DEFAULT 'en' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_agencies PRIMARY KEY (agency_id)
);

ALTER TABLE agencies ENABLE ROW LEVEL SECURITY;

ALTER TABLE agencies FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON agencies FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON agencies TO app;

CREATE TABLE sign_ins (
	email TEXT NOT NULL, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	blocked_until TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_sign_ins PRIMARY KEY (email)
);

ALTER TABLE sign_ins ENABLE ROW LEVEL SECURITY;

ALTER TABLE sign_ins FORCE ROW LEVEL SECURITY;

CREATE POLICY gate_all ON sign_ins FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ins TO gate;

CREATE TABLE simulation (
	one BOOLEAN DEFAULT 'true' NOT NULL, 
	offset_seconds BIGINT DEFAULT '0' NOT NULL, 
	control_url TEXT NOT NULL, 
	CONSTRAINT pk_simulation PRIMARY KEY (one), 
	CONSTRAINT ck_simulation_one CHECK (one)
);

ALTER TABLE simulation ENABLE ROW LEVEL SECURITY;

ALTER TABLE simulation FORCE ROW LEVEL SECURITY;

CREATE POLICY gate_all ON simulation FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON simulation TO gate;

CREATE TABLE agency_keys (
	agency_id UUID NOT NULL, 
	master_id TEXT NOT NULL, 
	wrapped BYTEA NOT NULL, 
	CONSTRAINT pk_agency_keys PRIMARY KEY (agency_id), 
	CONSTRAINT fk_agency_keys_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);

ALTER TABLE agency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE agency_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON agency_keys FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON agency_keys TO app;

CREATE TABLE audit (
	agency_id UUID NOT NULL, 
	audit_id UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	tenant_id UUID, 
	subject_id UUID, 
	action TEXT NOT NULL, 
	target TEXT DEFAULT '' NOT NULL, 
	detail JSONB DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (agency_id, audit_id), 
	CONSTRAINT fk_audit_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);

CREATE INDEX ix_audit_agency_id_at ON audit (agency_id, at);

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE audit FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON audit FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

GRANT SELECT, INSERT ON audit TO app;

CREATE TABLE clients (
	agency_id UUID NOT NULL, 
	client_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_clients PRIMARY KEY (agency_id, client_id), 
	CONSTRAINT fk_clients_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);

ALTER TABLE clients ENABLE ROW LEVEL SECURITY;

ALTER TABLE clients FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON clients FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON clients TO app;

CREATE TABLE domains (
	host TEXT NOT NULL, 
	agency_id UUID NOT NULL, 
	verified_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_domains PRIMARY KEY (host), 
	CONSTRAINT fk_domains_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);

CREATE INDEX ix_domains_agency_id ON domains (agency_id);

ALTER TABLE domains ENABLE ROW LEVEL SECURITY;

ALTER TABLE domains FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON domains FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

CREATE POLICY gate_all ON domains FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON domains TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON domains TO gate;

CREATE TABLE oauth_states (
	agency_id UUID NOT NULL, 
	state_hash TEXT NOT NULL, 
	tenant_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	session_hash TEXT NOT NULL, 
	connector TEXT NOT NULL, 
	redirect_uri TEXT NOT NULL, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	verifier TEXT, 
	connection_id UUID, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_oauth_states PRIMARY KEY (agency_id, state_hash), 
	CONSTRAINT fk_oauth_states_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);

ALTER TABLE oauth_states ENABLE ROW LEVEL SECURITY;

ALTER TABLE oauth_states FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON oauth_states FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_states TO app;

CREATE TABLE platform_apps (
	agency_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	client_secret BYTEA NOT NULL, 
	extra JSONB DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_platform_apps PRIMARY KEY (agency_id, connector), 
	CONSTRAINT fk_platform_apps_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);

ALTER TABLE platform_apps ENABLE ROW LEVEL SECURITY;

ALTER TABLE platform_apps FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON platform_apps FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON platform_apps TO app;

CREATE TABLE users (
	agency_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	email TEXT NOT NULL, 
	name TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	locale TEXT DEFAULT 'en' NOT NULL, 
	active BOOLEAN DEFAULT 'true' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (agency_id, user_id), 
	CONSTRAINT fk_users_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE, 
	CONSTRAINT uq_users_agency_id_email UNIQUE (agency_id, email)
);

CREATE INDEX ix_users_email ON users (email);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;

ALTER TABLE users FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON users FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

CREATE POLICY gate_all ON users FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON users TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON users TO gate;

CREATE TABLE memberships (
	agency_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	role TEXT NOT NULL, 
	client_id UUID, 
	CONSTRAINT pk_memberships PRIMARY KEY (agency_id, user_id), 
	CONSTRAINT fk_memberships_agency_id_user_id FOREIGN KEY(agency_id, user_id) REFERENCES users (agency_id, user_id) ON DELETE CASCADE, 
	CONSTRAINT fk_memberships_agency_id_client_id FOREIGN KEY(agency_id, client_id) REFERENCES clients (agency_id, client_id) ON DELETE CASCADE, 
	CONSTRAINT ck_memberships_role CHECK (role in ('owner', 'account_manager', 'analyst', 'client')), 
	CONSTRAINT ck_memberships_client CHECK ((role = 'client') = (client_id is not null))
);

ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;

ALTER TABLE memberships FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON memberships FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

CREATE POLICY gate_all ON memberships FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO gate;

CREATE TABLE sessions (
	session_hash BYTEA NOT NULL, 
	agency_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	csrf TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT fk_sessions_agency_id_user_id FOREIGN KEY(agency_id, user_id) REFERENCES users (agency_id, user_id) ON DELETE CASCADE, 
	CONSTRAINT uq_sessions_session_hash UNIQUE (session_hash)
);

CREATE INDEX ix_sessions_agency_id_user_id ON sessions (agency_id, user_id);

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE sessions FORCE ROW LEVEL SECURITY;

CREATE POLICY gate_all ON sessions FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO gate;

CREATE TABLE tenants (
	tenant_id UUID NOT NULL, 
	agency_id UUID NOT NULL, 
	client_id UUID NOT NULL, 
	slug TEXT NOT NULL, 
	name TEXT NOT NULL, 
	aliases JSONB DEFAULT '[]' NOT NULL, 
	currency TEXT NOT NULL, 
	zone TEXT NOT NULL, 
	market TEXT NOT NULL, 
	locale TEXT DEFAULT 'en' NOT NULL, 
	colour TEXT DEFAULT '#2f5d62' NOT NULL, 
	niche TEXT DEFAULT '' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_tenants PRIMARY KEY (tenant_id), 
	CONSTRAINT fk_tenants_agency_id_client_id FOREIGN KEY(agency_id, client_id) REFERENCES clients (agency_id, client_id), 
	CONSTRAINT uq_tenants_tenant_id_agency_id UNIQUE (tenant_id, agency_id)
);

CREATE INDEX ix_tenants_agency_id_client_id ON tenants (agency_id, client_id);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenants FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON tenants FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON tenants FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON tenants FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON tenants FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO app;

CREATE TABLE connections (
	tenant_id UUID NOT NULL, 
	connection_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	account_name TEXT NOT NULL, 
	zone TEXT DEFAULT 'UTC' NOT NULL, 
	currency TEXT, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	state TEXT DEFAULT 'ok' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	step TEXT DEFAULT '' NOT NULL, 
	checked_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_connections PRIMARY KEY (tenant_id, connection_id), 
	CONSTRAINT fk_connections_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE, 
	CONSTRAINT uq_connections_tenant_id_connector_account_id UNIQUE (tenant_id, connector, account_id), 
	CONSTRAINT ck_connections_state CHECK (state in ('ok', 'degraded', 'reconnect', 'paused'))
);

ALTER TABLE connections ENABLE ROW LEVEL SECURITY;

ALTER TABLE connections FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON connections FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON connections FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON connections FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON connections FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON connections TO app;

CREATE TABLE lake_logins (
	tenant_id UUID NOT NULL, 
	schema_name TEXT NOT NULL, 
	login TEXT NOT NULL, 
	password BYTEA NOT NULL, 
	CONSTRAINT pk_lake_logins PRIMARY KEY (tenant_id), 
	CONSTRAINT fk_lake_logins_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

ALTER TABLE lake_logins ENABLE ROW LEVEL SECURITY;

ALTER TABLE lake_logins FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON lake_logins FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON lake_logins FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON lake_logins FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON lake_logins FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON lake_logins TO app;

CREATE TABLE membership_tenants (
	agency_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	tenant_id UUID NOT NULL, 
	CONSTRAINT pk_membership_tenants PRIMARY KEY (agency_id, user_id, tenant_id), 
	CONSTRAINT fk_membership_tenants_agency_id_user_id FOREIGN KEY(agency_id, user_id) REFERENCES memberships (agency_id, user_id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_tenants_tenant_id_agency_id FOREIGN KEY(tenant_id, agency_id) REFERENCES tenants (tenant_id, agency_id) ON DELETE CASCADE
);

ALTER TABLE membership_tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE membership_tenants FORCE ROW LEVEL SECURITY;

CREATE POLICY app_agency ON membership_tenants FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);

CREATE POLICY gate_all ON membership_tenants FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON membership_tenants TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON membership_tenants TO gate;

CREATE TABLE metric_daily (
	tenant_id UUID NOT NULL, 
	metric TEXT NOT NULL, 
	day DATE NOT NULL, 
	platform TEXT NOT NULL, 
	connection_id UUID NOT NULL, 
	currency TEXT DEFAULT '' NOT NULL, 
	value NUMERIC(24, 6) NOT NULL, 
	rows BIGINT NOT NULL, 
	computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_metric_daily PRIMARY KEY (tenant_id, metric, day, platform, connection_id, currency), 
	CONSTRAINT fk_metric_daily_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

ALTER TABLE metric_daily ENABLE ROW LEVEL SECURITY;

ALTER TABLE metric_daily FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON metric_daily FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON metric_daily FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON metric_daily FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON metric_daily FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON metric_daily TO app;

CREATE TABLE quarantine (
	tenant_id UUID NOT NULL, 
	fingerprint TEXT NOT NULL, 
	connection_id UUID, 
	stream TEXT NOT NULL, 
	record TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	times INTEGER DEFAULT '1' NOT NULL, 
	first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_quarantine PRIMARY KEY (tenant_id, fingerprint), 
	CONSTRAINT fk_quarantine_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

CREATE INDEX ix_quarantine_tenant_id_last_seen_at ON quarantine (tenant_id, last_seen_at);

ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;

ALTER TABLE quarantine FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON quarantine FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON quarantine FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON quarantine FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON quarantine FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON quarantine TO app;

CREATE TABLE rollups (
	tenant_id UUID NOT NULL, 
	connection_id UUID NOT NULL, 
	rolled_to TIMESTAMP WITH TIME ZONE NOT NULL, 
	computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_rollups PRIMARY KEY (tenant_id, connection_id), 
	CONSTRAINT fk_rollups_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

ALTER TABLE rollups ENABLE ROW LEVEL SECURITY;

ALTER TABLE rollups FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON rollups FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON rollups FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON rollups FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON rollups FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON rollups TO app;

CREATE TABLE runs (
	tenant_id UUID NOT NULL, 
	run_id UUID NOT NULL, 
	agency_id UUID NOT NULL, 
	subject_id UUID, 
	job TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	arguments JSONB DEFAULT '{}' NOT NULL, 
	lane TEXT DEFAULT '' NOT NULL, 
	dedupe TEXT, 
	state TEXT DEFAULT 'queued' NOT NULL, 
	due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	poked_at TIMESTAMP WITH TIME ZONE, 
	lease_until TIMESTAMP WITH TIME ZONE, 
	fence BIGINT DEFAULT '0' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	worker TEXT, 
	progress JSONB DEFAULT '{}' NOT NULL, 
	result JSONB, 
	error_code TEXT, 
	error_message TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_runs PRIMARY KEY (tenant_id, run_id), 
	CONSTRAINT fk_runs_tenant_id_agency_id FOREIGN KEY(tenant_id, agency_id) REFERENCES tenants (tenant_id, agency_id) ON DELETE CASCADE, 
	CONSTRAINT ck_runs_state CHECK (state in ('queued', 'running', 'done', 'failed', 'cancelled'))
);

CREATE INDEX ix_runs_busy ON runs (tenant_id) WHERE state = 'running';

CREATE INDEX ix_runs_leased ON runs (lease_until) WHERE state = 'running';

CREATE INDEX ix_runs_recent ON runs (tenant_id, created_at);

CREATE INDEX ix_runs_waiting ON runs (queue, due_at) WHERE state = 'queued';

CREATE UNIQUE INDEX uq_runs_dedupe ON runs (tenant_id, dedupe) WHERE state in ('queued', 'running');

CREATE UNIQUE INDEX uq_runs_lane ON runs (tenant_id, lane) WHERE state = 'running' and lane <> '';

ALTER TABLE runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE runs FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON runs FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON runs FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON runs FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON runs FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY gate_all ON runs FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON runs TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON runs TO gate;

CREATE TABLE schedules (
	tenant_id UUID NOT NULL, 
	schedule_id UUID NOT NULL, 
	agency_id UUID NOT NULL, 
	job TEXT NOT NULL, 
	arguments JSONB DEFAULT '{}' NOT NULL, 
	cron TEXT NOT NULL, 
	zone TEXT DEFAULT 'UTC' NOT NULL, 
	enabled BOOLEAN DEFAULT 'true' NOT NULL, 
	next_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_schedules PRIMARY KEY (tenant_id, schedule_id), 
	CONSTRAINT fk_schedules_tenant_id_agency_id FOREIGN KEY(tenant_id, agency_id) REFERENCES tenants (tenant_id, agency_id) ON DELETE CASCADE
);

CREATE INDEX ix_schedules_due ON schedules (next_at) WHERE enabled;

ALTER TABLE schedules ENABLE ROW LEVEL SECURITY;

ALTER TABLE schedules FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON schedules FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON schedules FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON schedules FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON schedules FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY gate_all ON schedules FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO gate;

CREATE TABLE sku_daily (
	tenant_id UUID NOT NULL, 
	day DATE NOT NULL, 
	sku TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	connection_id UUID NOT NULL, 
	currency TEXT DEFAULT '' NOT NULL, 
	units BIGINT NOT NULL, 
	revenue NUMERIC(20, 6) NOT NULL, 
	orders BIGINT NOT NULL, 
	CONSTRAINT pk_sku_daily PRIMARY KEY (tenant_id, day, sku, platform, connection_id, currency), 
	CONSTRAINT fk_sku_daily_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

CREATE INDEX ix_sku_daily_sku ON sku_daily (tenant_id, sku, day);

ALTER TABLE sku_daily ENABLE ROW LEVEL SECURITY;

ALTER TABLE sku_daily FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON sku_daily FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON sku_daily FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON sku_daily FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON sku_daily FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON sku_daily TO app;

CREATE TABLE sku_stock (
	tenant_id UUID NOT NULL, 
	connection_id UUID NOT NULL, 
	stock_item_id TEXT NOT NULL, 
	location_id TEXT NOT NULL, 
	sku TEXT, 
	title TEXT, 
	location_name TEXT, 
	available BIGINT NOT NULL, 
	incoming BIGINT, 
	observed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_sku_stock PRIMARY KEY (tenant_id, connection_id, stock_item_id, location_id), 
	CONSTRAINT fk_sku_stock_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

CREATE INDEX ix_sku_stock_sku ON sku_stock (tenant_id, sku);

ALTER TABLE sku_stock ENABLE ROW LEVEL SECURITY;

ALTER TABLE sku_stock FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON sku_stock FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON sku_stock FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON sku_stock FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON sku_stock FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON sku_stock TO app;

CREATE TABLE tenant_keys (
	tenant_id UUID NOT NULL, 
	master_id TEXT NOT NULL, 
	wrapped BYTEA NOT NULL, 
	CONSTRAINT pk_tenant_keys PRIMARY KEY (tenant_id), 
	CONSTRAINT fk_tenant_keys_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);

ALTER TABLE tenant_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenant_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON tenant_keys FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON tenant_keys FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON tenant_keys FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON tenant_keys FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_keys TO app;

CREATE TABLE tenant_names (
	tenant_id UUID NOT NULL, 
	agency_id UUID NOT NULL, 
	slug TEXT NOT NULL, 
	CONSTRAINT pk_tenant_names PRIMARY KEY (tenant_id), 
	CONSTRAINT fk_tenant_names_tenant_id_agency_id FOREIGN KEY(tenant_id, agency_id) REFERENCES tenants (tenant_id, agency_id) ON DELETE CASCADE
);

CREATE INDEX ix_tenant_names_slug ON tenant_names (slug);

ALTER TABLE tenant_names ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenant_names FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON tenant_names FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON tenant_names FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON tenant_names FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON tenant_names FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY gate_all ON tenant_names FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_names TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_names TO gate;

CREATE TABLE credentials (
	tenant_id UUID NOT NULL, 
	connection_id UUID NOT NULL, 
	version INTEGER NOT NULL, 
	access_token BYTEA NOT NULL, 
	refresh_token BYTEA, 
	scopes JSONB DEFAULT '[]' NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	refresh_expires_at TIMESTAMP WITH TIME ZONE, 
	refresh_started_at TIMESTAMP WITH TIME ZONE, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_credentials PRIMARY KEY (tenant_id, connection_id), 
	CONSTRAINT fk_credentials_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES connections (tenant_id, connection_id) ON DELETE CASCADE
);

ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;

ALTER TABLE credentials FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON credentials FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON credentials FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON credentials FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON credentials FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON credentials TO app;

CREATE TABLE run_attempts (
	tenant_id UUID NOT NULL, 
	run_id UUID NOT NULL, 
	attempt INTEGER NOT NULL, 
	fence BIGINT NOT NULL, 
	worker TEXT NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	outcome TEXT, 
	error_code TEXT, 
	error_message TEXT, 
	CONSTRAINT pk_run_attempts PRIMARY KEY (tenant_id, run_id, attempt), 
	CONSTRAINT fk_run_attempts_tenant_id_run_id FOREIGN KEY(tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE
);

ALTER TABLE run_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE run_attempts FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON run_attempts FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON run_attempts FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON run_attempts FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON run_attempts FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY gate_all ON run_attempts FOR ALL TO gate USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON run_attempts TO app;

GRANT SELECT, INSERT, UPDATE, DELETE ON run_attempts TO gate;

CREATE TABLE stream_states (
	tenant_id UUID NOT NULL, 
	connection_id UUID NOT NULL, 
	stream TEXT NOT NULL, 
	cursor JSONB, 
	synced_at TIMESTAMP WITH TIME ZONE, 
	promise_seconds INTEGER DEFAULT '86400' NOT NULL, 
	rows_seen BIGINT DEFAULT '0' NOT NULL, 
	rows_written BIGINT DEFAULT '0' NOT NULL, 
	error_code TEXT, 
	error_message TEXT, 
	failed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_stream_states PRIMARY KEY (tenant_id, connection_id, stream), 
	CONSTRAINT fk_stream_states_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES connections (tenant_id, connection_id) ON DELETE CASCADE
);

ALTER TABLE stream_states ENABLE ROW LEVEL SECURITY;

ALTER TABLE stream_states FORCE ROW LEVEL SECURITY;

CREATE POLICY app_read ON stream_states FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));

CREATE POLICY app_insert ON stream_states FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_update ON stream_states FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

CREATE POLICY app_delete ON stream_states FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON stream_states TO app;
