CREATE TABLE plugin_choices (
	agency_id UUID NOT NULL, 
	distribution TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	version TEXT DEFAULT '' NOT NULL, 
	decided_by UUID, 
	decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_plugin_choices PRIMARY KEY (agency_id, distribution), 
	CONSTRAINT fk_plugin_choices_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);
ALTER TABLE plugin_choices ENABLE ROW LEVEL SECURITY;
ALTER TABLE plugin_choices FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON plugin_choices FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON plugin_choices TO app;
CREATE TABLE notifier_settings (
	agency_id UUID NOT NULL, 
	notifier TEXT NOT NULL, 
	settings BYTEA NOT NULL, 
	saved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_notifier_settings PRIMARY KEY (agency_id, notifier), 
	CONSTRAINT fk_notifier_settings_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);
ALTER TABLE notifier_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifier_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON notifier_settings FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON notifier_settings TO app;
