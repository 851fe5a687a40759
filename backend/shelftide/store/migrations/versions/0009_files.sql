CREATE TABLE import_mappings (
	agency_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	headings JSONB NOT NULL, 
	said JSONB NOT NULL, 
	saved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_import_mappings PRIMARY KEY (agency_id, kind, fingerprint), 
	CONSTRAINT fk_import_mappings_agency_id FOREIGN KEY(agency_id) REFERENCES agencies (agency_id) ON DELETE CASCADE
);
ALTER TABLE import_mappings ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_mappings FORCE ROW LEVEL SECURITY;
CREATE POLICY app_agency ON import_mappings FOR ALL TO app USING (agency_id = nullif(current_setting('app.agency', true), '')::uuid) WITH CHECK (agency_id = nullif(current_setting('app.agency', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON import_mappings TO app;
create table warehouse."supply_terms" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "supplier_id" TEXT not null,
    "sku" TEXT not null,
    "name" TEXT,
    "lead_days" NUMERIC(20, 6),
    "lead_days_spread" NUMERIC(20, 6),
    "minimum_units" BIGINT,
    "pack_units" BIGINT,
    "cost_amount" NUMERIC(20, 6),
    "cost_currency" TEXT
) partition by hash (tenant_id);
create table warehouse."supply_terms_0" partition of warehouse."supply_terms" for values with (modulus 8, remainder 0);
alter table warehouse."supply_terms_0" enable row level security;
alter table warehouse."supply_terms_0" force row level security;
create table warehouse."supply_terms_1" partition of warehouse."supply_terms" for values with (modulus 8, remainder 1);
alter table warehouse."supply_terms_1" enable row level security;
alter table warehouse."supply_terms_1" force row level security;
create table warehouse."supply_terms_2" partition of warehouse."supply_terms" for values with (modulus 8, remainder 2);
alter table warehouse."supply_terms_2" enable row level security;
alter table warehouse."supply_terms_2" force row level security;
create table warehouse."supply_terms_3" partition of warehouse."supply_terms" for values with (modulus 8, remainder 3);
alter table warehouse."supply_terms_3" enable row level security;
alter table warehouse."supply_terms_3" force row level security;
create table warehouse."supply_terms_4" partition of warehouse."supply_terms" for values with (modulus 8, remainder 4);
alter table warehouse."supply_terms_4" enable row level security;
alter table warehouse."supply_terms_4" force row level security;
create table warehouse."supply_terms_5" partition of warehouse."supply_terms" for values with (modulus 8, remainder 5);
alter table warehouse."supply_terms_5" enable row level security;
alter table warehouse."supply_terms_5" force row level security;
create table warehouse."supply_terms_6" partition of warehouse."supply_terms" for values with (modulus 8, remainder 6);
alter table warehouse."supply_terms_6" enable row level security;
alter table warehouse."supply_terms_6" force row level security;
create table warehouse."supply_terms_7" partition of warehouse."supply_terms" for values with (modulus 8, remainder 7);
alter table warehouse."supply_terms_7" enable row level security;
alter table warehouse."supply_terms_7" force row level security;
create unique index "supply_terms_current" on warehouse."supply_terms" (tenant_id, connection_id, "supplier_id", "sku") where superseded_at is null;
create index "supply_terms_closed" on warehouse."supply_terms" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."supply_terms" enable row level security;
alter table warehouse."supply_terms" force row level security;
create policy readable on warehouse."supply_terms" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."supply_terms" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."supply_terms" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."supply_terms" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."supply_terms" to app;
create table warehouse."product_costs" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "sku" TEXT not null,
    "valid_from" DATE not null,
    "zone" TEXT not null,
    "cost_amount" NUMERIC(20, 6) not null,
    "cost_currency" TEXT not null,
    "landed_cost_amount" NUMERIC(20, 6),
    "landed_cost_currency" TEXT
) partition by hash (tenant_id);
create table warehouse."product_costs_0" partition of warehouse."product_costs" for values with (modulus 8, remainder 0);
alter table warehouse."product_costs_0" enable row level security;
alter table warehouse."product_costs_0" force row level security;
create table warehouse."product_costs_1" partition of warehouse."product_costs" for values with (modulus 8, remainder 1);
alter table warehouse."product_costs_1" enable row level security;
alter table warehouse."product_costs_1" force row level security;
create table warehouse."product_costs_2" partition of warehouse."product_costs" for values with (modulus 8, remainder 2);
alter table warehouse."product_costs_2" enable row level security;
alter table warehouse."product_costs_2" force row level security;
create table warehouse."product_costs_3" partition of warehouse."product_costs" for values with (modulus 8, remainder 3);
alter table warehouse."product_costs_3" enable row level security;
alter table warehouse."product_costs_3" force row level security;
create table warehouse."product_costs_4" partition of warehouse."product_costs" for values with (modulus 8, remainder 4);
alter table warehouse."product_costs_4" enable row level security;
alter table warehouse."product_costs_4" force row level security;
create table warehouse."product_costs_5" partition of warehouse."product_costs" for values with (modulus 8, remainder 5);
alter table warehouse."product_costs_5" enable row level security;
alter table warehouse."product_costs_5" force row level security;
create table warehouse."product_costs_6" partition of warehouse."product_costs" for values with (modulus 8, remainder 6);
alter table warehouse."product_costs_6" enable row level security;
alter table warehouse."product_costs_6" force row level security;
create table warehouse."product_costs_7" partition of warehouse."product_costs" for values with (modulus 8, remainder 7);
alter table warehouse."product_costs_7" enable row level security;
alter table warehouse."product_costs_7" force row level security;
create unique index "product_costs_current" on warehouse."product_costs" (tenant_id, connection_id, "sku", "valid_from") where superseded_at is null;
create index "product_costs_closed" on warehouse."product_costs" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "product_costs_day" on warehouse."product_costs" (tenant_id, local_day);
alter table warehouse."product_costs" enable row level security;
alter table warehouse."product_costs" force row level security;
create policy readable on warehouse."product_costs" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."product_costs" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."product_costs" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."product_costs" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."product_costs" to app;
create table warehouse."purchase_order_lines" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "order_id" TEXT not null,
    "sku" TEXT not null,
    "ordered_on" DATE not null,
    "zone" TEXT not null,
    "quantity" BIGINT not null,
    "supplier_id" TEXT,
    "status" TEXT,
    "received" BIGINT,
    "unit_cost_amount" NUMERIC(20, 6),
    "unit_cost_currency" TEXT,
    "expected_on" DATE,
    "received_on" DATE
) partition by hash (tenant_id);
create table warehouse."purchase_order_lines_0" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 0);
alter table warehouse."purchase_order_lines_0" enable row level security;
alter table warehouse."purchase_order_lines_0" force row level security;
create table warehouse."purchase_order_lines_1" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 1);
alter table warehouse."purchase_order_lines_1" enable row level security;
alter table warehouse."purchase_order_lines_1" force row level security;
create table warehouse."purchase_order_lines_2" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 2);
alter table warehouse."purchase_order_lines_2" enable row level security;
alter table warehouse."purchase_order_lines_2" force row level security;
create table warehouse."purchase_order_lines_3" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 3);
alter table warehouse."purchase_order_lines_3" enable row level security;
alter table warehouse."purchase_order_lines_3" force row level security;
create table warehouse."purchase_order_lines_4" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 4);
alter table warehouse."purchase_order_lines_4" enable row level security;
alter table warehouse."purchase_order_lines_4" force row level security;
create table warehouse."purchase_order_lines_5" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 5);
alter table warehouse."purchase_order_lines_5" enable row level security;
alter table warehouse."purchase_order_lines_5" force row level security;
create table warehouse."purchase_order_lines_6" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 6);
alter table warehouse."purchase_order_lines_6" enable row level security;
alter table warehouse."purchase_order_lines_6" force row level security;
create table warehouse."purchase_order_lines_7" partition of warehouse."purchase_order_lines" for values with (modulus 8, remainder 7);
alter table warehouse."purchase_order_lines_7" enable row level security;
alter table warehouse."purchase_order_lines_7" force row level security;
create unique index "purchase_order_lines_current" on warehouse."purchase_order_lines" (tenant_id, connection_id, "order_id", "sku") where superseded_at is null;
create index "purchase_order_lines_closed" on warehouse."purchase_order_lines" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "purchase_order_lines_day" on warehouse."purchase_order_lines" (tenant_id, local_day);
alter table warehouse."purchase_order_lines" enable row level security;
alter table warehouse."purchase_order_lines" force row level security;
create policy readable on warehouse."purchase_order_lines" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."purchase_order_lines" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."purchase_order_lines" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."purchase_order_lines" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."purchase_order_lines" to app;
create table warehouse."samples" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "creator_id" TEXT not null,
    "sku" TEXT not null,
    "sent_on" DATE not null,
    "zone" TEXT not null,
    "quantity" BIGINT not null,
    "status" TEXT,
    "cost_amount" NUMERIC(20, 6),
    "cost_currency" TEXT,
    "content_id" TEXT
) partition by hash (tenant_id);
create table warehouse."samples_0" partition of warehouse."samples" for values with (modulus 8, remainder 0);
alter table warehouse."samples_0" enable row level security;
alter table warehouse."samples_0" force row level security;
create table warehouse."samples_1" partition of warehouse."samples" for values with (modulus 8, remainder 1);
alter table warehouse."samples_1" enable row level security;
alter table warehouse."samples_1" force row level security;
create table warehouse."samples_2" partition of warehouse."samples" for values with (modulus 8, remainder 2);
alter table warehouse."samples_2" enable row level security;
alter table warehouse."samples_2" force row level security;
create table warehouse."samples_3" partition of warehouse."samples" for values with (modulus 8, remainder 3);
alter table warehouse."samples_3" enable row level security;
alter table warehouse."samples_3" force row level security;
create table warehouse."samples_4" partition of warehouse."samples" for values with (modulus 8, remainder 4);
alter table warehouse."samples_4" enable row level security;
alter table warehouse."samples_4" force row level security;
create table warehouse."samples_5" partition of warehouse."samples" for values with (modulus 8, remainder 5);
alter table warehouse."samples_5" enable row level security;
alter table warehouse."samples_5" force row level security;
create table warehouse."samples_6" partition of warehouse."samples" for values with (modulus 8, remainder 6);
alter table warehouse."samples_6" enable row level security;
alter table warehouse."samples_6" force row level security;
create table warehouse."samples_7" partition of warehouse."samples" for values with (modulus 8, remainder 7);
alter table warehouse."samples_7" enable row level security;
alter table warehouse."samples_7" force row level security;
create unique index "samples_current" on warehouse."samples" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "samples_closed" on warehouse."samples" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "samples_day" on warehouse."samples" (tenant_id, local_day);
alter table warehouse."samples" enable row level security;
alter table warehouse."samples" force row level security;
create policy readable on warehouse."samples" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."samples" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."samples" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."samples" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."samples" to app;
create table warehouse."revenue_days" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "channel" TEXT not null,
    "day" DATE not null,
    "zone" TEXT not null,
    "revenue_amount" NUMERIC(20, 6) not null,
    "revenue_currency" TEXT not null,
    "orders" BIGINT,
    "visitors" BIGINT
) partition by hash (tenant_id);
create table warehouse."revenue_days_0" partition of warehouse."revenue_days" for values with (modulus 8, remainder 0);
alter table warehouse."revenue_days_0" enable row level security;
alter table warehouse."revenue_days_0" force row level security;
create table warehouse."revenue_days_1" partition of warehouse."revenue_days" for values with (modulus 8, remainder 1);
alter table warehouse."revenue_days_1" enable row level security;
alter table warehouse."revenue_days_1" force row level security;
create table warehouse."revenue_days_2" partition of warehouse."revenue_days" for values with (modulus 8, remainder 2);
alter table warehouse."revenue_days_2" enable row level security;
alter table warehouse."revenue_days_2" force row level security;
create table warehouse."revenue_days_3" partition of warehouse."revenue_days" for values with (modulus 8, remainder 3);
alter table warehouse."revenue_days_3" enable row level security;
alter table warehouse."revenue_days_3" force row level security;
create table warehouse."revenue_days_4" partition of warehouse."revenue_days" for values with (modulus 8, remainder 4);
alter table warehouse."revenue_days_4" enable row level security;
alter table warehouse."revenue_days_4" force row level security;
create table warehouse."revenue_days_5" partition of warehouse."revenue_days" for values with (modulus 8, remainder 5);
alter table warehouse."revenue_days_5" enable row level security;
alter table warehouse."revenue_days_5" force row level security;
create table warehouse."revenue_days_6" partition of warehouse."revenue_days" for values with (modulus 8, remainder 6);
alter table warehouse."revenue_days_6" enable row level security;
alter table warehouse."revenue_days_6" force row level security;
create table warehouse."revenue_days_7" partition of warehouse."revenue_days" for values with (modulus 8, remainder 7);
alter table warehouse."revenue_days_7" enable row level security;
alter table warehouse."revenue_days_7" force row level security;
create unique index "revenue_days_current" on warehouse."revenue_days" (tenant_id, connection_id, "channel", "day") where superseded_at is null;
create index "revenue_days_closed" on warehouse."revenue_days" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "revenue_days_day" on warehouse."revenue_days" (tenant_id, local_day);
alter table warehouse."revenue_days" enable row level security;
alter table warehouse."revenue_days" force row level security;
create policy readable on warehouse."revenue_days" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."revenue_days" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."revenue_days" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."revenue_days" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."revenue_days" to app;
