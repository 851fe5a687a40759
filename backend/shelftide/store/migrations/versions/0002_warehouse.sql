create schema warehouse;
grant usage on schema warehouse to app;
create table warehouse."account_health" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "account_id" TEXT not null,
    "rule" TEXT not null,
    "raised_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "level" TEXT not null,
    "points" BIGINT,
    "expires_at" TIMESTAMP WITH TIME ZONE,
    "note" TEXT
) partition by hash (tenant_id);
create table warehouse."account_health_0" partition of warehouse."account_health" for values with (modulus 8, remainder 0);
alter table warehouse."account_health_0" enable row level security;
alter table warehouse."account_health_0" force row level security;
create table warehouse."account_health_1" partition of warehouse."account_health" for values with (modulus 8, remainder 1);
alter table warehouse."account_health_1" enable row level security;
alter table warehouse."account_health_1" force row level security;
create table warehouse."account_health_2" partition of warehouse."account_health" for values with (modulus 8, remainder 2);
alter table warehouse."account_health_2" enable row level security;
alter table warehouse."account_health_2" force row level security;
create table warehouse."account_health_3" partition of warehouse."account_health" for values with (modulus 8, remainder 3);
alter table warehouse."account_health_3" enable row level security;
alter table warehouse."account_health_3" force row level security;
create table warehouse."account_health_4" partition of warehouse."account_health" for values with (modulus 8, remainder 4);
alter table warehouse."account_health_4" enable row level security;
alter table warehouse."account_health_4" force row level security;
create table warehouse."account_health_5" partition of warehouse."account_health" for values with (modulus 8, remainder 5);
alter table warehouse."account_health_5" enable row level security;
alter table warehouse."account_health_5" force row level security;
create table warehouse."account_health_6" partition of warehouse."account_health" for values with (modulus 8, remainder 6);
alter table warehouse."account_health_6" enable row level security;
alter table warehouse."account_health_6" force row level security;
create table warehouse."account_health_7" partition of warehouse."account_health" for values with (modulus 8, remainder 7);
alter table warehouse."account_health_7" enable row level security;
alter table warehouse."account_health_7" force row level security;
create unique index "account_health_current" on warehouse."account_health" (tenant_id, connection_id, "account_id", "rule", "raised_at") where superseded_at is null;
create index "account_health_closed" on warehouse."account_health" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "account_health_day" on warehouse."account_health" (tenant_id, local_day);
alter table warehouse."account_health" enable row level security;
alter table warehouse."account_health" force row level security;
create policy readable on warehouse."account_health" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."account_health" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."account_health" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."account_health" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."account_health" to app;
create table warehouse."ad_breakdown_days" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "level" TEXT not null,
    "entity_id" TEXT not null,
    "day" DATE not null,
    "window" TEXT not null,
    "dimension" TEXT not null,
    "bucket" TEXT not null,
    "zone" TEXT not null,
    "account_id" TEXT not null,
    "spend_amount" NUMERIC(20, 6),
    "spend_currency" TEXT,
    "impressions" BIGINT,
    "clicks" BIGINT,
    "conversions" NUMERIC(20, 6)
) partition by hash (tenant_id);
create table warehouse."ad_breakdown_days_0" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 0);
alter table warehouse."ad_breakdown_days_0" enable row level security;
alter table warehouse."ad_breakdown_days_0" force row level security;
create table warehouse."ad_breakdown_days_1" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 1);
alter table warehouse."ad_breakdown_days_1" enable row level security;
alter table warehouse."ad_breakdown_days_1" force row level security;
create table warehouse."ad_breakdown_days_2" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 2);
alter table warehouse."ad_breakdown_days_2" enable row level security;
alter table warehouse."ad_breakdown_days_2" force row level security;
create table warehouse."ad_breakdown_days_3" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 3);
alter table warehouse."ad_breakdown_days_3" enable row level security;
alter table warehouse."ad_breakdown_days_3" force row level security;
create table warehouse."ad_breakdown_days_4" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 4);
alter table warehouse."ad_breakdown_days_4" enable row level security;
alter table warehouse."ad_breakdown_days_4" force row level security;
create table warehouse."ad_breakdown_days_5" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 5);
alter table warehouse."ad_breakdown_days_5" enable row level security;
alter table warehouse."ad_breakdown_days_5" force row level security;
create table warehouse."ad_breakdown_days_6" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 6);
alter table warehouse."ad_breakdown_days_6" enable row level security;
alter table warehouse."ad_breakdown_days_6" force row level security;
create table warehouse."ad_breakdown_days_7" partition of warehouse."ad_breakdown_days" for values with (modulus 8, remainder 7);
alter table warehouse."ad_breakdown_days_7" enable row level security;
alter table warehouse."ad_breakdown_days_7" force row level security;
create unique index "ad_breakdown_days_current" on warehouse."ad_breakdown_days" (tenant_id, connection_id, "level", "entity_id", "day", "window", "dimension", "bucket") where superseded_at is null;
create index "ad_breakdown_days_closed" on warehouse."ad_breakdown_days" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "ad_breakdown_days_day" on warehouse."ad_breakdown_days" (tenant_id, local_day);
alter table warehouse."ad_breakdown_days" enable row level security;
alter table warehouse."ad_breakdown_days" force row level security;
create policy readable on warehouse."ad_breakdown_days" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."ad_breakdown_days" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."ad_breakdown_days" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."ad_breakdown_days" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."ad_breakdown_days" to app;
create table warehouse."ad_days" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "level" TEXT not null,
    "entity_id" TEXT not null,
    "day" DATE not null,
    "window" TEXT not null,
    "zone" TEXT not null,
    "account_id" TEXT not null,
    "campaign_id" TEXT,
    "ad_group_id" TEXT,
    "spend_amount" NUMERIC(20, 6),
    "spend_currency" TEXT,
    "impressions" BIGINT,
    "clicks" BIGINT,
    "reach" BIGINT,
    "video_views" BIGINT,
    "likes" BIGINT,
    "comments" BIGINT,
    "shares" BIGINT,
    "follows" BIGINT,
    "conversions" NUMERIC(20, 6),
    "revenue_amount" NUMERIC(20, 6),
    "revenue_currency" TEXT
) partition by hash (tenant_id);
create table warehouse."ad_days_0" partition of warehouse."ad_days" for values with (modulus 8, remainder 0);
alter table warehouse."ad_days_0" enable row level security;
alter table warehouse."ad_days_0" force row level security;
create table warehouse."ad_days_1" partition of warehouse."ad_days" for values with (modulus 8, remainder 1);
alter table warehouse."ad_days_1" enable row level security;
alter table warehouse."ad_days_1" force row level security;
create table warehouse."ad_days_2" partition of warehouse."ad_days" for values with (modulus 8, remainder 2);
alter table warehouse."ad_days_2" enable row level security;
alter table warehouse."ad_days_2" force row level security;
create table warehouse."ad_days_3" partition of warehouse."ad_days" for values with (modulus 8, remainder 3);
alter table warehouse."ad_days_3" enable row level security;
alter table warehouse."ad_days_3" force row level security;
create table warehouse."ad_days_4" partition of warehouse."ad_days" for values with (modulus 8, remainder 4);
alter table warehouse."ad_days_4" enable row level security;
alter table warehouse."ad_days_4" force row level security;
create table warehouse."ad_days_5" partition of warehouse."ad_days" for values with (modulus 8, remainder 5);
alter table warehouse."ad_days_5" enable row level security;
alter table warehouse."ad_days_5" force row level security;
create table warehouse."ad_days_6" partition of warehouse."ad_days" for values with (modulus 8, remainder 6);
alter table warehouse."ad_days_6" enable row level security;
alter table warehouse."ad_days_6" force row level security;
create table warehouse."ad_days_7" partition of warehouse."ad_days" for values with (modulus 8, remainder 7);
alter table warehouse."ad_days_7" enable row level security;
alter table warehouse."ad_days_7" force row level security;
create unique index "ad_days_current" on warehouse."ad_days" (tenant_id, connection_id, "level", "entity_id", "day", "window") where superseded_at is null;
create index "ad_days_closed" on warehouse."ad_days" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "ad_days_day" on warehouse."ad_days" (tenant_id, local_day);
alter table warehouse."ad_days" enable row level security;
alter table warehouse."ad_days" force row level security;
create policy readable on warehouse."ad_days" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."ad_days" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."ad_days" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."ad_days" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."ad_days" to app;
create table warehouse."ad_groups" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "campaign_id" TEXT not null,
    "name" TEXT not null,
    "status" TEXT not null,
    "bid_amount" NUMERIC(20, 6),
    "bid_currency" TEXT,
    "budget_amount" NUMERIC(20, 6),
    "budget_currency" TEXT,
    "budget_mode" TEXT,
    "optimisation_goal" TEXT,
    "billing_event" TEXT,
    "placement" TEXT,
    "targeting" TEXT,
    "starts_at" TIMESTAMP WITH TIME ZONE,
    "ends_at" TIMESTAMP WITH TIME ZONE,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."ad_groups_0" partition of warehouse."ad_groups" for values with (modulus 8, remainder 0);
alter table warehouse."ad_groups_0" enable row level security;
alter table warehouse."ad_groups_0" force row level security;
create table warehouse."ad_groups_1" partition of warehouse."ad_groups" for values with (modulus 8, remainder 1);
alter table warehouse."ad_groups_1" enable row level security;
alter table warehouse."ad_groups_1" force row level security;
create table warehouse."ad_groups_2" partition of warehouse."ad_groups" for values with (modulus 8, remainder 2);
alter table warehouse."ad_groups_2" enable row level security;
alter table warehouse."ad_groups_2" force row level security;
create table warehouse."ad_groups_3" partition of warehouse."ad_groups" for values with (modulus 8, remainder 3);
alter table warehouse."ad_groups_3" enable row level security;
alter table warehouse."ad_groups_3" force row level security;
create table warehouse."ad_groups_4" partition of warehouse."ad_groups" for values with (modulus 8, remainder 4);
alter table warehouse."ad_groups_4" enable row level security;
alter table warehouse."ad_groups_4" force row level security;
create table warehouse."ad_groups_5" partition of warehouse."ad_groups" for values with (modulus 8, remainder 5);
alter table warehouse."ad_groups_5" enable row level security;
alter table warehouse."ad_groups_5" force row level security;
create table warehouse."ad_groups_6" partition of warehouse."ad_groups" for values with (modulus 8, remainder 6);
alter table warehouse."ad_groups_6" enable row level security;
alter table warehouse."ad_groups_6" force row level security;
create table warehouse."ad_groups_7" partition of warehouse."ad_groups" for values with (modulus 8, remainder 7);
alter table warehouse."ad_groups_7" enable row level security;
alter table warehouse."ad_groups_7" force row level security;
create unique index "ad_groups_current" on warehouse."ad_groups" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "ad_groups_closed" on warehouse."ad_groups" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."ad_groups" enable row level security;
alter table warehouse."ad_groups" force row level security;
create policy readable on warehouse."ad_groups" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."ad_groups" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."ad_groups" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."ad_groups" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."ad_groups" to app;
create table warehouse."ads" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "ad_group_id" TEXT not null,
    "campaign_id" TEXT not null,
    "name" TEXT not null,
    "status" TEXT not null,
    "text" TEXT,
    "call_to_action" TEXT,
    "content_id" TEXT,
    "landing_page" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."ads_0" partition of warehouse."ads" for values with (modulus 8, remainder 0);
alter table warehouse."ads_0" enable row level security;
alter table warehouse."ads_0" force row level security;
create table warehouse."ads_1" partition of warehouse."ads" for values with (modulus 8, remainder 1);
alter table warehouse."ads_1" enable row level security;
alter table warehouse."ads_1" force row level security;
create table warehouse."ads_2" partition of warehouse."ads" for values with (modulus 8, remainder 2);
alter table warehouse."ads_2" enable row level security;
alter table warehouse."ads_2" force row level security;
create table warehouse."ads_3" partition of warehouse."ads" for values with (modulus 8, remainder 3);
alter table warehouse."ads_3" enable row level security;
alter table warehouse."ads_3" force row level security;
create table warehouse."ads_4" partition of warehouse."ads" for values with (modulus 8, remainder 4);
alter table warehouse."ads_4" enable row level security;
alter table warehouse."ads_4" force row level security;
create table warehouse."ads_5" partition of warehouse."ads" for values with (modulus 8, remainder 5);
alter table warehouse."ads_5" enable row level security;
alter table warehouse."ads_5" force row level security;
create table warehouse."ads_6" partition of warehouse."ads" for values with (modulus 8, remainder 6);
alter table warehouse."ads_6" enable row level security;
alter table warehouse."ads_6" force row level security;
create table warehouse."ads_7" partition of warehouse."ads" for values with (modulus 8, remainder 7);
alter table warehouse."ads_7" enable row level security;
alter table warehouse."ads_7" force row level security;
create unique index "ads_current" on warehouse."ads" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "ads_closed" on warehouse."ads" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."ads" enable row level security;
alter table warehouse."ads" force row level security;
create policy readable on warehouse."ads" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."ads" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."ads" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."ads" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."ads" to app;
create table warehouse."audience_days" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "profile_id" TEXT not null,
    "day" DATE not null,
    "zone" TEXT not null,
    "dimension" TEXT not null,
    "bucket" TEXT not null,
    "share" DOUBLE PRECISION,
    "count" BIGINT
) partition by hash (tenant_id);
create table warehouse."audience_days_0" partition of warehouse."audience_days" for values with (modulus 8, remainder 0);
alter table warehouse."audience_days_0" enable row level security;
alter table warehouse."audience_days_0" force row level security;
create table warehouse."audience_days_1" partition of warehouse."audience_days" for values with (modulus 8, remainder 1);
alter table warehouse."audience_days_1" enable row level security;
alter table warehouse."audience_days_1" force row level security;
create table warehouse."audience_days_2" partition of warehouse."audience_days" for values with (modulus 8, remainder 2);
alter table warehouse."audience_days_2" enable row level security;
alter table warehouse."audience_days_2" force row level security;
create table warehouse."audience_days_3" partition of warehouse."audience_days" for values with (modulus 8, remainder 3);
alter table warehouse."audience_days_3" enable row level security;
alter table warehouse."audience_days_3" force row level security;
create table warehouse."audience_days_4" partition of warehouse."audience_days" for values with (modulus 8, remainder 4);
alter table warehouse."audience_days_4" enable row level security;
alter table warehouse."audience_days_4" force row level security;
create table warehouse."audience_days_5" partition of warehouse."audience_days" for values with (modulus 8, remainder 5);
alter table warehouse."audience_days_5" enable row level security;
alter table warehouse."audience_days_5" force row level security;
create table warehouse."audience_days_6" partition of warehouse."audience_days" for values with (modulus 8, remainder 6);
alter table warehouse."audience_days_6" enable row level security;
alter table warehouse."audience_days_6" force row level security;
create table warehouse."audience_days_7" partition of warehouse."audience_days" for values with (modulus 8, remainder 7);
alter table warehouse."audience_days_7" enable row level security;
alter table warehouse."audience_days_7" force row level security;
create unique index "audience_days_current" on warehouse."audience_days" (tenant_id, connection_id, "profile_id", "day", "dimension", "bucket") where superseded_at is null;
create index "audience_days_closed" on warehouse."audience_days" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "audience_days_day" on warehouse."audience_days" (tenant_id, local_day);
alter table warehouse."audience_days" enable row level security;
alter table warehouse."audience_days" force row level security;
create policy readable on warehouse."audience_days" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."audience_days" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."audience_days" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."audience_days" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."audience_days" to app;
create table warehouse."best_seller_ranks" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "product_code" TEXT not null,
    "marketplace" TEXT not null,
    "category" TEXT not null,
    "ranked_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "rank" BIGINT not null
) partition by hash (tenant_id);
create table warehouse."best_seller_ranks_0" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 0);
alter table warehouse."best_seller_ranks_0" enable row level security;
alter table warehouse."best_seller_ranks_0" force row level security;
create table warehouse."best_seller_ranks_1" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 1);
alter table warehouse."best_seller_ranks_1" enable row level security;
alter table warehouse."best_seller_ranks_1" force row level security;
create table warehouse."best_seller_ranks_2" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 2);
alter table warehouse."best_seller_ranks_2" enable row level security;
alter table warehouse."best_seller_ranks_2" force row level security;
create table warehouse."best_seller_ranks_3" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 3);
alter table warehouse."best_seller_ranks_3" enable row level security;
alter table warehouse."best_seller_ranks_3" force row level security;
create table warehouse."best_seller_ranks_4" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 4);
alter table warehouse."best_seller_ranks_4" enable row level security;
alter table warehouse."best_seller_ranks_4" force row level security;
create table warehouse."best_seller_ranks_5" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 5);
alter table warehouse."best_seller_ranks_5" enable row level security;
alter table warehouse."best_seller_ranks_5" force row level security;
create table warehouse."best_seller_ranks_6" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 6);
alter table warehouse."best_seller_ranks_6" enable row level security;
alter table warehouse."best_seller_ranks_6" force row level security;
create table warehouse."best_seller_ranks_7" partition of warehouse."best_seller_ranks" for values with (modulus 8, remainder 7);
alter table warehouse."best_seller_ranks_7" enable row level security;
alter table warehouse."best_seller_ranks_7" force row level security;
create unique index "best_seller_ranks_current" on warehouse."best_seller_ranks" (tenant_id, connection_id, "product_code", "marketplace", "category", "ranked_at") where superseded_at is null;
create index "best_seller_ranks_closed" on warehouse."best_seller_ranks" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "best_seller_ranks_day" on warehouse."best_seller_ranks" (tenant_id, local_day);
alter table warehouse."best_seller_ranks" enable row level security;
alter table warehouse."best_seller_ranks" force row level security;
create policy readable on warehouse."best_seller_ranks" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."best_seller_ranks" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."best_seller_ranks" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."best_seller_ranks" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."best_seller_ranks" to app;
create table warehouse."campaigns" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "account_id" TEXT not null,
    "name" TEXT not null,
    "status" TEXT not null,
    "objective" TEXT,
    "budget_amount" NUMERIC(20, 6),
    "budget_currency" TEXT,
    "budget_mode" TEXT,
    "starts_at" TIMESTAMP WITH TIME ZONE,
    "ends_at" TIMESTAMP WITH TIME ZONE,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."campaigns_0" partition of warehouse."campaigns" for values with (modulus 8, remainder 0);
alter table warehouse."campaigns_0" enable row level security;
alter table warehouse."campaigns_0" force row level security;
create table warehouse."campaigns_1" partition of warehouse."campaigns" for values with (modulus 8, remainder 1);
alter table warehouse."campaigns_1" enable row level security;
alter table warehouse."campaigns_1" force row level security;
create table warehouse."campaigns_2" partition of warehouse."campaigns" for values with (modulus 8, remainder 2);
alter table warehouse."campaigns_2" enable row level security;
alter table warehouse."campaigns_2" force row level security;
create table warehouse."campaigns_3" partition of warehouse."campaigns" for values with (modulus 8, remainder 3);
alter table warehouse."campaigns_3" enable row level security;
alter table warehouse."campaigns_3" force row level security;
create table warehouse."campaigns_4" partition of warehouse."campaigns" for values with (modulus 8, remainder 4);
alter table warehouse."campaigns_4" enable row level security;
alter table warehouse."campaigns_4" force row level security;
create table warehouse."campaigns_5" partition of warehouse."campaigns" for values with (modulus 8, remainder 5);
alter table warehouse."campaigns_5" enable row level security;
alter table warehouse."campaigns_5" force row level security;
create table warehouse."campaigns_6" partition of warehouse."campaigns" for values with (modulus 8, remainder 6);
alter table warehouse."campaigns_6" enable row level security;
alter table warehouse."campaigns_6" force row level security;
create table warehouse."campaigns_7" partition of warehouse."campaigns" for values with (modulus 8, remainder 7);
alter table warehouse."campaigns_7" enable row level security;
alter table warehouse."campaigns_7" force row level security;
create unique index "campaigns_current" on warehouse."campaigns" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "campaigns_closed" on warehouse."campaigns" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."campaigns" enable row level security;
alter table warehouse."campaigns" force row level security;
create policy readable on warehouse."campaigns" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."campaigns" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."campaigns" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."campaigns" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."campaigns" to app;
create table warehouse."comments" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "content_id" TEXT not null,
    "written_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "text" TEXT not null,
    "parent_id" TEXT,
    "author_id" TEXT,
    "author_kind" TEXT,
    "likes" BIGINT,
    "replies" BIGINT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."comments_0" partition of warehouse."comments" for values with (modulus 8, remainder 0);
alter table warehouse."comments_0" enable row level security;
alter table warehouse."comments_0" force row level security;
create table warehouse."comments_1" partition of warehouse."comments" for values with (modulus 8, remainder 1);
alter table warehouse."comments_1" enable row level security;
alter table warehouse."comments_1" force row level security;
create table warehouse."comments_2" partition of warehouse."comments" for values with (modulus 8, remainder 2);
alter table warehouse."comments_2" enable row level security;
alter table warehouse."comments_2" force row level security;
create table warehouse."comments_3" partition of warehouse."comments" for values with (modulus 8, remainder 3);
alter table warehouse."comments_3" enable row level security;
alter table warehouse."comments_3" force row level security;
create table warehouse."comments_4" partition of warehouse."comments" for values with (modulus 8, remainder 4);
alter table warehouse."comments_4" enable row level security;
alter table warehouse."comments_4" force row level security;
create table warehouse."comments_5" partition of warehouse."comments" for values with (modulus 8, remainder 5);
alter table warehouse."comments_5" enable row level security;
alter table warehouse."comments_5" force row level security;
create table warehouse."comments_6" partition of warehouse."comments" for values with (modulus 8, remainder 6);
alter table warehouse."comments_6" enable row level security;
alter table warehouse."comments_6" force row level security;
create table warehouse."comments_7" partition of warehouse."comments" for values with (modulus 8, remainder 7);
alter table warehouse."comments_7" enable row level security;
alter table warehouse."comments_7" force row level security;
create unique index "comments_current" on warehouse."comments" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "comments_closed" on warehouse."comments" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "comments_day" on warehouse."comments" (tenant_id, local_day);
alter table warehouse."comments" enable row level security;
alter table warehouse."comments" force row level security;
create policy readable on warehouse."comments" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."comments" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."comments" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."comments" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."comments" to app;
create table warehouse."content_snapshots" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "content_id" TEXT not null,
    "captured_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "views" BIGINT,
    "reach" BIGINT,
    "likes" BIGINT,
    "comments" BIGINT,
    "shares" BIGINT,
    "saves" BIGINT,
    "watch_seconds" DOUBLE PRECISION,
    "average_watch_seconds" DOUBLE PRECISION,
    "full_watch_rate" DOUBLE PRECISION,
    "new_followers" BIGINT,
    "profile_views" BIGINT,
    "link_clicks" BIGINT,
    "source_kind" TEXT not null
) partition by hash (tenant_id);
create table warehouse."content_snapshots_0" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 0);
alter table warehouse."content_snapshots_0" enable row level security;
alter table warehouse."content_snapshots_0" force row level security;
create table warehouse."content_snapshots_1" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 1);
alter table warehouse."content_snapshots_1" enable row level security;
alter table warehouse."content_snapshots_1" force row level security;
create table warehouse."content_snapshots_2" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 2);
alter table warehouse."content_snapshots_2" enable row level security;
alter table warehouse."content_snapshots_2" force row level security;
create table warehouse."content_snapshots_3" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 3);
alter table warehouse."content_snapshots_3" enable row level security;
alter table warehouse."content_snapshots_3" force row level security;
create table warehouse."content_snapshots_4" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 4);
alter table warehouse."content_snapshots_4" enable row level security;
alter table warehouse."content_snapshots_4" force row level security;
create table warehouse."content_snapshots_5" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 5);
alter table warehouse."content_snapshots_5" enable row level security;
alter table warehouse."content_snapshots_5" force row level security;
create table warehouse."content_snapshots_6" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 6);
alter table warehouse."content_snapshots_6" enable row level security;
alter table warehouse."content_snapshots_6" force row level security;
create table warehouse."content_snapshots_7" partition of warehouse."content_snapshots" for values with (modulus 8, remainder 7);
alter table warehouse."content_snapshots_7" enable row level security;
alter table warehouse."content_snapshots_7" force row level security;
create unique index "content_snapshots_current" on warehouse."content_snapshots" (tenant_id, connection_id, "content_id", "captured_at") where superseded_at is null;
create index "content_snapshots_closed" on warehouse."content_snapshots" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "content_snapshots_day" on warehouse."content_snapshots" (tenant_id, local_day);
alter table warehouse."content_snapshots" enable row level security;
alter table warehouse."content_snapshots" force row level security;
create policy readable on warehouse."content_snapshots" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."content_snapshots" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."content_snapshots" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."content_snapshots" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."content_snapshots" to app;
create table warehouse."contents" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "profile_id" TEXT not null,
    "kind" TEXT not null,
    "published_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "caption" TEXT,
    "url" TEXT,
    "thumbnail_url" TEXT,
    "duration_seconds" DOUBLE PRECISION,
    "hashtags" TEXT not null,
    "audio_id" TEXT,
    "is_ad" BOOLEAN,
    "pending_id" TEXT,
    "creator_id" TEXT,
    "source_kind" TEXT not null,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."contents_0" partition of warehouse."contents" for values with (modulus 8, remainder 0);
alter table warehouse."contents_0" enable row level security;
alter table warehouse."contents_0" force row level security;
create table warehouse."contents_1" partition of warehouse."contents" for values with (modulus 8, remainder 1);
alter table warehouse."contents_1" enable row level security;
alter table warehouse."contents_1" force row level security;
create table warehouse."contents_2" partition of warehouse."contents" for values with (modulus 8, remainder 2);
alter table warehouse."contents_2" enable row level security;
alter table warehouse."contents_2" force row level security;
create table warehouse."contents_3" partition of warehouse."contents" for values with (modulus 8, remainder 3);
alter table warehouse."contents_3" enable row level security;
alter table warehouse."contents_3" force row level security;
create table warehouse."contents_4" partition of warehouse."contents" for values with (modulus 8, remainder 4);
alter table warehouse."contents_4" enable row level security;
alter table warehouse."contents_4" force row level security;
create table warehouse."contents_5" partition of warehouse."contents" for values with (modulus 8, remainder 5);
alter table warehouse."contents_5" enable row level security;
alter table warehouse."contents_5" force row level security;
create table warehouse."contents_6" partition of warehouse."contents" for values with (modulus 8, remainder 6);
alter table warehouse."contents_6" enable row level security;
alter table warehouse."contents_6" force row level security;
create table warehouse."contents_7" partition of warehouse."contents" for values with (modulus 8, remainder 7);
alter table warehouse."contents_7" enable row level security;
alter table warehouse."contents_7" force row level security;
create unique index "contents_current" on warehouse."contents" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "contents_closed" on warehouse."contents" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "contents_day" on warehouse."contents" (tenant_id, local_day);
alter table warehouse."contents" enable row level security;
alter table warehouse."contents" force row level security;
create policy readable on warehouse."contents" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."contents" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."contents" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."contents" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."contents" to app;
create table warehouse."creators" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "handle" TEXT not null,
    "name" TEXT,
    "followers" BIGINT,
    "country" TEXT,
    "categories" TEXT not null,
    "price_amount" NUMERIC(20, 6),
    "price_currency" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."creators_0" partition of warehouse."creators" for values with (modulus 8, remainder 0);
alter table warehouse."creators_0" enable row level security;
alter table warehouse."creators_0" force row level security;
create table warehouse."creators_1" partition of warehouse."creators" for values with (modulus 8, remainder 1);
alter table warehouse."creators_1" enable row level security;
alter table warehouse."creators_1" force row level security;
create table warehouse."creators_2" partition of warehouse."creators" for values with (modulus 8, remainder 2);
alter table warehouse."creators_2" enable row level security;
alter table warehouse."creators_2" force row level security;
create table warehouse."creators_3" partition of warehouse."creators" for values with (modulus 8, remainder 3);
alter table warehouse."creators_3" enable row level security;
alter table warehouse."creators_3" force row level security;
create table warehouse."creators_4" partition of warehouse."creators" for values with (modulus 8, remainder 4);
alter table warehouse."creators_4" enable row level security;
alter table warehouse."creators_4" force row level security;
create table warehouse."creators_5" partition of warehouse."creators" for values with (modulus 8, remainder 5);
alter table warehouse."creators_5" enable row level security;
alter table warehouse."creators_5" force row level security;
create table warehouse."creators_6" partition of warehouse."creators" for values with (modulus 8, remainder 6);
alter table warehouse."creators_6" enable row level security;
alter table warehouse."creators_6" force row level security;
create table warehouse."creators_7" partition of warehouse."creators" for values with (modulus 8, remainder 7);
alter table warehouse."creators_7" enable row level security;
alter table warehouse."creators_7" force row level security;
create unique index "creators_current" on warehouse."creators" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "creators_closed" on warehouse."creators" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."creators" enable row level security;
alter table warehouse."creators" force row level security;
create policy readable on warehouse."creators" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."creators" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."creators" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."creators" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."creators" to app;
create table warehouse."deals" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "creator_id" TEXT not null,
    "kind" TEXT not null,
    "status" TEXT not null,
    "agreed_at" TIMESTAMP WITH TIME ZONE,
    "content_id" TEXT,
    "promo_code" TEXT,
    "fee_amount" NUMERIC(20, 6),
    "fee_currency" TEXT,
    "commission_rate" NUMERIC(20, 12),
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."deals_0" partition of warehouse."deals" for values with (modulus 8, remainder 0);
alter table warehouse."deals_0" enable row level security;
alter table warehouse."deals_0" force row level security;
create table warehouse."deals_1" partition of warehouse."deals" for values with (modulus 8, remainder 1);
alter table warehouse."deals_1" enable row level security;
alter table warehouse."deals_1" force row level security;
create table warehouse."deals_2" partition of warehouse."deals" for values with (modulus 8, remainder 2);
alter table warehouse."deals_2" enable row level security;
alter table warehouse."deals_2" force row level security;
create table warehouse."deals_3" partition of warehouse."deals" for values with (modulus 8, remainder 3);
alter table warehouse."deals_3" enable row level security;
alter table warehouse."deals_3" force row level security;
create table warehouse."deals_4" partition of warehouse."deals" for values with (modulus 8, remainder 4);
alter table warehouse."deals_4" enable row level security;
alter table warehouse."deals_4" force row level security;
create table warehouse."deals_5" partition of warehouse."deals" for values with (modulus 8, remainder 5);
alter table warehouse."deals_5" enable row level security;
alter table warehouse."deals_5" force row level security;
create table warehouse."deals_6" partition of warehouse."deals" for values with (modulus 8, remainder 6);
alter table warehouse."deals_6" enable row level security;
alter table warehouse."deals_6" force row level security;
create table warehouse."deals_7" partition of warehouse."deals" for values with (modulus 8, remainder 7);
alter table warehouse."deals_7" enable row level security;
alter table warehouse."deals_7" force row level security;
create unique index "deals_current" on warehouse."deals" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "deals_closed" on warehouse."deals" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."deals" enable row level security;
alter table warehouse."deals" force row level security;
create policy readable on warehouse."deals" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."deals" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."deals" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."deals" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."deals" to app;
create table warehouse."fees" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "kind" TEXT not null,
    "charged_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "amount_amount" NUMERIC(20, 6) not null,
    "amount_currency" TEXT not null,
    "order_id" TEXT,
    "payout_id" TEXT
) partition by hash (tenant_id);
create table warehouse."fees_0" partition of warehouse."fees" for values with (modulus 8, remainder 0);
alter table warehouse."fees_0" enable row level security;
alter table warehouse."fees_0" force row level security;
create table warehouse."fees_1" partition of warehouse."fees" for values with (modulus 8, remainder 1);
alter table warehouse."fees_1" enable row level security;
alter table warehouse."fees_1" force row level security;
create table warehouse."fees_2" partition of warehouse."fees" for values with (modulus 8, remainder 2);
alter table warehouse."fees_2" enable row level security;
alter table warehouse."fees_2" force row level security;
create table warehouse."fees_3" partition of warehouse."fees" for values with (modulus 8, remainder 3);
alter table warehouse."fees_3" enable row level security;
alter table warehouse."fees_3" force row level security;
create table warehouse."fees_4" partition of warehouse."fees" for values with (modulus 8, remainder 4);
alter table warehouse."fees_4" enable row level security;
alter table warehouse."fees_4" force row level security;
create table warehouse."fees_5" partition of warehouse."fees" for values with (modulus 8, remainder 5);
alter table warehouse."fees_5" enable row level security;
alter table warehouse."fees_5" force row level security;
create table warehouse."fees_6" partition of warehouse."fees" for values with (modulus 8, remainder 6);
alter table warehouse."fees_6" enable row level security;
alter table warehouse."fees_6" force row level security;
create table warehouse."fees_7" partition of warehouse."fees" for values with (modulus 8, remainder 7);
alter table warehouse."fees_7" enable row level security;
alter table warehouse."fees_7" force row level security;
create unique index "fees_current" on warehouse."fees" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "fees_closed" on warehouse."fees" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "fees_day" on warehouse."fees" (tenant_id, local_day);
alter table warehouse."fees" enable row level security;
alter table warehouse."fees" force row level security;
create policy readable on warehouse."fees" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."fees" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."fees" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."fees" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."fees" to app;
create table warehouse."footfall" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "place" TEXT not null,
    "day" DATE not null,
    "zone" TEXT not null,
    "visitors" BIGINT not null
) partition by hash (tenant_id);
create table warehouse."footfall_0" partition of warehouse."footfall" for values with (modulus 8, remainder 0);
alter table warehouse."footfall_0" enable row level security;
alter table warehouse."footfall_0" force row level security;
create table warehouse."footfall_1" partition of warehouse."footfall" for values with (modulus 8, remainder 1);
alter table warehouse."footfall_1" enable row level security;
alter table warehouse."footfall_1" force row level security;
create table warehouse."footfall_2" partition of warehouse."footfall" for values with (modulus 8, remainder 2);
alter table warehouse."footfall_2" enable row level security;
alter table warehouse."footfall_2" force row level security;
create table warehouse."footfall_3" partition of warehouse."footfall" for values with (modulus 8, remainder 3);
alter table warehouse."footfall_3" enable row level security;
alter table warehouse."footfall_3" force row level security;
create table warehouse."footfall_4" partition of warehouse."footfall" for values with (modulus 8, remainder 4);
alter table warehouse."footfall_4" enable row level security;
alter table warehouse."footfall_4" force row level security;
create table warehouse."footfall_5" partition of warehouse."footfall" for values with (modulus 8, remainder 5);
alter table warehouse."footfall_5" enable row level security;
alter table warehouse."footfall_5" force row level security;
create table warehouse."footfall_6" partition of warehouse."footfall" for values with (modulus 8, remainder 6);
alter table warehouse."footfall_6" enable row level security;
alter table warehouse."footfall_6" force row level security;
create table warehouse."footfall_7" partition of warehouse."footfall" for values with (modulus 8, remainder 7);
alter table warehouse."footfall_7" enable row level security;
alter table warehouse."footfall_7" force row level security;
create unique index "footfall_current" on warehouse."footfall" (tenant_id, connection_id, "place", "day") where superseded_at is null;
create index "footfall_closed" on warehouse."footfall" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "footfall_day" on warehouse."footfall" (tenant_id, local_day);
alter table warehouse."footfall" enable row level security;
alter table warehouse."footfall" force row level security;
create policy readable on warehouse."footfall" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."footfall" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."footfall" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."footfall" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."footfall" to app;
create table warehouse."fx_rates" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source" TEXT not null,
    "base" TEXT not null,
    "quote" TEXT not null,
    "day" DATE not null,
    "rate" NUMERIC(20, 12) not null
) partition by hash (tenant_id);
create table warehouse."fx_rates_0" partition of warehouse."fx_rates" for values with (modulus 8, remainder 0);
alter table warehouse."fx_rates_0" enable row level security;
alter table warehouse."fx_rates_0" force row level security;
create table warehouse."fx_rates_1" partition of warehouse."fx_rates" for values with (modulus 8, remainder 1);
alter table warehouse."fx_rates_1" enable row level security;
alter table warehouse."fx_rates_1" force row level security;
create table warehouse."fx_rates_2" partition of warehouse."fx_rates" for values with (modulus 8, remainder 2);
alter table warehouse."fx_rates_2" enable row level security;
alter table warehouse."fx_rates_2" force row level security;
create table warehouse."fx_rates_3" partition of warehouse."fx_rates" for values with (modulus 8, remainder 3);
alter table warehouse."fx_rates_3" enable row level security;
alter table warehouse."fx_rates_3" force row level security;
create table warehouse."fx_rates_4" partition of warehouse."fx_rates" for values with (modulus 8, remainder 4);
alter table warehouse."fx_rates_4" enable row level security;
alter table warehouse."fx_rates_4" force row level security;
create table warehouse."fx_rates_5" partition of warehouse."fx_rates" for values with (modulus 8, remainder 5);
alter table warehouse."fx_rates_5" enable row level security;
alter table warehouse."fx_rates_5" force row level security;
create table warehouse."fx_rates_6" partition of warehouse."fx_rates" for values with (modulus 8, remainder 6);
alter table warehouse."fx_rates_6" enable row level security;
alter table warehouse."fx_rates_6" force row level security;
create table warehouse."fx_rates_7" partition of warehouse."fx_rates" for values with (modulus 8, remainder 7);
alter table warehouse."fx_rates_7" enable row level security;
alter table warehouse."fx_rates_7" force row level security;
create unique index "fx_rates_current" on warehouse."fx_rates" (tenant_id, connection_id, "source", "base", "quote", "day") where superseded_at is null;
create index "fx_rates_closed" on warehouse."fx_rates" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "fx_rates_day" on warehouse."fx_rates" (tenant_id, local_day);
alter table warehouse."fx_rates" enable row level security;
alter table warehouse."fx_rates" force row level security;
create policy readable on warehouse."fx_rates" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."fx_rates" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."fx_rates" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."fx_rates" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."fx_rates" to app;
create table warehouse."inbound_shipments" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "sku" TEXT not null,
    "quantity" BIGINT not null,
    "status" TEXT not null,
    "location_id" TEXT,
    "received" BIGINT,
    "ordered_at" TIMESTAMP WITH TIME ZONE,
    "expected_at" TIMESTAMP WITH TIME ZONE,
    "received_at" TIMESTAMP WITH TIME ZONE,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."inbound_shipments_0" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 0);
alter table warehouse."inbound_shipments_0" enable row level security;
alter table warehouse."inbound_shipments_0" force row level security;
create table warehouse."inbound_shipments_1" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 1);
alter table warehouse."inbound_shipments_1" enable row level security;
alter table warehouse."inbound_shipments_1" force row level security;
create table warehouse."inbound_shipments_2" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 2);
alter table warehouse."inbound_shipments_2" enable row level security;
alter table warehouse."inbound_shipments_2" force row level security;
create table warehouse."inbound_shipments_3" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 3);
alter table warehouse."inbound_shipments_3" enable row level security;
alter table warehouse."inbound_shipments_3" force row level security;
create table warehouse."inbound_shipments_4" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 4);
alter table warehouse."inbound_shipments_4" enable row level security;
alter table warehouse."inbound_shipments_4" force row level security;
create table warehouse."inbound_shipments_5" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 5);
alter table warehouse."inbound_shipments_5" enable row level security;
alter table warehouse."inbound_shipments_5" force row level security;
create table warehouse."inbound_shipments_6" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 6);
alter table warehouse."inbound_shipments_6" enable row level security;
alter table warehouse."inbound_shipments_6" force row level security;
create table warehouse."inbound_shipments_7" partition of warehouse."inbound_shipments" for values with (modulus 8, remainder 7);
alter table warehouse."inbound_shipments_7" enable row level security;
alter table warehouse."inbound_shipments_7" force row level security;
create unique index "inbound_shipments_current" on warehouse."inbound_shipments" (tenant_id, connection_id, "source_id", "sku") where superseded_at is null;
create index "inbound_shipments_closed" on warehouse."inbound_shipments" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."inbound_shipments" enable row level security;
alter table warehouse."inbound_shipments" force row level security;
create policy readable on warehouse."inbound_shipments" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."inbound_shipments" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."inbound_shipments" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."inbound_shipments" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."inbound_shipments" to app;
create table warehouse."listings" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "marketplace" TEXT not null,
    "title" TEXT not null,
    "status" TEXT not null,
    "sku" TEXT,
    "product_code" TEXT,
    "price_amount" NUMERIC(20, 6),
    "price_currency" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."listings_0" partition of warehouse."listings" for values with (modulus 8, remainder 0);
alter table warehouse."listings_0" enable row level security;
alter table warehouse."listings_0" force row level security;
create table warehouse."listings_1" partition of warehouse."listings" for values with (modulus 8, remainder 1);
alter table warehouse."listings_1" enable row level security;
alter table warehouse."listings_1" force row level security;
create table warehouse."listings_2" partition of warehouse."listings" for values with (modulus 8, remainder 2);
alter table warehouse."listings_2" enable row level security;
alter table warehouse."listings_2" force row level security;
create table warehouse."listings_3" partition of warehouse."listings" for values with (modulus 8, remainder 3);
alter table warehouse."listings_3" enable row level security;
alter table warehouse."listings_3" force row level security;
create table warehouse."listings_4" partition of warehouse."listings" for values with (modulus 8, remainder 4);
alter table warehouse."listings_4" enable row level security;
alter table warehouse."listings_4" force row level security;
create table warehouse."listings_5" partition of warehouse."listings" for values with (modulus 8, remainder 5);
alter table warehouse."listings_5" enable row level security;
alter table warehouse."listings_5" force row level security;
create table warehouse."listings_6" partition of warehouse."listings" for values with (modulus 8, remainder 6);
alter table warehouse."listings_6" enable row level security;
alter table warehouse."listings_6" force row level security;
create table warehouse."listings_7" partition of warehouse."listings" for values with (modulus 8, remainder 7);
alter table warehouse."listings_7" enable row level security;
alter table warehouse."listings_7" force row level security;
create unique index "listings_current" on warehouse."listings" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "listings_closed" on warehouse."listings" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."listings" enable row level security;
alter table warehouse."listings" force row level security;
create policy readable on warehouse."listings" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."listings" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."listings" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."listings" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."listings" to app;
create table warehouse."lives" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "profile_id" TEXT not null,
    "started_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "ended_at" TIMESTAMP WITH TIME ZONE,
    "title" TEXT,
    "viewers" BIGINT,
    "peak_viewers" BIGINT,
    "orders" BIGINT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."lives_0" partition of warehouse."lives" for values with (modulus 8, remainder 0);
alter table warehouse."lives_0" enable row level security;
alter table warehouse."lives_0" force row level security;
create table warehouse."lives_1" partition of warehouse."lives" for values with (modulus 8, remainder 1);
alter table warehouse."lives_1" enable row level security;
alter table warehouse."lives_1" force row level security;
create table warehouse."lives_2" partition of warehouse."lives" for values with (modulus 8, remainder 2);
alter table warehouse."lives_2" enable row level security;
alter table warehouse."lives_2" force row level security;
create table warehouse."lives_3" partition of warehouse."lives" for values with (modulus 8, remainder 3);
alter table warehouse."lives_3" enable row level security;
alter table warehouse."lives_3" force row level security;
create table warehouse."lives_4" partition of warehouse."lives" for values with (modulus 8, remainder 4);
alter table warehouse."lives_4" enable row level security;
alter table warehouse."lives_4" force row level security;
create table warehouse."lives_5" partition of warehouse."lives" for values with (modulus 8, remainder 5);
alter table warehouse."lives_5" enable row level security;
alter table warehouse."lives_5" force row level security;
create table warehouse."lives_6" partition of warehouse."lives" for values with (modulus 8, remainder 6);
alter table warehouse."lives_6" enable row level security;
alter table warehouse."lives_6" force row level security;
create table warehouse."lives_7" partition of warehouse."lives" for values with (modulus 8, remainder 7);
alter table warehouse."lives_7" enable row level security;
alter table warehouse."lives_7" force row level security;
create unique index "lives_current" on warehouse."lives" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "lives_closed" on warehouse."lives" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "lives_day" on warehouse."lives" (tenant_id, local_day);
alter table warehouse."lives" enable row level security;
alter table warehouse."lives" force row level security;
create policy readable on warehouse."lives" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."lives" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."lives" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."lives" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."lives" to app;
create table warehouse."locations" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "name" TEXT not null,
    "country" TEXT,
    "active" BOOLEAN not null,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."locations_0" partition of warehouse."locations" for values with (modulus 8, remainder 0);
alter table warehouse."locations_0" enable row level security;
alter table warehouse."locations_0" force row level security;
create table warehouse."locations_1" partition of warehouse."locations" for values with (modulus 8, remainder 1);
alter table warehouse."locations_1" enable row level security;
alter table warehouse."locations_1" force row level security;
create table warehouse."locations_2" partition of warehouse."locations" for values with (modulus 8, remainder 2);
alter table warehouse."locations_2" enable row level security;
alter table warehouse."locations_2" force row level security;
create table warehouse."locations_3" partition of warehouse."locations" for values with (modulus 8, remainder 3);
alter table warehouse."locations_3" enable row level security;
alter table warehouse."locations_3" force row level security;
create table warehouse."locations_4" partition of warehouse."locations" for values with (modulus 8, remainder 4);
alter table warehouse."locations_4" enable row level security;
alter table warehouse."locations_4" force row level security;
create table warehouse."locations_5" partition of warehouse."locations" for values with (modulus 8, remainder 5);
alter table warehouse."locations_5" enable row level security;
alter table warehouse."locations_5" force row level security;
create table warehouse."locations_6" partition of warehouse."locations" for values with (modulus 8, remainder 6);
alter table warehouse."locations_6" enable row level security;
alter table warehouse."locations_6" force row level security;
create table warehouse."locations_7" partition of warehouse."locations" for values with (modulus 8, remainder 7);
alter table warehouse."locations_7" enable row level security;
alter table warehouse."locations_7" force row level security;
create unique index "locations_current" on warehouse."locations" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "locations_closed" on warehouse."locations" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."locations" enable row level security;
alter table warehouse."locations" force row level security;
create policy readable on warehouse."locations" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."locations" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."locations" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."locations" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."locations" to app;
create table warehouse."mentions" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "mentioned_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "author_id" TEXT,
    "author_follows" BOOLEAN,
    "text" TEXT,
    "url" TEXT,
    "reach" BIGINT,
    "source_kind" TEXT not null
) partition by hash (tenant_id);
create table warehouse."mentions_0" partition of warehouse."mentions" for values with (modulus 8, remainder 0);
alter table warehouse."mentions_0" enable row level security;
alter table warehouse."mentions_0" force row level security;
create table warehouse."mentions_1" partition of warehouse."mentions" for values with (modulus 8, remainder 1);
alter table warehouse."mentions_1" enable row level security;
alter table warehouse."mentions_1" force row level security;
create table warehouse."mentions_2" partition of warehouse."mentions" for values with (modulus 8, remainder 2);
alter table warehouse."mentions_2" enable row level security;
alter table warehouse."mentions_2" force row level security;
create table warehouse."mentions_3" partition of warehouse."mentions" for values with (modulus 8, remainder 3);
alter table warehouse."mentions_3" enable row level security;
alter table warehouse."mentions_3" force row level security;
create table warehouse."mentions_4" partition of warehouse."mentions" for values with (modulus 8, remainder 4);
alter table warehouse."mentions_4" enable row level security;
alter table warehouse."mentions_4" force row level security;
create table warehouse."mentions_5" partition of warehouse."mentions" for values with (modulus 8, remainder 5);
alter table warehouse."mentions_5" enable row level security;
alter table warehouse."mentions_5" force row level security;
create table warehouse."mentions_6" partition of warehouse."mentions" for values with (modulus 8, remainder 6);
alter table warehouse."mentions_6" enable row level security;
alter table warehouse."mentions_6" force row level security;
create table warehouse."mentions_7" partition of warehouse."mentions" for values with (modulus 8, remainder 7);
alter table warehouse."mentions_7" enable row level security;
alter table warehouse."mentions_7" force row level security;
create unique index "mentions_current" on warehouse."mentions" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "mentions_closed" on warehouse."mentions" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "mentions_day" on warehouse."mentions" (tenant_id, local_day);
alter table warehouse."mentions" enable row level security;
alter table warehouse."mentions" force row level security;
create policy readable on warehouse."mentions" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."mentions" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."mentions" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."mentions" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."mentions" to app;
create table warehouse."off_platform_spend" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "medium" TEXT not null,
    "name" TEXT not null,
    "day" DATE not null,
    "zone" TEXT not null,
    "spend_amount" NUMERIC(20, 6) not null,
    "spend_currency" TEXT not null,
    "note" TEXT
) partition by hash (tenant_id);
create table warehouse."off_platform_spend_0" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 0);
alter table warehouse."off_platform_spend_0" enable row level security;
alter table warehouse."off_platform_spend_0" force row level security;
create table warehouse."off_platform_spend_1" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 1);
alter table warehouse."off_platform_spend_1" enable row level security;
alter table warehouse."off_platform_spend_1" force row level security;
create table warehouse."off_platform_spend_2" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 2);
alter table warehouse."off_platform_spend_2" enable row level security;
alter table warehouse."off_platform_spend_2" force row level security;
create table warehouse."off_platform_spend_3" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 3);
alter table warehouse."off_platform_spend_3" enable row level security;
alter table warehouse."off_platform_spend_3" force row level security;
create table warehouse."off_platform_spend_4" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 4);
alter table warehouse."off_platform_spend_4" enable row level security;
alter table warehouse."off_platform_spend_4" force row level security;
create table warehouse."off_platform_spend_5" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 5);
alter table warehouse."off_platform_spend_5" enable row level security;
alter table warehouse."off_platform_spend_5" force row level security;
create table warehouse."off_platform_spend_6" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 6);
alter table warehouse."off_platform_spend_6" enable row level security;
alter table warehouse."off_platform_spend_6" force row level security;
create table warehouse."off_platform_spend_7" partition of warehouse."off_platform_spend" for values with (modulus 8, remainder 7);
alter table warehouse."off_platform_spend_7" enable row level security;
alter table warehouse."off_platform_spend_7" force row level security;
create unique index "off_platform_spend_current" on warehouse."off_platform_spend" (tenant_id, connection_id, "medium", "name", "day") where superseded_at is null;
create index "off_platform_spend_closed" on warehouse."off_platform_spend" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "off_platform_spend_day" on warehouse."off_platform_spend" (tenant_id, local_day);
alter table warehouse."off_platform_spend" enable row level security;
alter table warehouse."off_platform_spend" force row level security;
create policy readable on warehouse."off_platform_spend" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."off_platform_spend" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."off_platform_spend" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."off_platform_spend" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."off_platform_spend" to app;
create table warehouse."order_lines" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "order_id" TEXT not null,
    "source_id" TEXT not null,
    "placed_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "quantity" BIGINT not null,
    "total_amount" NUMERIC(20, 6) not null,
    "total_currency" TEXT not null,
    "current_quantity" BIGINT,
    "product_id" TEXT,
    "variant_id" TEXT,
    "sku" TEXT,
    "title" TEXT,
    "unit_price_amount" NUMERIC(20, 6),
    "unit_price_currency" TEXT,
    "discount_amount" NUMERIC(20, 6),
    "discount_currency" TEXT,
    "content_id" TEXT,
    "live_id" TEXT,
    "creator_id" TEXT,
    "cancelled" BOOLEAN not null,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."order_lines_0" partition of warehouse."order_lines" for values with (modulus 8, remainder 0);
alter table warehouse."order_lines_0" enable row level security;
alter table warehouse."order_lines_0" force row level security;
create table warehouse."order_lines_1" partition of warehouse."order_lines" for values with (modulus 8, remainder 1);
alter table warehouse."order_lines_1" enable row level security;
alter table warehouse."order_lines_1" force row level security;
create table warehouse."order_lines_2" partition of warehouse."order_lines" for values with (modulus 8, remainder 2);
alter table warehouse."order_lines_2" enable row level security;
alter table warehouse."order_lines_2" force row level security;
create table warehouse."order_lines_3" partition of warehouse."order_lines" for values with (modulus 8, remainder 3);
alter table warehouse."order_lines_3" enable row level security;
alter table warehouse."order_lines_3" force row level security;
create table warehouse."order_lines_4" partition of warehouse."order_lines" for values with (modulus 8, remainder 4);
alter table warehouse."order_lines_4" enable row level security;
alter table warehouse."order_lines_4" force row level security;
create table warehouse."order_lines_5" partition of warehouse."order_lines" for values with (modulus 8, remainder 5);
alter table warehouse."order_lines_5" enable row level security;
alter table warehouse."order_lines_5" force row level security;
create table warehouse."order_lines_6" partition of warehouse."order_lines" for values with (modulus 8, remainder 6);
alter table warehouse."order_lines_6" enable row level security;
alter table warehouse."order_lines_6" force row level security;
create table warehouse."order_lines_7" partition of warehouse."order_lines" for values with (modulus 8, remainder 7);
alter table warehouse."order_lines_7" enable row level security;
alter table warehouse."order_lines_7" force row level security;
create unique index "order_lines_current" on warehouse."order_lines" (tenant_id, connection_id, "order_id", "source_id") where superseded_at is null;
create index "order_lines_closed" on warehouse."order_lines" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "order_lines_day" on warehouse."order_lines" (tenant_id, local_day);
alter table warehouse."order_lines" enable row level security;
alter table warehouse."order_lines" force row level security;
create policy readable on warehouse."order_lines" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."order_lines" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."order_lines" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."order_lines" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."order_lines" to app;
create table warehouse."orders" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "placed_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "status" TEXT not null,
    "channel_kind" TEXT not null,
    "total_amount" NUMERIC(20, 6) not null,
    "total_currency" TEXT not null,
    "name" TEXT,
    "channel" TEXT,
    "platform_status" TEXT,
    "financial_status" TEXT,
    "current_total_amount" NUMERIC(20, 6),
    "current_total_currency" TEXT,
    "subtotal_amount" NUMERIC(20, 6),
    "subtotal_currency" TEXT,
    "discount_amount" NUMERIC(20, 6),
    "discount_currency" TEXT,
    "platform_discount_amount" NUMERIC(20, 6),
    "platform_discount_currency" TEXT,
    "shipping_amount" NUMERIC(20, 6),
    "shipping_currency" TEXT,
    "tax_amount" NUMERIC(20, 6),
    "tax_currency" TEXT,
    "refunded_amount" NUMERIC(20, 6),
    "refunded_currency" TEXT,
    "presentment_total_amount" NUMERIC(20, 6),
    "presentment_total_currency" TEXT,
    "customer_key" TEXT,
    "customer_key_kind" TEXT,
    "customer_purpose" TEXT,
    "customer_basis" TEXT,
    "customer_order_index" BIGINT,
    "country" TEXT,
    "promo_codes" TEXT not null,
    "journey_ready" BOOLEAN,
    "cancelled_at" TIMESTAMP WITH TIME ZONE,
    "cancel_reason" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."orders_0" partition of warehouse."orders" for values with (modulus 8, remainder 0);
alter table warehouse."orders_0" enable row level security;
alter table warehouse."orders_0" force row level security;
create table warehouse."orders_1" partition of warehouse."orders" for values with (modulus 8, remainder 1);
alter table warehouse."orders_1" enable row level security;
alter table warehouse."orders_1" force row level security;
create table warehouse."orders_2" partition of warehouse."orders" for values with (modulus 8, remainder 2);
alter table warehouse."orders_2" enable row level security;
alter table warehouse."orders_2" force row level security;
create table warehouse."orders_3" partition of warehouse."orders" for values with (modulus 8, remainder 3);
alter table warehouse."orders_3" enable row level security;
alter table warehouse."orders_3" force row level security;
create table warehouse."orders_4" partition of warehouse."orders" for values with (modulus 8, remainder 4);
alter table warehouse."orders_4" enable row level security;
alter table warehouse."orders_4" force row level security;
create table warehouse."orders_5" partition of warehouse."orders" for values with (modulus 8, remainder 5);
alter table warehouse."orders_5" enable row level security;
alter table warehouse."orders_5" force row level security;
create table warehouse."orders_6" partition of warehouse."orders" for values with (modulus 8, remainder 6);
alter table warehouse."orders_6" enable row level security;
alter table warehouse."orders_6" force row level security;
create table warehouse."orders_7" partition of warehouse."orders" for values with (modulus 8, remainder 7);
alter table warehouse."orders_7" enable row level security;
alter table warehouse."orders_7" force row level security;
create unique index "orders_current" on warehouse."orders" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "orders_closed" on warehouse."orders" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "orders_day" on warehouse."orders" (tenant_id, local_day);
create index "orders_customer" on warehouse."orders" (tenant_id, "customer_key") where "customer_key" is not null;
alter table warehouse."orders" enable row level security;
alter table warehouse."orders" force row level security;
create policy readable on warehouse."orders" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."orders" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."orders" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."orders" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."orders" to app;
create table warehouse."payouts" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "settled_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "amount_amount" NUMERIC(20, 6) not null,
    "amount_currency" TEXT not null,
    "revenue_amount" NUMERIC(20, 6),
    "revenue_currency" TEXT,
    "fees_amount" NUMERIC(20, 6),
    "fees_currency" TEXT,
    "adjustments_amount" NUMERIC(20, 6),
    "adjustments_currency" TEXT,
    "status" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."payouts_0" partition of warehouse."payouts" for values with (modulus 8, remainder 0);
alter table warehouse."payouts_0" enable row level security;
alter table warehouse."payouts_0" force row level security;
create table warehouse."payouts_1" partition of warehouse."payouts" for values with (modulus 8, remainder 1);
alter table warehouse."payouts_1" enable row level security;
alter table warehouse."payouts_1" force row level security;
create table warehouse."payouts_2" partition of warehouse."payouts" for values with (modulus 8, remainder 2);
alter table warehouse."payouts_2" enable row level security;
alter table warehouse."payouts_2" force row level security;
create table warehouse."payouts_3" partition of warehouse."payouts" for values with (modulus 8, remainder 3);
alter table warehouse."payouts_3" enable row level security;
alter table warehouse."payouts_3" force row level security;
create table warehouse."payouts_4" partition of warehouse."payouts" for values with (modulus 8, remainder 4);
alter table warehouse."payouts_4" enable row level security;
alter table warehouse."payouts_4" force row level security;
create table warehouse."payouts_5" partition of warehouse."payouts" for values with (modulus 8, remainder 5);
alter table warehouse."payouts_5" enable row level security;
alter table warehouse."payouts_5" force row level security;
create table warehouse."payouts_6" partition of warehouse."payouts" for values with (modulus 8, remainder 6);
alter table warehouse."payouts_6" enable row level security;
alter table warehouse."payouts_6" force row level security;
create table warehouse."payouts_7" partition of warehouse."payouts" for values with (modulus 8, remainder 7);
alter table warehouse."payouts_7" enable row level security;
alter table warehouse."payouts_7" force row level security;
create unique index "payouts_current" on warehouse."payouts" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "payouts_closed" on warehouse."payouts" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "payouts_day" on warehouse."payouts" (tenant_id, local_day);
alter table warehouse."payouts" enable row level security;
alter table warehouse."payouts" force row level security;
create policy readable on warehouse."payouts" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."payouts" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."payouts" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."payouts" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."payouts" to app;
create table warehouse."product_links" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "content_id" TEXT not null,
    "product_id" TEXT not null,
    "kind" TEXT not null,
    "confidence" DOUBLE PRECISION not null,
    "linked_at" TIMESTAMP WITH TIME ZONE,
    "ended_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."product_links_0" partition of warehouse."product_links" for values with (modulus 8, remainder 0);
alter table warehouse."product_links_0" enable row level security;
alter table warehouse."product_links_0" force row level security;
create table warehouse."product_links_1" partition of warehouse."product_links" for values with (modulus 8, remainder 1);
alter table warehouse."product_links_1" enable row level security;
alter table warehouse."product_links_1" force row level security;
create table warehouse."product_links_2" partition of warehouse."product_links" for values with (modulus 8, remainder 2);
alter table warehouse."product_links_2" enable row level security;
alter table warehouse."product_links_2" force row level security;
create table warehouse."product_links_3" partition of warehouse."product_links" for values with (modulus 8, remainder 3);
alter table warehouse."product_links_3" enable row level security;
alter table warehouse."product_links_3" force row level security;
create table warehouse."product_links_4" partition of warehouse."product_links" for values with (modulus 8, remainder 4);
alter table warehouse."product_links_4" enable row level security;
alter table warehouse."product_links_4" force row level security;
create table warehouse."product_links_5" partition of warehouse."product_links" for values with (modulus 8, remainder 5);
alter table warehouse."product_links_5" enable row level security;
alter table warehouse."product_links_5" force row level security;
create table warehouse."product_links_6" partition of warehouse."product_links" for values with (modulus 8, remainder 6);
alter table warehouse."product_links_6" enable row level security;
alter table warehouse."product_links_6" force row level security;
create table warehouse."product_links_7" partition of warehouse."product_links" for values with (modulus 8, remainder 7);
alter table warehouse."product_links_7" enable row level security;
alter table warehouse."product_links_7" force row level security;
create unique index "product_links_current" on warehouse."product_links" (tenant_id, connection_id, "content_id", "product_id", "kind") where superseded_at is null;
create index "product_links_closed" on warehouse."product_links" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."product_links" enable row level security;
alter table warehouse."product_links" force row level security;
create policy readable on warehouse."product_links" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."product_links" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."product_links" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."product_links" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."product_links" to app;
create table warehouse."product_matches" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "listing_id" TEXT not null,
    "product_id" TEXT not null,
    "quantity" BIGINT not null,
    "confidence" DOUBLE PRECISION not null,
    "shared_stock" BOOLEAN not null
) partition by hash (tenant_id);
create table warehouse."product_matches_0" partition of warehouse."product_matches" for values with (modulus 8, remainder 0);
alter table warehouse."product_matches_0" enable row level security;
alter table warehouse."product_matches_0" force row level security;
create table warehouse."product_matches_1" partition of warehouse."product_matches" for values with (modulus 8, remainder 1);
alter table warehouse."product_matches_1" enable row level security;
alter table warehouse."product_matches_1" force row level security;
create table warehouse."product_matches_2" partition of warehouse."product_matches" for values with (modulus 8, remainder 2);
alter table warehouse."product_matches_2" enable row level security;
alter table warehouse."product_matches_2" force row level security;
create table warehouse."product_matches_3" partition of warehouse."product_matches" for values with (modulus 8, remainder 3);
alter table warehouse."product_matches_3" enable row level security;
alter table warehouse."product_matches_3" force row level security;
create table warehouse."product_matches_4" partition of warehouse."product_matches" for values with (modulus 8, remainder 4);
alter table warehouse."product_matches_4" enable row level security;
alter table warehouse."product_matches_4" force row level security;
create table warehouse."product_matches_5" partition of warehouse."product_matches" for values with (modulus 8, remainder 5);
alter table warehouse."product_matches_5" enable row level security;
alter table warehouse."product_matches_5" force row level security;
create table warehouse."product_matches_6" partition of warehouse."product_matches" for values with (modulus 8, remainder 6);
alter table warehouse."product_matches_6" enable row level security;
alter table warehouse."product_matches_6" force row level security;
create table warehouse."product_matches_7" partition of warehouse."product_matches" for values with (modulus 8, remainder 7);
alter table warehouse."product_matches_7" enable row level security;
alter table warehouse."product_matches_7" force row level security;
create unique index "product_matches_current" on warehouse."product_matches" (tenant_id, connection_id, "listing_id", "product_id") where superseded_at is null;
create index "product_matches_closed" on warehouse."product_matches" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."product_matches" enable row level security;
alter table warehouse."product_matches" force row level security;
create policy readable on warehouse."product_matches" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."product_matches" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."product_matches" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."product_matches" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."product_matches" to app;
create table warehouse."products" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "title" TEXT not null,
    "status" TEXT not null,
    "vendor" TEXT,
    "category" TEXT,
    "url" TEXT,
    "image_url" TEXT,
    "tags" TEXT not null,
    "created_at" TIMESTAMP WITH TIME ZONE,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."products_0" partition of warehouse."products" for values with (modulus 8, remainder 0);
alter table warehouse."products_0" enable row level security;
alter table warehouse."products_0" force row level security;
create table warehouse."products_1" partition of warehouse."products" for values with (modulus 8, remainder 1);
alter table warehouse."products_1" enable row level security;
alter table warehouse."products_1" force row level security;
create table warehouse."products_2" partition of warehouse."products" for values with (modulus 8, remainder 2);
alter table warehouse."products_2" enable row level security;
alter table warehouse."products_2" force row level security;
create table warehouse."products_3" partition of warehouse."products" for values with (modulus 8, remainder 3);
alter table warehouse."products_3" enable row level security;
alter table warehouse."products_3" force row level security;
create table warehouse."products_4" partition of warehouse."products" for values with (modulus 8, remainder 4);
alter table warehouse."products_4" enable row level security;
alter table warehouse."products_4" force row level security;
create table warehouse."products_5" partition of warehouse."products" for values with (modulus 8, remainder 5);
alter table warehouse."products_5" enable row level security;
alter table warehouse."products_5" force row level security;
create table warehouse."products_6" partition of warehouse."products" for values with (modulus 8, remainder 6);
alter table warehouse."products_6" enable row level security;
alter table warehouse."products_6" force row level security;
create table warehouse."products_7" partition of warehouse."products" for values with (modulus 8, remainder 7);
alter table warehouse."products_7" enable row level security;
alter table warehouse."products_7" force row level security;
create unique index "products_current" on warehouse."products" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "products_closed" on warehouse."products" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."products" enable row level security;
alter table warehouse."products" force row level security;
create policy readable on warehouse."products" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."products" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."products" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."products" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."products" to app;
create table warehouse."profile_days" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "profile_id" TEXT not null,
    "day" DATE not null,
    "zone" TEXT not null,
    "followers" BIGINT,
    "new_followers" BIGINT,
    "lost_followers" BIGINT,
    "views" BIGINT,
    "reach" BIGINT,
    "profile_views" BIGINT,
    "likes" BIGINT,
    "comments" BIGINT,
    "shares" BIGINT,
    "link_clicks" BIGINT,
    "engaged_audience" BIGINT,
    "source_kind" TEXT not null
) partition by hash (tenant_id);
create table warehouse."profile_days_0" partition of warehouse."profile_days" for values with (modulus 8, remainder 0);
alter table warehouse."profile_days_0" enable row level security;
alter table warehouse."profile_days_0" force row level security;
create table warehouse."profile_days_1" partition of warehouse."profile_days" for values with (modulus 8, remainder 1);
alter table warehouse."profile_days_1" enable row level security;
alter table warehouse."profile_days_1" force row level security;
create table warehouse."profile_days_2" partition of warehouse."profile_days" for values with (modulus 8, remainder 2);
alter table warehouse."profile_days_2" enable row level security;
alter table warehouse."profile_days_2" force row level security;
create table warehouse."profile_days_3" partition of warehouse."profile_days" for values with (modulus 8, remainder 3);
alter table warehouse."profile_days_3" enable row level security;
alter table warehouse."profile_days_3" force row level security;
create table warehouse."profile_days_4" partition of warehouse."profile_days" for values with (modulus 8, remainder 4);
alter table warehouse."profile_days_4" enable row level security;
alter table warehouse."profile_days_4" force row level security;
create table warehouse."profile_days_5" partition of warehouse."profile_days" for values with (modulus 8, remainder 5);
alter table warehouse."profile_days_5" enable row level security;
alter table warehouse."profile_days_5" force row level security;
create table warehouse."profile_days_6" partition of warehouse."profile_days" for values with (modulus 8, remainder 6);
alter table warehouse."profile_days_6" enable row level security;
alter table warehouse."profile_days_6" force row level security;
create table warehouse."profile_days_7" partition of warehouse."profile_days" for values with (modulus 8, remainder 7);
alter table warehouse."profile_days_7" enable row level security;
alter table warehouse."profile_days_7" force row level security;
create unique index "profile_days_current" on warehouse."profile_days" (tenant_id, connection_id, "profile_id", "day") where superseded_at is null;
create index "profile_days_closed" on warehouse."profile_days" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "profile_days_day" on warehouse."profile_days" (tenant_id, local_day);
alter table warehouse."profile_days" enable row level security;
alter table warehouse."profile_days" force row level security;
create policy readable on warehouse."profile_days" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."profile_days" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."profile_days" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."profile_days" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."profile_days" to app;
create table warehouse."profiles" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "kind" TEXT not null,
    "handle" TEXT not null,
    "name" TEXT,
    "url" TEXT,
    "bio" TEXT,
    "country" TEXT,
    "zone" TEXT not null,
    "verified" BOOLEAN,
    "business" BOOLEAN,
    "followers" BIGINT,
    "following" BIGINT,
    "likes" BIGINT,
    "contents" BIGINT,
    "source_kind" TEXT not null,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."profiles_0" partition of warehouse."profiles" for values with (modulus 8, remainder 0);
alter table warehouse."profiles_0" enable row level security;
alter table warehouse."profiles_0" force row level security;
create table warehouse."profiles_1" partition of warehouse."profiles" for values with (modulus 8, remainder 1);
alter table warehouse."profiles_1" enable row level security;
alter table warehouse."profiles_1" force row level security;
create table warehouse."profiles_2" partition of warehouse."profiles" for values with (modulus 8, remainder 2);
alter table warehouse."profiles_2" enable row level security;
alter table warehouse."profiles_2" force row level security;
create table warehouse."profiles_3" partition of warehouse."profiles" for values with (modulus 8, remainder 3);
alter table warehouse."profiles_3" enable row level security;
alter table warehouse."profiles_3" force row level security;
create table warehouse."profiles_4" partition of warehouse."profiles" for values with (modulus 8, remainder 4);
alter table warehouse."profiles_4" enable row level security;
alter table warehouse."profiles_4" force row level security;
create table warehouse."profiles_5" partition of warehouse."profiles" for values with (modulus 8, remainder 5);
alter table warehouse."profiles_5" enable row level security;
alter table warehouse."profiles_5" force row level security;
create table warehouse."profiles_6" partition of warehouse."profiles" for values with (modulus 8, remainder 6);
alter table warehouse."profiles_6" enable row level security;
alter table warehouse."profiles_6" force row level security;
create table warehouse."profiles_7" partition of warehouse."profiles" for values with (modulus 8, remainder 7);
alter table warehouse."profiles_7" enable row level security;
alter table warehouse."profiles_7" force row level security;
create unique index "profiles_current" on warehouse."profiles" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "profiles_closed" on warehouse."profiles" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."profiles" enable row level security;
alter table warehouse."profiles" force row level security;
create policy readable on warehouse."profiles" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."profiles" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."profiles" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."profiles" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."profiles" to app;
create table warehouse."promo_codes" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "code" TEXT not null,
    "title" TEXT,
    "value_amount" NUMERIC(20, 6),
    "value_currency" TEXT,
    "value_rate" NUMERIC(20, 12),
    "starts_at" TIMESTAMP WITH TIME ZONE,
    "ends_at" TIMESTAMP WITH TIME ZONE,
    "usage_count" BIGINT,
    "creator_id" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."promo_codes_0" partition of warehouse."promo_codes" for values with (modulus 8, remainder 0);
alter table warehouse."promo_codes_0" enable row level security;
alter table warehouse."promo_codes_0" force row level security;
create table warehouse."promo_codes_1" partition of warehouse."promo_codes" for values with (modulus 8, remainder 1);
alter table warehouse."promo_codes_1" enable row level security;
alter table warehouse."promo_codes_1" force row level security;
create table warehouse."promo_codes_2" partition of warehouse."promo_codes" for values with (modulus 8, remainder 2);
alter table warehouse."promo_codes_2" enable row level security;
alter table warehouse."promo_codes_2" force row level security;
create table warehouse."promo_codes_3" partition of warehouse."promo_codes" for values with (modulus 8, remainder 3);
alter table warehouse."promo_codes_3" enable row level security;
alter table warehouse."promo_codes_3" force row level security;
create table warehouse."promo_codes_4" partition of warehouse."promo_codes" for values with (modulus 8, remainder 4);
alter table warehouse."promo_codes_4" enable row level security;
alter table warehouse."promo_codes_4" force row level security;
create table warehouse."promo_codes_5" partition of warehouse."promo_codes" for values with (modulus 8, remainder 5);
alter table warehouse."promo_codes_5" enable row level security;
alter table warehouse."promo_codes_5" force row level security;
create table warehouse."promo_codes_6" partition of warehouse."promo_codes" for values with (modulus 8, remainder 6);
alter table warehouse."promo_codes_6" enable row level security;
alter table warehouse."promo_codes_6" force row level security;
create table warehouse."promo_codes_7" partition of warehouse."promo_codes" for values with (modulus 8, remainder 7);
alter table warehouse."promo_codes_7" enable row level security;
alter table warehouse."promo_codes_7" force row level security;
create unique index "promo_codes_current" on warehouse."promo_codes" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "promo_codes_closed" on warehouse."promo_codes" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."promo_codes" enable row level security;
alter table warehouse."promo_codes" force row level security;
create policy readable on warehouse."promo_codes" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."promo_codes" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."promo_codes" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."promo_codes" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."promo_codes" to app;
create table warehouse."refunds" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "order_id" TEXT not null,
    "refunded_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "amount_amount" NUMERIC(20, 6) not null,
    "amount_currency" TEXT not null,
    "quantity" BIGINT,
    "reason" TEXT,
    "status" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."refunds_0" partition of warehouse."refunds" for values with (modulus 8, remainder 0);
alter table warehouse."refunds_0" enable row level security;
alter table warehouse."refunds_0" force row level security;
create table warehouse."refunds_1" partition of warehouse."refunds" for values with (modulus 8, remainder 1);
alter table warehouse."refunds_1" enable row level security;
alter table warehouse."refunds_1" force row level security;
create table warehouse."refunds_2" partition of warehouse."refunds" for values with (modulus 8, remainder 2);
alter table warehouse."refunds_2" enable row level security;
alter table warehouse."refunds_2" force row level security;
create table warehouse."refunds_3" partition of warehouse."refunds" for values with (modulus 8, remainder 3);
alter table warehouse."refunds_3" enable row level security;
alter table warehouse."refunds_3" force row level security;
create table warehouse."refunds_4" partition of warehouse."refunds" for values with (modulus 8, remainder 4);
alter table warehouse."refunds_4" enable row level security;
alter table warehouse."refunds_4" force row level security;
create table warehouse."refunds_5" partition of warehouse."refunds" for values with (modulus 8, remainder 5);
alter table warehouse."refunds_5" enable row level security;
alter table warehouse."refunds_5" force row level security;
create table warehouse."refunds_6" partition of warehouse."refunds" for values with (modulus 8, remainder 6);
alter table warehouse."refunds_6" enable row level security;
alter table warehouse."refunds_6" force row level security;
create table warehouse."refunds_7" partition of warehouse."refunds" for values with (modulus 8, remainder 7);
alter table warehouse."refunds_7" enable row level security;
alter table warehouse."refunds_7" force row level security;
create unique index "refunds_current" on warehouse."refunds" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "refunds_closed" on warehouse."refunds" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "refunds_day" on warehouse."refunds" (tenant_id, local_day);
alter table warehouse."refunds" enable row level security;
alter table warehouse."refunds" force row level security;
create policy readable on warehouse."refunds" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."refunds" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."refunds" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."refunds" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."refunds" to app;
create table warehouse."sales_days" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "channel" TEXT not null,
    "sku" TEXT not null,
    "day" DATE not null,
    "zone" TEXT not null,
    "units" BIGINT not null,
    "revenue_amount" NUMERIC(20, 6),
    "revenue_currency" TEXT,
    "title" TEXT,
    "orders" BIGINT
) partition by hash (tenant_id);
create table warehouse."sales_days_0" partition of warehouse."sales_days" for values with (modulus 8, remainder 0);
alter table warehouse."sales_days_0" enable row level security;
alter table warehouse."sales_days_0" force row level security;
create table warehouse."sales_days_1" partition of warehouse."sales_days" for values with (modulus 8, remainder 1);
alter table warehouse."sales_days_1" enable row level security;
alter table warehouse."sales_days_1" force row level security;
create table warehouse."sales_days_2" partition of warehouse."sales_days" for values with (modulus 8, remainder 2);
alter table warehouse."sales_days_2" enable row level security;
alter table warehouse."sales_days_2" force row level security;
create table warehouse."sales_days_3" partition of warehouse."sales_days" for values with (modulus 8, remainder 3);
alter table warehouse."sales_days_3" enable row level security;
alter table warehouse."sales_days_3" force row level security;
create table warehouse."sales_days_4" partition of warehouse."sales_days" for values with (modulus 8, remainder 4);
alter table warehouse."sales_days_4" enable row level security;
alter table warehouse."sales_days_4" force row level security;
create table warehouse."sales_days_5" partition of warehouse."sales_days" for values with (modulus 8, remainder 5);
alter table warehouse."sales_days_5" enable row level security;
alter table warehouse."sales_days_5" force row level security;
create table warehouse."sales_days_6" partition of warehouse."sales_days" for values with (modulus 8, remainder 6);
alter table warehouse."sales_days_6" enable row level security;
alter table warehouse."sales_days_6" force row level security;
create table warehouse."sales_days_7" partition of warehouse."sales_days" for values with (modulus 8, remainder 7);
alter table warehouse."sales_days_7" enable row level security;
alter table warehouse."sales_days_7" force row level security;
create unique index "sales_days_current" on warehouse."sales_days" (tenant_id, connection_id, "channel", "sku", "day") where superseded_at is null;
create index "sales_days_closed" on warehouse."sales_days" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "sales_days_day" on warehouse."sales_days" (tenant_id, local_day);
alter table warehouse."sales_days" enable row level security;
alter table warehouse."sales_days" force row level security;
create policy readable on warehouse."sales_days" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."sales_days" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."sales_days" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."sales_days" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."sales_days" to app;
create table warehouse."sessions" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "started_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "customer_key" TEXT,
    "customer_key_kind" TEXT,
    "customer_purpose" TEXT,
    "customer_basis" TEXT,
    "landing_page" TEXT,
    "referrer_url" TEXT,
    "utm_source" TEXT,
    "utm_medium" TEXT,
    "utm_campaign" TEXT,
    "utm_content" TEXT,
    "page_views" BIGINT
) partition by hash (tenant_id);
create table warehouse."sessions_0" partition of warehouse."sessions" for values with (modulus 8, remainder 0);
alter table warehouse."sessions_0" enable row level security;
alter table warehouse."sessions_0" force row level security;
create table warehouse."sessions_1" partition of warehouse."sessions" for values with (modulus 8, remainder 1);
alter table warehouse."sessions_1" enable row level security;
alter table warehouse."sessions_1" force row level security;
create table warehouse."sessions_2" partition of warehouse."sessions" for values with (modulus 8, remainder 2);
alter table warehouse."sessions_2" enable row level security;
alter table warehouse."sessions_2" force row level security;
create table warehouse."sessions_3" partition of warehouse."sessions" for values with (modulus 8, remainder 3);
alter table warehouse."sessions_3" enable row level security;
alter table warehouse."sessions_3" force row level security;
create table warehouse."sessions_4" partition of warehouse."sessions" for values with (modulus 8, remainder 4);
alter table warehouse."sessions_4" enable row level security;
alter table warehouse."sessions_4" force row level security;
create table warehouse."sessions_5" partition of warehouse."sessions" for values with (modulus 8, remainder 5);
alter table warehouse."sessions_5" enable row level security;
alter table warehouse."sessions_5" force row level security;
create table warehouse."sessions_6" partition of warehouse."sessions" for values with (modulus 8, remainder 6);
alter table warehouse."sessions_6" enable row level security;
alter table warehouse."sessions_6" force row level security;
create table warehouse."sessions_7" partition of warehouse."sessions" for values with (modulus 8, remainder 7);
alter table warehouse."sessions_7" enable row level security;
alter table warehouse."sessions_7" force row level security;
create unique index "sessions_current" on warehouse."sessions" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "sessions_closed" on warehouse."sessions" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "sessions_day" on warehouse."sessions" (tenant_id, local_day);
create index "sessions_customer" on warehouse."sessions" (tenant_id, "customer_key") where "customer_key" is not null;
alter table warehouse."sessions" enable row level security;
alter table warehouse."sessions" force row level security;
create policy readable on warehouse."sessions" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."sessions" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."sessions" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."sessions" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."sessions" to app;
create table warehouse."stock_levels" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "stock_item_id" TEXT not null,
    "location_id" TEXT not null,
    "available" BIGINT not null,
    "sku" TEXT,
    "on_hand" BIGINT,
    "committed" BIGINT,
    "incoming" BIGINT,
    "reserved" BIGINT,
    "damaged" BIGINT,
    "safety_stock" BIGINT,
    "quality_control" BIGINT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."stock_levels_0" partition of warehouse."stock_levels" for values with (modulus 8, remainder 0);
alter table warehouse."stock_levels_0" enable row level security;
alter table warehouse."stock_levels_0" force row level security;
create table warehouse."stock_levels_1" partition of warehouse."stock_levels" for values with (modulus 8, remainder 1);
alter table warehouse."stock_levels_1" enable row level security;
alter table warehouse."stock_levels_1" force row level security;
create table warehouse."stock_levels_2" partition of warehouse."stock_levels" for values with (modulus 8, remainder 2);
alter table warehouse."stock_levels_2" enable row level security;
alter table warehouse."stock_levels_2" force row level security;
create table warehouse."stock_levels_3" partition of warehouse."stock_levels" for values with (modulus 8, remainder 3);
alter table warehouse."stock_levels_3" enable row level security;
alter table warehouse."stock_levels_3" force row level security;
create table warehouse."stock_levels_4" partition of warehouse."stock_levels" for values with (modulus 8, remainder 4);
alter table warehouse."stock_levels_4" enable row level security;
alter table warehouse."stock_levels_4" force row level security;
create table warehouse."stock_levels_5" partition of warehouse."stock_levels" for values with (modulus 8, remainder 5);
alter table warehouse."stock_levels_5" enable row level security;
alter table warehouse."stock_levels_5" force row level security;
create table warehouse."stock_levels_6" partition of warehouse."stock_levels" for values with (modulus 8, remainder 6);
alter table warehouse."stock_levels_6" enable row level security;
alter table warehouse."stock_levels_6" force row level security;
create table warehouse."stock_levels_7" partition of warehouse."stock_levels" for values with (modulus 8, remainder 7);
alter table warehouse."stock_levels_7" enable row level security;
alter table warehouse."stock_levels_7" force row level security;
create unique index "stock_levels_current" on warehouse."stock_levels" (tenant_id, connection_id, "stock_item_id", "location_id") where superseded_at is null;
create index "stock_levels_closed" on warehouse."stock_levels" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."stock_levels" enable row level security;
alter table warehouse."stock_levels" force row level security;
create policy readable on warehouse."stock_levels" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."stock_levels" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."stock_levels" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."stock_levels" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."stock_levels" to app;
create table warehouse."touches" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "local_day" DATE not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "occurred_at" TIMESTAMP WITH TIME ZONE not null,
    "zone" TEXT not null,
    "channel" TEXT not null,
    "order_id" TEXT,
    "position" BIGINT not null,
    "customer_key" TEXT,
    "customer_key_kind" TEXT,
    "customer_purpose" TEXT,
    "customer_basis" TEXT,
    "paid" TEXT not null,
    "platform_source" TEXT,
    "referrer_url" TEXT,
    "landing_page" TEXT,
    "referral_code" TEXT,
    "utm_source" TEXT,
    "utm_medium" TEXT,
    "utm_campaign" TEXT,
    "utm_content" TEXT,
    "utm_term" TEXT,
    "content_id" TEXT,
    "campaign_id" TEXT,
    "creator_id" TEXT,
    "promo_code" TEXT
) partition by hash (tenant_id);
create table warehouse."touches_0" partition of warehouse."touches" for values with (modulus 8, remainder 0);
alter table warehouse."touches_0" enable row level security;
alter table warehouse."touches_0" force row level security;
create table warehouse."touches_1" partition of warehouse."touches" for values with (modulus 8, remainder 1);
alter table warehouse."touches_1" enable row level security;
alter table warehouse."touches_1" force row level security;
create table warehouse."touches_2" partition of warehouse."touches" for values with (modulus 8, remainder 2);
alter table warehouse."touches_2" enable row level security;
alter table warehouse."touches_2" force row level security;
create table warehouse."touches_3" partition of warehouse."touches" for values with (modulus 8, remainder 3);
alter table warehouse."touches_3" enable row level security;
alter table warehouse."touches_3" force row level security;
create table warehouse."touches_4" partition of warehouse."touches" for values with (modulus 8, remainder 4);
alter table warehouse."touches_4" enable row level security;
alter table warehouse."touches_4" force row level security;
create table warehouse."touches_5" partition of warehouse."touches" for values with (modulus 8, remainder 5);
alter table warehouse."touches_5" enable row level security;
alter table warehouse."touches_5" force row level security;
create table warehouse."touches_6" partition of warehouse."touches" for values with (modulus 8, remainder 6);
alter table warehouse."touches_6" enable row level security;
alter table warehouse."touches_6" force row level security;
create table warehouse."touches_7" partition of warehouse."touches" for values with (modulus 8, remainder 7);
alter table warehouse."touches_7" enable row level security;
alter table warehouse."touches_7" force row level security;
create unique index "touches_current" on warehouse."touches" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "touches_closed" on warehouse."touches" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
create index "touches_day" on warehouse."touches" (tenant_id, local_day);
create index "touches_customer" on warehouse."touches" (tenant_id, "customer_key") where "customer_key" is not null;
alter table warehouse."touches" enable row level security;
alter table warehouse."touches" force row level security;
create policy readable on warehouse."touches" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."touches" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."touches" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."touches" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."touches" to app;
create table warehouse."variants" (
    "tenant_id" UUID not null,
    "connection_id" UUID not null,
    "platform" TEXT not null,
    "fetched_at" TIMESTAMP WITH TIME ZONE not null,
    "observed_at" TIMESTAMP WITH TIME ZONE not null,
    "superseded_at" TIMESTAMP WITH TIME ZONE,
    "row_hash" BIGINT not null,
    "source_id" TEXT not null,
    "product_id" TEXT not null,
    "title" TEXT not null,
    "sku" TEXT,
    "barcode" TEXT,
    "price_amount" NUMERIC(20, 6),
    "price_currency" TEXT,
    "cost_amount" NUMERIC(20, 6),
    "cost_currency" TEXT,
    "stock_item_id" TEXT,
    "updated_at" TIMESTAMP WITH TIME ZONE
) partition by hash (tenant_id);
create table warehouse."variants_0" partition of warehouse."variants" for values with (modulus 8, remainder 0);
alter table warehouse."variants_0" enable row level security;
alter table warehouse."variants_0" force row level security;
create table warehouse."variants_1" partition of warehouse."variants" for values with (modulus 8, remainder 1);
alter table warehouse."variants_1" enable row level security;
alter table warehouse."variants_1" force row level security;
create table warehouse."variants_2" partition of warehouse."variants" for values with (modulus 8, remainder 2);
alter table warehouse."variants_2" enable row level security;
alter table warehouse."variants_2" force row level security;
create table warehouse."variants_3" partition of warehouse."variants" for values with (modulus 8, remainder 3);
alter table warehouse."variants_3" enable row level security;
alter table warehouse."variants_3" force row level security;
create table warehouse."variants_4" partition of warehouse."variants" for values with (modulus 8, remainder 4);
alter table warehouse."variants_4" enable row level security;
alter table warehouse."variants_4" force row level security;
create table warehouse."variants_5" partition of warehouse."variants" for values with (modulus 8, remainder 5);
alter table warehouse."variants_5" enable row level security;
alter table warehouse."variants_5" force row level security;
create table warehouse."variants_6" partition of warehouse."variants" for values with (modulus 8, remainder 6);
alter table warehouse."variants_6" enable row level security;
alter table warehouse."variants_6" force row level security;
create table warehouse."variants_7" partition of warehouse."variants" for values with (modulus 8, remainder 7);
alter table warehouse."variants_7" enable row level security;
alter table warehouse."variants_7" force row level security;
create unique index "variants_current" on warehouse."variants" (tenant_id, connection_id, "source_id") where superseded_at is null;
create index "variants_closed" on warehouse."variants" (tenant_id, connection_id, superseded_at) where superseded_at is not null;
alter table warehouse."variants" enable row level security;
alter table warehouse."variants" force row level security;
create policy readable on warehouse."variants" for select to app using (tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[]));
create policy insertable on warehouse."variants" for insert to app with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy updatable on warehouse."variants" for update to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy deletable on warehouse."variants" for delete to app using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on warehouse."variants" to app;
