-- Which entries can be taken back: asked by whoever offers it and by whoever does it. The days are counted where the calendar is.
CREATE FUNCTION banking_nacha_reversible(e banking_nachaentry) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT e.purpose IN ('transfer', 'retry') AND e.status IN ('acknowledged', 'settled')
       AND NOT EXISTS (SELECT FROM banking_nachaorder WHERE original_id = e.id AND kind = 'reversal' AND refused = '')
$$;

CREATE OR REPLACE FUNCTION banking_nacha_order_reversal(p_entry text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    e banking_nachaentry;
    made bigint;
BEGIN
    SELECT * INTO e FROM banking_nachaentry WHERE public_id = p_entry;
    PERFORM console_acted('nacha.reverse', p_entry, 'Asked for it to be taken back by a reversal.', p_reason);
    IF e.id IS NULL THEN
        RAISE EXCEPTION 'There is no such entry.' USING ERRCODE = 'PY123';
    ELSIF NOT banking_nacha_reversible(e) THEN
        RAISE EXCEPTION 'Only a transfer that the bank has taken, and that neither came back nor is being taken back, can be reversed.'
            USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO banking_nachaorder (user_id, kind, key, receiver_id, direction, original_id, asked_by_id, due_at)
    VALUES (e.user_id, 'reversal', gen_random_uuid(), e.receiver_id,
        CASE e.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END, e.id, core_actor(), core_now()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN unique_violation THEN  -- two at once
    RAISE EXCEPTION 'Its reversal was asked for before.' USING ERRCODE = 'PY124';
END $$;

ALTER FUNCTION banking_nacha_reversible(banking_nachaentry) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_nacha_reversible(banking_nachaentry) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_nacha_reversible(banking_nachaentry) TO paya_staff;  -- by console's view
