CREATE POLICY owner_read ON sessions FOR SELECT TO owner USING (true);
CREATE POLICY owner_read ON users FOR SELECT TO owner USING (true);
CREATE POLICY owner_read ON memberships FOR SELECT TO owner USING (true);
CREATE POLICY owner_read ON membership_tenants FOR SELECT TO owner USING (true);
CREATE FUNCTION person_of_session(session_hash bytea) RETURNS TABLE (agency_id uuid, user_id uuid, name text, email text, locale text, role text, client_id uuid, csrf text, tenant_ids uuid[]) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
select u.agency_id, u.user_id, u.name, u.email, u.locale, m.role, m.client_id, s.csrf,
    array(select t.tenant_id from public.membership_tenants t where t.agency_id = m.agency_id and t.user_id = m.user_id
        order by t.tenant_id)
from public.sessions s
join public.users u on u.agency_id = s.agency_id and u.user_id = s.user_id
join public.memberships m on m.agency_id = u.agency_id and m.user_id = u.user_id
where s.session_hash = $1 and s.expires_at > now() and u.active
$$;
REVOKE ALL ON FUNCTION person_of_session(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_of_session(bytea) TO app;
