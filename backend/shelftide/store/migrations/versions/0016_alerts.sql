CREATE TABLE alerts (
	tenant_id UUID NOT NULL, 
	alert_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	title TEXT NOT NULL, 
	text TEXT NOT NULL, 
	evidence JSONB NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	changed_by UUID, 
	opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	closed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_alerts PRIMARY KEY (tenant_id, alert_id), 
	CONSTRAINT fk_alerts_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE, 
	CONSTRAINT ck_alerts_state CHECK (state in ('open', 'investigating', 'explained', 'closed'))
);
CREATE UNIQUE INDEX uq_alerts_standing ON alerts (tenant_id, kind, subject) WHERE closed_at is null;
ALTER TABLE alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE alerts FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON alerts FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON alerts FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON alerts FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON alerts FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON alerts TO app;
