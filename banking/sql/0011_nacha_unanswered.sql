-- Since when our bank owes an acknowledgement that is overdue, for the page that tells everybody how things stand: a time, and
-- nothing of any file. After a week it is no news any more, and staff have long been at it.
CREATE FUNCTION banking_nacha_unanswered() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT min(missed_at) FROM banking_nachafile
    WHERE status = 'sent' AND missed_at IS NOT NULL AND sent_at > core_now() - interval '7 days'
$$;
ALTER FUNCTION banking_nacha_unanswered() OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_nacha_unanswered() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_nacha_unanswered() TO paya_web, paya_worker, paya_staff;
