CREATE TABLE product_items (
	tenant_id UUID NOT NULL, 
	item TEXT NOT NULL, 
	product TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	title TEXT NOT NULL, 
	sku TEXT, 
	state TEXT NOT NULL, 
	anchor TEXT, 
	quantity INTEGER DEFAULT '1' NOT NULL, 
	how TEXT, 
	confidence DOUBLE PRECISION, 
	CONSTRAINT pk_product_items PRIMARY KEY (tenant_id, item), 
	CONSTRAINT fk_product_items_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE, 
	CONSTRAINT ck_product_items_state CHECK (state in ('anchor', 'matched', 'suggested', 'alone'))
);
ALTER TABLE product_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_items FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON product_items FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON product_items FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON product_items FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON product_items FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON product_items TO app;
CREATE TABLE product_decisions (
	tenant_id UUID NOT NULL, 
	item TEXT NOT NULL, 
	anchor TEXT, 
	quantity INTEGER DEFAULT '1' NOT NULL, 
	decided_by UUID, 
	decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_product_decisions PRIMARY KEY (tenant_id, item), 
	CONSTRAINT fk_product_decisions_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE, 
	CONSTRAINT ck_product_decisions_quantity CHECK (quantity between 1 and 999)
);
ALTER TABLE product_decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON product_decisions FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON product_decisions FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON product_decisions FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON product_decisions FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON product_decisions TO app;
CREATE TABLE content_links (
	tenant_id UUID NOT NULL, 
	content_id TEXT NOT NULL, 
	product_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	confidence DOUBLE PRECISION NOT NULL, 
	applied BOOLEAN NOT NULL, 
	because TEXT DEFAULT '' NOT NULL, 
	caption TEXT DEFAULT '' NOT NULL, 
	views BIGINT, 
	CONSTRAINT pk_content_links PRIMARY KEY (tenant_id, content_id, product_id), 
	CONSTRAINT fk_content_links_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
ALTER TABLE content_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE content_links FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON content_links FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON content_links FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON content_links FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON content_links FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON content_links TO app;
CREATE TABLE unlinked_content (
	tenant_id UUID NOT NULL, 
	content_id TEXT NOT NULL, 
	caption TEXT DEFAULT '' NOT NULL, 
	views BIGINT NOT NULL, 
	CONSTRAINT pk_unlinked_content PRIMARY KEY (tenant_id, content_id), 
	CONSTRAINT fk_unlinked_content_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
ALTER TABLE unlinked_content ENABLE ROW LEVEL SECURITY;
ALTER TABLE unlinked_content FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON unlinked_content FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON unlinked_content FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON unlinked_content FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON unlinked_content FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON unlinked_content TO app;
CREATE TABLE link_decisions (
	tenant_id UUID NOT NULL, 
	content_id TEXT NOT NULL, 
	product_id TEXT NOT NULL, 
	yes BOOLEAN NOT NULL, 
	decided_by UUID, 
	decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_link_decisions PRIMARY KEY (tenant_id, content_id, product_id), 
	CONSTRAINT fk_link_decisions_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
ALTER TABLE link_decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE link_decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON link_decisions FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON link_decisions FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON link_decisions FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON link_decisions FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON link_decisions TO app;
CREATE TABLE aliases (
	tenant_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	name TEXT NOT NULL, 
	added_by UUID, 
	added_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (tenant_id, kind, entity, name), 
	CONSTRAINT fk_aliases_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (tenant_id) ON DELETE CASCADE, 
	CONSTRAINT ck_aliases_kind CHECK (kind in ('brand', 'product', 'profile'))
);
ALTER TABLE aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE aliases FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON aliases FOR SELECT TO app USING (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[]));
CREATE POLICY app_insert ON aliases FOR INSERT TO app WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_update ON aliases FOR UPDATE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY app_delete ON aliases FOR DELETE TO app USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON aliases TO app;
