-- A bank that denied us denies us whoever links it, by whatever rail: asked by its numbers, over all people.
GRANT UPDATE (numbers_index) ON banking_bankaccount TO paya_web, paya_worker;
GRANT SELECT (numbers_index, blocked_by) ON banking_bankaccount TO paya_engine;

CREATE FUNCTION banking_barred(p_numbers bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM banking_bankaccount WHERE numbers_index = p_numbers AND blocked_by <> '')
$$;
REVOKE EXECUTE ON FUNCTION banking_barred(bytea) FROM PUBLIC;
ALTER FUNCTION banking_barred(bytea) OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION banking_barred(bytea) TO paya_web, paya_worker;
