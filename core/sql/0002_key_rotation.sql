-- Replacing data keys while they are in use.

-- One row per rotation of data keys: every key made before `started_at` is to go. An unfinished one is resumed.
CREATE TABLE core_keyrotation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX core_keyrotation_one ON core_keyrotation ((true)) WHERE finished_at IS NULL;
GRANT SELECT, INSERT, UPDATE (finished_at) ON core_keyrotation TO paya_worker;
GRANT SELECT ON core_keyrotation TO paya_auditor;

-- The newest data key, held until the transaction ends: whoever deletes a key takes its lock exclusively and looks
-- once more for values under it. Between finding the key and holding it, it may have been replaced: then again.
CREATE FUNCTION core_hold_person_key(p_user bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found bigint;
    newest bigint;
BEGIN
    LOOP
        SELECT max(id) INTO found FROM core_datakey WHERE user_id = p_user;
        EXIT WHEN found IS NULL;
        PERFORM pg_advisory_xact_lock_shared(720110, (found % 2147483647)::int);
        SELECT max(id) INTO newest FROM core_datakey WHERE user_id = p_user;
        EXIT WHEN newest = found;
    END LOOP;
    RETURN found;
END $$;

CREATE FUNCTION core_hold_system_key(p_name text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found bigint;
    newest bigint;
BEGIN
    LOOP
        SELECT max(id) INTO found FROM core_systemkey WHERE name = p_name;
        EXIT WHEN found IS NULL;
        PERFORM pg_advisory_xact_lock_shared(720111, (found % 2147483647)::int);
        SELECT max(id) INTO newest FROM core_systemkey WHERE name = p_name;
        EXIT WHEN newest = found;
    END LOOP;
    RETURN found;
END $$;

REVOKE EXECUTE ON FUNCTION core_hold_person_key(bigint), core_hold_system_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core_hold_person_key(bigint), core_hold_system_key(text) TO paya_web, paya_worker;
