CREATE TABLE fx_rates (
	source TEXT NOT NULL, 
	base TEXT NOT NULL, 
	quote TEXT NOT NULL, 
	day DATE NOT NULL, 
	rate NUMERIC(20, 10) NOT NULL, 
	fetched_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_fx_rates PRIMARY KEY (source, base, quote, day), 
	CONSTRAINT ck_fx_rates_rate CHECK (rate > 0)
);
ALTER TABLE fx_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE fx_rates FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON fx_rates FOR SELECT TO app USING (true);
CREATE POLICY gate_all ON fx_rates FOR ALL TO gate USING (true) WITH CHECK (true);
GRANT SELECT ON fx_rates TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON fx_rates TO gate;
CREATE TABLE reconciliations (
	tenant_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	result JSONB NOT NULL, 
	computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_reconciliations PRIMARY KEY (tenant_id, kind, subject), 
	CONSTRAINT fk_reconciliations_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
ALTER TABLE reconciliations ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliations FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON reconciliations FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON reconciliations FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON reconciliations FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON reconciliations FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliations TO app;
CREATE TABLE findings (
	tenant_id UUID NOT NULL, 
	fingerprint TEXT NOT NULL, 
	connection_id UUID NOT NULL, 
	stream TEXT NOT NULL, 
	flaw TEXT NOT NULL, 
	detail JSONB NOT NULL, 
	rows BIGINT NOT NULL, 
	first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_findings PRIMARY KEY (tenant_id, fingerprint), 
	CONSTRAINT fk_findings_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES connections (tenant_id, connection_id) ON DELETE CASCADE
);
CREATE INDEX ix_findings_tenant_id_last_seen_at ON findings (tenant_id, last_seen_at);
ALTER TABLE findings ENABLE ROW LEVEL SECURITY;
ALTER TABLE findings FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON findings FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON findings FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON findings FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON findings FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON findings TO app;
