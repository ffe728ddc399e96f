-- The trail of what staff did (docs/console.md): one chain of hashes over every action, and over every row that it changed with what was
-- there before and after. Nothing in it is ever changed or removed, by whatever role of the application.
--
-- For whoever adds something that staff may do:
--   1. The function of the database begins with `PERFORM console_acted('noun.verb', subject, 'what it does', p_reason)`, as before.
--   2. Its action gets rows in console_permission, in your own console migration: `SELECT console_permit('noun.verb', 'support', 'finance');`
--      Without rows nobody may do it, and a test says so. Roles: support, compliance, finance, auditor, administrator.
--   3. The tables that it changes are watched, in the same migration, with the columns that may be kept for good and read by auditors:
--      `SELECT console_watch('compliance_freeze', 'id', 'user_id', 'level', 'reason', 'ended_at');` The first column is what a row goes by.
--      Nothing encrypted, no token, hash or secret, no phone: console_watch refuses what looks like one. Again with other columns it replaces.
--   4. A page, file or phone that shows a person's data calls `console_viewed('person', 'usr_…')` once (core/staff.py: viewed()).
-- What somebody may do is `console_may('noun.verb')`, for the actor.

-- ------------------------------------------------------------------------------------------------------------- roles
CREATE TABLE console_permission (
    role text NOT NULL CHECK (role IN ('support', 'compliance', 'finance', 'auditor', 'administrator')),
    action text NOT NULL CHECK (action ~ '^[a-z_]+(\.[a-z_]+)?$'),
    PRIMARY KEY (role, action)
);
CREATE TABLE console_staffrole (
    user_id bigint NOT NULL REFERENCES users_user,
    role text NOT NULL CHECK (role IN ('support', 'compliance', 'finance', 'auditor', 'administrator')),
    PRIMARY KEY (user_id, role)
);
ALTER TABLE console_staffrole ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_staffrole FORCE ROW LEVEL SECURITY;
CREATE POLICY staff ON console_staffrole FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
CREATE POLICY system ON console_staffrole TO paya_worker USING ((SELECT core_actor()) = 0) WITH CHECK ((SELECT core_actor()) = 0);
CREATE POLICY engine ON console_staffrole TO paya_engine USING (true) WITH CHECK (true);
CREATE POLICY auditor ON console_staffrole FOR SELECT TO paya_auditor USING (true);
GRANT SELECT ON console_permission TO paya_engine, paya_staff, paya_worker, paya_auditor;
GRANT SELECT ON console_staffrole TO paya_staff, paya_auditor;
GRANT SELECT, INSERT, DELETE ON console_staffrole TO paya_engine, paya_worker;

-- For migrations: these roles may do this. What is there already stays.
CREATE FUNCTION console_permit(p_action text, VARIADIC p_roles text[]) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO console_permission (role, action) SELECT r, p_action FROM unnest(p_roles) r ON CONFLICT DO NOTHING
$$;
REVOKE EXECUTE ON FUNCTION console_permit(text, text[]) FROM PUBLIC;

-- Whether the actor is on the staff, active, and of a role that may do this. Asked anew each time: who is demoted loses at once.
CREATE FUNCTION console_may(p_action text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT console_is_staff() AND EXISTS (
        SELECT FROM console_staffrole s JOIN console_permission p USING (role) WHERE s.user_id = core_actor() AND p.action = p_action)
$$;

-- ------------------------------------------------------------------------------------------------------------- trail
CREATE TABLE console_trail (
    id bigint PRIMARY KEY CHECK (id > 0),             -- without gaps, in the order of the chain
    kind text NOT NULL CHECK (kind IN ('action', 'change')),
    of_action bigint REFERENCES console_trail CHECK ((of_action IS NULL) = (kind = 'action')),
    at timestamptz NOT NULL,
    staff_id bigint NOT NULL REFERENCES users_user,
    action text NOT NULL,
    subject text NOT NULL,                            -- of a change: the row, by its key
    what text NOT NULL,                               -- of a change: the table
    reason text NOT NULL,
    request_id text NOT NULL,
    before jsonb,
    after jsonb,
    record bigint,                                    -- of an action: its row in console_actionrecord, which the pages show
    -- Money that moved is in the ledger's blocks: the newest one at this moment, which stands for every row before it.
    block_height bigint NOT NULL,
    block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
    transaction bigint NOT NULL,                      -- of the database; a change belongs to an action of the same one
    previous bytea NOT NULL UNIQUE CHECK (octet_length(previous) = 32),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);
CREATE INDEX console_trail_subject ON console_trail (subject, id);
CREATE INDEX console_trail_changes ON console_trail (of_action) WHERE of_action IS NOT NULL;
ALTER TABLE console_trail ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_trail FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON console_trail TO paya_engine USING (true) WITH CHECK (true);
CREATE POLICY system ON console_trail FOR SELECT TO paya_worker USING ((SELECT core_actor()) = 0);
CREATE POLICY auditor ON console_trail FOR SELECT TO paya_auditor USING (true);
GRANT SELECT, INSERT ON console_trail TO paya_engine;
GRANT SELECT ON console_trail TO paya_worker, paya_auditor;
CREATE TRIGGER trail_stays BEFORE UPDATE OR DELETE ON console_trail FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER trail_is_kept BEFORE TRUNCATE ON console_trail FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- A text in the canonical form: how many bytes of UTF-8, and the bytes; what is null is a length of -1.
CREATE FUNCTION console_text_bytes(t text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN t IS NULL THEN int4send(-1) ELSE int4send(octet_length(convert_to(t, 'UTF8'))) || convert_to(t, 'UTF8') END
$$;
-- The hash of an entry: SHA-256 of "PaYaTrl1", every column of it in the order of the table, numbers as 8 bytes big-endian (null: -1), the
-- time in microseconds since 2000-01-01 UTC, texts as above, JSON as the text that PostgreSQL writes of jsonb, and the previous hash.
-- console/trail.py computes the same by itself.
CREATE FUNCTION console_trail_hash(e console_trail) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256('PaYaTrl1'::bytea || int8send(e.id) || console_text_bytes(e.kind) || int8send(coalesce(e.of_action, -1))
        || timestamptz_send(e.at) || int8send(e.staff_id) || console_text_bytes(e.action) || console_text_bytes(e.subject)
        || console_text_bytes(e.what) || console_text_bytes(e.reason) || console_text_bytes(e.request_id)
        || console_text_bytes(e.before::text) || console_text_bytes(e.after::text) || int8send(coalesce(e.record, -1))
        || int8send(e.block_height) || e.block_hash || int8send(e.transaction) || e.previous)
$$;

-- Put an entry at the end of the chain. One at a time, until the transaction has ended: the lock is held as long as the head is not known.
-- Statement by statement it sees what others have committed; at a stricter isolation the unique hash refuses the second of two.
CREATE FUNCTION console_append(e console_trail) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    head record;
    block record;
BEGIN
    PERFORM pg_advisory_xact_lock(720202, 1);
    SELECT id, hash INTO head FROM console_trail ORDER BY id DESC LIMIT 1;
    SELECT height, hash INTO block FROM ledger_block ORDER BY height DESC LIMIT 1;
    e.id := coalesce(head.id, 0) + 1;
    e.previous := coalesce(head.hash, decode(repeat('00', 32), 'hex'));
    e.at := coalesce(e.at, clock_timestamp());
    e.request_id := left(coalesce(current_setting('paya.request', true), ''), 64);
    e.block_height := coalesce(block.height, 0);
    e.block_hash := coalesce(block.hash, decode(repeat('00', 32), 'hex'));
    e.transaction := pg_current_xact_id()::text::bigint;
    e.hash := console_trail_hash(e);
    INSERT INTO console_trail SELECT e.*;
    RETURN e.id;
END $$;

-- Refuses everybody but staff, everybody whose roles may not do this, and everything without a reason; writes down who does what, when, why
-- and for which request. Its answer is the member of staff. The record stands or falls with the change, being in its transaction. Until that
-- ends, what is changed in the tables that are watched is caught as part of this action.
CREATE OR REPLACE FUNCTION console_acted(p_action text, p_subject text, p_what text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    e console_trail;
BEGIN
    IF NOT console_is_staff() THEN
        RAISE EXCEPTION 'Only staff may do this.' USING ERRCODE = 'PY120';
    ELSIF NOT console_may(p_action) THEN
        RAISE EXCEPTION 'None of your roles may do this (%).', p_action USING ERRCODE = 'PY120';
    ELSIF length(trim(coalesce(p_reason, ''))) NOT BETWEEN 10 AND 500 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = 'PY122';
    END IF;
    e.kind := 'action'; e.staff_id := core_actor(); e.action := p_action; e.subject := p_subject; e.what := p_what; e.reason := trim(p_reason);
    INSERT INTO console_actionrecord (staff_id, action, subject, what, reason)
    VALUES (e.staff_id, p_action, p_subject, p_what, e.reason) RETURNING id, at INTO e.record, e.at;
    PERFORM set_config('paya.acting', console_append(e)::text, true);
    RETURN e.staff_id;
END $$;

-- ----------------------------------------------------------------------------------------------- before and after
-- A row of a watched table that a staff's function changes, as an entry of its own that belongs to the action: of an update what is different,
-- of a new or removed row all that may be kept. TG_ARGV: what the row goes by, and the columns.
CREATE FUNCTION console_catch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    a console_trail;
    e console_trail;
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    now_is jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    -- Anybody can set paya.acting; only an action of this very transaction has changes.
    SELECT * INTO a FROM console_trail WHERE id = current_setting('paya.acting')::bigint AND kind = 'action'
        AND transaction = pg_current_xact_id()::text::bigint;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(c, was -> c) FILTER (WHERE was IS NOT NULL), jsonb_object_agg(c, now_is -> c) FILTER (WHERE now_is IS NOT NULL)
    INTO e.before, e.after
    FROM unnest(string_to_array(TG_ARGV[1], ',')) c WHERE TG_OP <> 'UPDATE' OR was -> c IS DISTINCT FROM now_is -> c;
    IF e.before IS NULL AND e.after IS NULL THEN
        RETURN NULL;
    END IF;
    e.kind := 'change'; e.of_action := a.id; e.staff_id := a.staff_id; e.action := a.action; e.what := TG_TABLE_NAME; e.reason := '';
    e.subject := coalesce(now_is, was) ->> TG_ARGV[0];
    PERFORM console_append(e);
    RETURN NULL;
END $$;

-- For migrations: catch before and after of this table's rows while staff act. See the top of this file.
CREATE FUNCTION console_watch(p_table regclass, p_key text, VARIADIC p_columns text[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c text;
BEGIN
    FOREACH c IN ARRAY p_key || p_columns LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = p_table AND attname = c AND NOT attisdropped) THEN
            RAISE EXCEPTION '% has no column %', p_table, c;
        ELSIF c ~ 'cipher|token|secret|password|phone|(^|_)(hash|index)$'
            OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = p_table AND attname = c AND atttypid = 'bytea'::regtype) THEN
            RAISE EXCEPTION '%.% is not for the trail', p_table, c;
        END IF;
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER console_trail AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW
         WHEN (current_setting(''paya.acting'', true) <> '''') EXECUTE FUNCTION console_catch(%L, %L)',
        p_table, p_key, array_to_string(p_columns, ','));
END $$;
REVOKE EXECUTE ON FUNCTION console_watch(regclass, text, text[]) FROM PUBLIC;

-- ------------------------------------------------------------------------------------------------------------- views
-- Each time that a member of staff was shown a person's data. Private payments have a list of their own, with a reason (payments_staffview).
CREATE TABLE console_personview (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    staff_id bigint NOT NULL REFERENCES users_user,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,30}$'),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 120),
    request_id text NOT NULL
);
CREATE INDEX console_personview_subject ON console_personview (subject, id);
ALTER TABLE console_personview ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_personview FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON console_personview TO paya_engine USING (true) WITH CHECK (true);
CREATE POLICY auditor ON console_personview FOR SELECT TO paya_auditor USING (true);
GRANT SELECT, INSERT ON console_personview TO paya_engine;
GRANT SELECT ON console_personview TO paya_auditor;
CREATE TRIGGER views_stay BEFORE UPDATE OR DELETE ON console_personview FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER views_are_kept BEFORE TRUNCATE ON console_personview FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- The actor is shown this: `p_kind` is what (person, phone, document, export, …), `p_subject` whose or which, by public id. Never a phone.
CREATE FUNCTION console_viewed(p_kind text, p_subject text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_is_staff() THEN
        RAISE EXCEPTION 'Only staff may look.' USING ERRCODE = 'PY120';
    END IF;
    INSERT INTO console_personview (staff_id, kind, subject, request_id)
    VALUES (core_actor(), p_kind, p_subject, left(coalesce(current_setting('paya.request', true), ''), 64));
END $$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{console_may(text),"console_append(console_trail)",console_catch(),"console_viewed(text,text)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION console_may(text) TO paya_staff;
GRANT EXECUTE ON FUNCTION console_viewed(text, text) TO paya_staff;

-- --------------------------------------------------------------------------------------------- what staff see of it
CREATE VIEW console_trailentry AS
    SELECT t.id, t.kind, t.of_action, t.at, console_email(t.staff_id) AS staff, t.action, t.subject, t.what, t.reason, t.request_id,
           t.before, t.after, t.block_height, encode(t.hash, 'hex') AS hash
    FROM console_trail t WHERE (SELECT console_is_staff()) AND (SELECT console_may('trail.view'));
CREATE VIEW console_viewed_by AS
    SELECT v.id, v.at, console_email(v.staff_id) AS staff, v.kind, v.subject, v.request_id
    FROM console_personview v WHERE (SELECT console_is_staff()) AND (SELECT console_may('trail.view'));
CREATE VIEW console_member AS
    SELECT u.public_id::text AS id, u.id AS user_id, u.email::text, u.is_active, u.created_at,
           (SELECT string_agg(s.role, ', ' ORDER BY s.role) FROM console_staffrole s WHERE s.user_id = u.id) AS roles,
           (SELECT max(at) FROM console_actionrecord r WHERE r.staff_id = u.id) AS acted_at
    FROM users_user u WHERE u.kind = 'staff' AND (SELECT console_is_staff());
ALTER VIEW console_trailentry OWNER TO paya_engine;
ALTER VIEW console_viewed_by OWNER TO paya_engine;
ALTER VIEW console_member OWNER TO paya_engine;
GRANT SELECT ON console_trailentry, console_viewed_by, console_member TO paya_staff;

-- ----------------------------------------------------------------------------------------------------------- anchors
-- The head of the chain at the end of an interval, signed. It is written down here first, then put where this database has no say
-- (console/trail.py); what was interrupted in between goes on with the same bytes.
CREATE TABLE console_trailanchor (
    position bigint PRIMARY KEY CHECK (position > 0),
    interval_start timestamptz NOT NULL UNIQUE,
    entry bigint NOT NULL REFERENCES console_trail,
    note bytea NOT NULL,
    published_at timestamptz
);
ALTER TABLE console_trailanchor ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_trailanchor FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON console_trailanchor TO paya_worker USING ((SELECT core_actor()) = 0) WITH CHECK ((SELECT core_actor()) = 0);
CREATE POLICY auditor ON console_trailanchor FOR SELECT TO paya_auditor USING (true);
GRANT SELECT, INSERT, UPDATE (published_at) ON console_trailanchor TO paya_worker;
GRANT SELECT ON console_trailanchor TO paya_auditor;
CREATE TRIGGER anchors_stay BEFORE DELETE OR UPDATE OF position, interval_start, entry, note ON console_trailanchor
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER anchors_are_kept BEFORE TRUNCATE ON console_trailanchor FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
GRANT EXECUTE ON FUNCTION transparency_keys() TO paya_auditor;

-- ------------------------------------------------------------------------------------------------- what was there before
-- As the engine: the policies bind the tables' owner as well.
SET LOCAL ROLE paya_engine;
-- Whoever was on the staff before there were roles may go on with all that they did. Somebody has to take away what is too much.
INSERT INTO console_staffrole (user_id, role)
SELECT u.id, r FROM users_user u, unnest('{support,compliance,finance,auditor,administrator}'::text[]) r WHERE u.kind = 'staff' AND u.is_active;
-- What was recorded before there was a chain comes into it first, in its order.
DO $$
DECLARE
    r console_actionrecord;
    e console_trail;
BEGIN
    FOR r IN SELECT * FROM console_actionrecord ORDER BY id LOOP
        e := NULL;
        e.kind := 'action'; e.at := r.at; e.staff_id := r.staff_id; e.action := r.action; e.subject := r.subject;
        e.what := r.what; e.reason := r.reason; e.record := r.id;
        PERFORM console_append(e);
    END LOOP;
END $$;
RESET ROLE;
