CREATE TABLE webhook_apps (
	agency_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	CONSTRAINT pk_webhook_apps PRIMARY KEY (agency_id, connector), 
	CONSTRAINT fk_webhook_apps_agency_id_connector FOREIGN KEY(agency_id, connector) REFERENCES platform_apps (agency_id, connector) ON DELETE CASCADE
);
CREATE INDEX ix_webhook_apps_connector ON webhook_apps (connector);
ALTER TABLE webhook_apps ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_apps FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON webhook_apps FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
CREATE POLICY gate_all ON webhook_apps FOR ALL TO gate USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_apps TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_apps TO gate;
CREATE TABLE webhook_routes (
	tenant_id UUID NOT NULL, 
	connection_id UUID NOT NULL, 
	agency_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	account TEXT NOT NULL, 
	CONSTRAINT pk_webhook_routes PRIMARY KEY (tenant_id, connection_id), 
	CONSTRAINT fk_webhook_routes_tenant_id_agency_id FOREIGN KEY(tenant_id, agency_id) REFERENCES tenants (tenant_id, agency_id) ON DELETE CASCADE, 
	CONSTRAINT fk_webhook_routes_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES connections (tenant_id, connection_id) ON DELETE CASCADE
);
CREATE INDEX ix_webhook_routes_connector_account ON webhook_routes (connector, account);
ALTER TABLE webhook_routes ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_routes FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON webhook_routes FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON webhook_routes FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON webhook_routes FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON webhook_routes FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY gate_all ON webhook_routes FOR ALL TO gate USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_routes TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_routes TO gate;
CREATE TABLE inbox (
	agency_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	delivery_id TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	tenant_id UUID, 
	connection_id UUID, 
	account TEXT NOT NULL, 
	topic TEXT NOT NULL, 
	matter TEXT NOT NULL, 
	effect TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	headers JSONB DEFAULT '{}' NOT NULL, 
	body BYTEA, 
	state TEXT NOT NULL, 
	outcome TEXT DEFAULT '' NOT NULL, 
	deleted JSONB, 
	triggered_at TIMESTAMP WITH TIME ZONE, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_inbox PRIMARY KEY (agency_id, connector, delivery_id, recipient), 
	CONSTRAINT fk_inbox_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE, 
	CONSTRAINT fk_inbox_tenant_id_agency_id FOREIGN KEY(tenant_id, agency_id) REFERENCES tenants (tenant_id, agency_id) ON DELETE CASCADE, 
	CONSTRAINT uq_inbox_agency_id_connector_digest_recipient UNIQUE (agency_id, connector, digest, recipient), 
	CONSTRAINT ck_inbox_state CHECK (state in ('waiting', 'done', 'rejected', 'unroutable')), 
	CONSTRAINT ck_inbox_recipient CHECK ((tenant_id is null) = (state = 'unroutable'))
);
CREATE INDEX ix_inbox_deleted ON inbox (tenant_id, connection_id, triggered_at) WHERE deleted is not null;
CREATE INDEX ix_inbox_received_at ON inbox (received_at);
CREATE INDEX ix_inbox_waiting ON inbox (tenant_id, connection_id, received_at) WHERE state = 'waiting';
ALTER TABLE inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON inbox FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON inbox FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON inbox FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON inbox FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY gate_all ON inbox FOR ALL TO gate USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO gate;
CREATE TABLE erased_customers (
	tenant_id UUID NOT NULL, 
	customer_key TEXT NOT NULL, 
	erased_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_erased_customers PRIMARY KEY (tenant_id, customer_key), 
	CONSTRAINT fk_erased_customers_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
ALTER TABLE erased_customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE erased_customers FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON erased_customers FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON erased_customers FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON erased_customers FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON erased_customers FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON erased_customers TO app;
ALTER TABLE platform_apps NO FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_apps NO FORCE ROW LEVEL SECURITY;
INSERT INTO webhook_apps (agency_id, connector) SELECT agency_id, connector FROM platform_apps;
ALTER TABLE webhook_apps FORCE ROW LEVEL SECURITY;
ALTER TABLE platform_apps FORCE ROW LEVEL SECURITY;
ALTER TABLE connections NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE schedules NO FORCE ROW LEVEL SECURITY;
INSERT INTO schedules (tenant_id, schedule_id, agency_id, job, arguments, cron, next_at) SELECT c.tenant_id, gen_random_uuid(), t.agency_id, 'webhooks.keep', jsonb_build_object('connection_id', c.connection_id::text), '17 4 * * *', now() FROM connections c JOIN tenants t ON t.tenant_id = c.tenant_id;
ALTER TABLE schedules FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE connections FORCE ROW LEVEL SECURITY;
