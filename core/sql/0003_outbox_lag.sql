-- How long the oldest event has been waiting to be published, in milliseconds; 0 when none waits. For whoever measures,
-- who may ask but not read.
CREATE FUNCTION core_outbox_lag() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::int FROM (
        (SELECT created_at FROM public.core_outbox WHERE position IS NULL ORDER BY id LIMIT 1)
        UNION ALL
        (SELECT created_at FROM public.core_outbox WHERE position > (SELECT published FROM public.core_outboxhead WHERE id = 1)
         ORDER BY position LIMIT 1)) oldest
$$;
REVOKE EXECUTE ON FUNCTION core_outbox_lag() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core_outbox_lag() TO paya_web, paya_worker, paya_staff;
