ALTER TABLE connections ADD COLUMN grant_id UUID;
ALTER TABLE connections NO FORCE ROW LEVEL SECURITY;
UPDATE connections SET state = 'reconnect', reason = 'Grants were moved.', step = 'Reconnect the account.' WHERE connector <> 'file';
ALTER TABLE connections FORCE ROW LEVEL SECURITY;
DROP TABLE credentials;
CREATE INDEX ix_connections_tenant_id_grant_id ON connections (tenant_id, grant_id);
CREATE TABLE grants (
	agency_id UUID NOT NULL, 
	grant_id UUID NOT NULL, 
	client_id UUID NOT NULL, 
	connector TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	state TEXT DEFAULT 'ok' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	granted_by UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (agency_id, grant_id), 
	CONSTRAINT fk_grants_agency_id_client_id FOREIGN KEY(agency_id, client_id) REFERENCES clients (agency_id, client_id) ON DELETE CASCADE, 
	CONSTRAINT ck_grants_state CHECK (state in ('ok', 'reconnect'))
);
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON grants FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON grants TO app;
CREATE TABLE grant_accounts (
	agency_id UUID NOT NULL, 
	grant_id UUID NOT NULL, 
	account_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT DEFAULT 'account' NOT NULL, 
	zone TEXT, 
	currency TEXT, 
	country TEXT, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	tenant_id UUID, 
	seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_grant_accounts PRIMARY KEY (agency_id, grant_id, account_id), 
	CONSTRAINT fk_grant_accounts_agency_id_grant_id FOREIGN KEY(agency_id, grant_id) REFERENCES grants (agency_id, grant_id) ON DELETE CASCADE
);
ALTER TABLE grant_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE grant_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON grant_accounts FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON grant_accounts TO app;
CREATE TABLE credentials (
	agency_id UUID NOT NULL, 
	grant_id UUID NOT NULL, 
	version INTEGER NOT NULL, 
	access_token BYTEA NOT NULL, 
	refresh_token BYTEA, 
	scopes JSONB DEFAULT '[]' NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	refresh_expires_at TIMESTAMP WITH TIME ZONE, 
	refresh_started_at TIMESTAMP WITH TIME ZONE, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_credentials PRIMARY KEY (agency_id, grant_id), 
	CONSTRAINT fk_credentials_agency_id_grant_id FOREIGN KEY(agency_id, grant_id) REFERENCES grants (agency_id, grant_id) ON DELETE CASCADE
);
ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials FORCE ROW LEVEL SECURITY;
CREATE POLICY app_read ON credentials FOR SELECT TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid and exists (select 1 from connections c where c.grant_id = credentials.grant_id));
CREATE POLICY app_insert ON credentials FOR INSERT TO app WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
CREATE POLICY app_update ON credentials FOR UPDATE TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
CREATE POLICY app_delete ON credentials FOR DELETE TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials TO app;
