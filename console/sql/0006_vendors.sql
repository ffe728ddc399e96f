-- Whom PaYa calls over the network, by name: how each is doing is in Redis, where all processes see it.
CREATE VIEW console_vendor AS
    SELECT v.name FROM (VALUES ('dwolla'), ('plaid'), ('stripe'), ('twilio'), ('sns')) v (name) WHERE (SELECT console_is_staff());
ALTER VIEW console_vendor OWNER TO paya_engine;
GRANT SELECT ON console_vendor TO paya_staff;

-- The record of what is then done in Redis, or in the sandbox of a local run; nothing of the database changes.
CREATE FUNCTION console_vendor_held(p_vendor text, p_held boolean, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted(CASE WHEN p_held THEN 'vendor.hold' ELSE 'vendor.release' END, p_vendor,
        CASE WHEN p_held THEN 'Nothing is asked of ' || p_vendor || ' any more.'
             ELSE p_vendor || ' is asked again, its failures forgotten.' END, p_reason);
    IF NOT EXISTS (SELECT FROM console_vendor WHERE name = p_vendor) THEN
        RAISE EXCEPTION 'no such vendor' USING ERRCODE = 'PY123';
    END IF;
END $$;
CREATE FUNCTION console_sandbox_told(p_what text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('sandbox', 'sandbox', p_what, p_reason);
END $$;
ALTER FUNCTION console_vendor_held(text, boolean, text) OWNER TO paya_engine;
ALTER FUNCTION console_sandbox_told(text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION console_vendor_held(text, boolean, text), console_sandbox_told(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION console_vendor_held(text, boolean, text), console_sandbox_told(text, text) TO paya_staff;
