-- As before (banking/sql/0009_returns.sql), but the trail's lock comes first, as in every function of staff's: whoever holds a row and waits for
-- the trail, and whoever has the trail and waits for that row, would wait for each other.
CREATE OR REPLACE FUNCTION banking_lift_restriction(p_return bigint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r banking_return;
BEGIN
    SELECT * INTO r FROM banking_return WHERE id = p_return;
    PERFORM console_acted('return.lift', p_return::text, format('Lifted the restriction that followed from %s.', r.code), p_reason);
    SELECT * INTO r FROM banking_return WHERE id = p_return FOR UPDATE;
    IF r.id IS NULL THEN
        RAISE EXCEPTION 'There is no such return.' USING ERRCODE = 'PY123';
    ELSIF NOT r.restricts OR r.lifted_at IS NOT NULL THEN
        RAISE EXCEPTION 'This return restricts nobody any more.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE banking_return SET lifted_at = core_now(), due_at = core_now() WHERE id = p_return;
END $$;
