CREATE TABLE saved_views (
	tenant_id UUID NOT NULL, 
	view_id UUID NOT NULL, 
	owner_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	view JSONB NOT NULL, 
	shared BOOLEAN NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_saved_views PRIMARY KEY (tenant_id, view_id), 
	CONSTRAINT fk_saved_views_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE, 
	CONSTRAINT uq_saved_views_tenant_id_owner_id_name UNIQUE (tenant_id, owner_id, name)
);
ALTER TABLE saved_views ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_views FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON saved_views FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON saved_views FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON saved_views FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON saved_views FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_views TO app;
CREATE TABLE view_templates (
	agency_id UUID NOT NULL, 
	view_id UUID NOT NULL, 
	owner_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	view JSONB NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_view_templates PRIMARY KEY (agency_id, view_id), 
	CONSTRAINT fk_view_templates_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE, 
	CONSTRAINT uq_view_templates_agency_id_name UNIQUE (agency_id, name)
);
ALTER TABLE view_templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE view_templates FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON view_templates FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON view_templates TO app;
