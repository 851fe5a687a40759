ALTER TABLE platform_apps ADD COLUMN review TEXT DEFAULT 'unknown' NOT NULL;
ALTER TABLE platform_apps ADD COLUMN scopes JSONB;
ALTER TABLE platform_apps ADD COLUMN account_limit INTEGER;
ALTER TABLE platform_apps ADD CONSTRAINT ck_platform_apps_review CHECK (review in ('unknown', 'in_review', 'approved', 'rejected'));
ALTER TABLE platform_apps ADD CONSTRAINT ck_platform_apps_account_limit CHECK (account_limit > 0);
CREATE TABLE connect_links (
	agency_id UUID NOT NULL, 
	link_id UUID NOT NULL, 
	token_hash TEXT NOT NULL, 
	tenant_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	created_by UUID NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	revoked_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_connect_links PRIMARY KEY (agency_id, link_id), 
	CONSTRAINT fk_connect_links_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE, 
	CONSTRAINT uq_connect_links_agency_id_token_hash UNIQUE (agency_id, token_hash)
);
ALTER TABLE connect_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE connect_links FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON connect_links FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON connect_links TO app;
