-- A break that staff resolved and that nobody booked is a difference that stays: the day's result names it.
ALTER TABLE banking_reconciliation DROP CONSTRAINT banking_reconciled_result;
ALTER TABLE banking_reconciliation ADD CONSTRAINT banking_reconciled_result
    CHECK (result IN ('clean', 'accepted', 'breaks', 'unknown')) NOT VALID;

-- How much of it there is over all custodians, for the line on the public page. No amounts of single items.
CREATE FUNCTION banking_accepted_differences() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(newest.accepted_cents), 0)::bigint FROM (
        SELECT DISTINCT ON (r.custodian) r.accepted_cents FROM banking_reconciliation r
        WHERE r.current ORDER BY r.custodian, r."on" DESC
    ) newest
$$;
ALTER FUNCTION banking_accepted_differences() OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_accepted_differences() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_accepted_differences() TO paya_web, paya_worker;
