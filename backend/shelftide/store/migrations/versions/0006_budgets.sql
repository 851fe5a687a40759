CREATE TABLE provider_budgets (
	agency_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	state JSONB DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_provider_budgets PRIMARY KEY (agency_id, name), 
	CONSTRAINT fk_provider_budgets_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);
ALTER TABLE provider_budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON provider_budgets FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_budgets TO app;
