-- Whoever is left out of the weekly rewards is told why, in a letter. From the first week that is not closed yet, for so many weeks.
CREATE FUNCTION rewards_mark_ineligible(p_person text, p_weeks int, p_told text, p_reason text) RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    person bigint;
    running date := date_trunc('week', core_now() AT TIME ZONE 'UTC')::date;
    first date;
BEGIN
    PERFORM console_acted('rewards.ineligible', p_person, format('Left out of the rewards for %s weeks.', p_weeks), p_reason);
    SELECT id INTO person FROM users_user WHERE public_id = p_person AND kind = 'person';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123';
    ELSIF p_weeks NOT BETWEEN 1 AND 520 THEN
        RAISE EXCEPTION 'Name from 1 to 520 weeks.' USING ERRCODE = 'PY124';
    ELSIF length(trim(p_told)) NOT BETWEEN 20 AND 500 THEN
        RAISE EXCEPTION 'The person has to be told why.' USING ERRCODE = 'PY124';
    END IF;
    SELECT least(coalesce(max(starts_on) + 7, running), running) INTO first FROM rewards_run;
    PERFORM pg_advisory_xact_lock(420601, hashtext(p_person));  -- the second click waits, and finds what the first one did
    IF EXISTS (SELECT FROM rewards_ineligibility
               WHERE user_id = person AND lifted_at IS NULL AND since <= first AND until >= first + 7 * p_weeks) THEN
        RAISE EXCEPTION 'This person is left out for that long already.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO rewards_ineligibility (user_id, since, until, reason, marked_by_id)
        VALUES (person, first, first + 7 * p_weeks, trim(p_reason), core_actor());
    PERFORM compliance_tell(person, 'rewards', 'You are left out of the weekly rewards for now',
        trim(p_told) || format(E'\n\nYou count again from the week that begins on %s. Your money, and what you were given before, stays yours. If you think '
            'that this is wrong, ask us to look again.', to_char(first + 7 * p_weeks, 'FMMonth FMDD, YYYY')), '');
    RETURN first + 7 * p_weeks;
END $$;
REVOKE EXECUTE ON FUNCTION rewards_mark_ineligible(text, int, text, text) FROM PUBLIC;
ALTER FUNCTION rewards_mark_ineligible(text, int, text, text) OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION rewards_mark_ineligible(text, int, text, text) TO paya_staff;

-- What the release before this one calls: it leaves out nobody without a word.
CREATE OR REPLACE FUNCTION rewards_mark_ineligible(p_person text, p_weeks int, p_reason text) RETURNS date LANGUAGE sql SECURITY INVOKER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT rewards_mark_ineligible(p_person, p_weeks, '', p_reason)
$$;
