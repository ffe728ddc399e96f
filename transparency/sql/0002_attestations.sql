-- Attestations and proofs of liabilities (transparency/attesting, docs/proofs.md).

-- What was signed, published or said stays. An attestation is filled in from left to right: what is set is never changed.
CREATE FUNCTION transparency_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was attested stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PY110';
END $$;
CREATE FUNCTION transparency_only_fill_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n USING (key)
               WHERE o.value <> 'null' AND o.value IS DISTINCT FROM n.value) THEN
        RAISE EXCEPTION 'an attestation is never changed: epoch %', OLD.epoch USING ERRCODE = 'PY110';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attested_once BEFORE UPDATE ON transparency_attestation FOR EACH ROW EXECUTE FUNCTION transparency_only_fill_in();
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{attestation,snapshot,chainentry,publication,signingkey,enrolment,complaint}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON transparency_%s FOR EACH STATEMENT EXECUTE FUNCTION transparency_refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY '{snapshot,chainentry,publication}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER unchanged BEFORE UPDATE ON transparency_%s FOR EACH STATEMENT EXECUTE FUNCTION transparency_refuse()', t);
    END LOOP;
END $$;

-- ------------------------------------------------------------------------------------------------------ the freeze
-- Nobody posts while this lock is held: it is asked for with a short time-out, and held for the moment in which a snapshot is
-- exported. A posting is stamped after it has the lock on its rows; so what the snapshot has is what is stamped before that
-- moment; so with secrets, and with names. Runs as the owner, who alone may lock a table as a whole. To be called before the
-- snapshot is taken.
CREATE FUNCTION transparency_freeze(p_lock_timeout text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('lock_timeout', p_lock_timeout, true);
    LOCK TABLE ledger_account, transparency_enrolment, users_profile IN SHARE MODE;
END $$;

-- What a leaf says of whose it is (PROOFS 5.1), for those who made no secret of their own.
CREATE FUNCTION transparency_who(p_account text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256('PaYaPoL1'::bytea || '\x10'::bytea || int2send(length(p_account)::int2) || convert_to(p_account, 'UTF8')
                  || decode(repeat('00', 32), 'hex'))
$$;

-- Each account that is owed to, in ascending order: what it is owed, and who it was said to be at that instant (whoever had not
-- chosen a name yet is known by the wallet), however much later the tree is built. People are numbered by their id; the house's own accounts that are owed to people come last. All in the caller's snapshot.
CREATE FUNCTION transparency_liabilities(p_instant timestamptz)
RETURNS TABLE (number bigint, owed bigint, who bytea, is_open boolean) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET work_mem = '128MB' SET jit = off AS $$
    WITH newest AS (
        SELECT DISTINCT ON (user_id) user_id, who FROM transparency_enrolment WHERE made_at < p_instant ORDER BY user_id, id DESC
    ), people AS (
        SELECT w.user_id AS number, greatest(a.balance, 0) + greatest(h.balance, 0) + w.pending_out AS owed,
               coalesce(e.who, transparency_who(coalesce(p.username, w.public_id))) AS who,
               a.status < 3 OR a.balance <> 0 OR h.balance <> 0 OR w.pending_out <> 0 AS is_open
        FROM wallets_wallet w
        JOIN ledger_account a ON a.id = w.account
        JOIN ledger_account h ON h.id = w.hold_account
        LEFT JOIN users_profile p ON p.user_id = w.user_id AND p.created_at < p_instant
        LEFT JOIN newest e ON e.user_id = w.user_id
    ), house AS (
        SELECT 4294967292 AS number, a.balance - (SELECT coalesce(sum(pending_out), 0) FROM wallets_wallet) AS owed,
               'house:redemptions_payable' AS name FROM ledger_account a WHERE a.id = 70
        UNION ALL SELECT 4294967293, a.balance, 'house:rewards_pool' FROM ledger_account a WHERE a.id = 80
        UNION ALL SELECT 4294967294, a.balance, 'house:suspense' FROM ledger_account a WHERE a.id = 101
    )
    SELECT number, owed, who, is_open FROM people
    UNION ALL SELECT number, greatest(owed, 0)::bigint, transparency_who(name), true FROM house
    ORDER BY number
$$;

-- What people owe us, and what the ledger says is required, in the caller's snapshot.
CREATE FUNCTION transparency_totals() RETURNS TABLE (receivable bigint, required bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(-sum(balance) FILTER (WHERE kind = 3 AND balance < 0), 0)::bigint,
           coalesce(sum(balance) FILTER (WHERE kind IN (1, 2, 5, 8, 13)), 0)::bigint
    FROM ledger_account
$$;

-- ---------------------------------------------------------------------------------------------- what everybody may read
-- The chain as far as the site shows it: all of it, or some entries between two positions, the newest or the oldest of them.
CREATE FUNCTION transparency_chain(
    p_kind text DEFAULT NULL, p_epoch bigint DEFAULT NULL, p_after bigint DEFAULT -1, p_before bigint DEFAULT NULL,
    p_newest boolean DEFAULT false, p_limit int DEFAULT NULL
) RETURNS TABLE (
    "position" bigint, kind text, epoch bigint, note bytea, digest text, previous text, checkpoint bytea, signed_at timestamptz,
    published_at timestamptz, open boolean, complaints bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.position, c.kind, c.epoch, c.note, c.digest, c.previous, c.checkpoint, c.signed_at, s.at,
           coalesce(c.kind = 'attestation' AND a.opened_at IS NOT NULL, false),
           CASE c.kind WHEN 'attestation' THEN (SELECT count(*) FROM transparency_complaint q WHERE q.epoch = c.epoch) ELSE 0 END
    FROM transparency_chainentry c
    JOIN transparency_publication s ON s.entry_id = c.position AND s.channel = 'site'
    LEFT JOIN transparency_attestation a ON a.epoch = c.epoch
    WHERE c.position > p_after AND (p_before IS NULL OR c.position < p_before)
      AND (p_kind IS NULL OR c.kind = p_kind) AND (p_epoch IS NULL OR c.epoch = p_epoch)
    ORDER BY CASE WHEN p_newest THEN -c.position ELSE c.position END LIMIT p_limit
$$;

CREATE FUNCTION transparency_keys() RETURNS TABLE (name text, public bytea, made_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT name, public, made_at FROM transparency_signingkey ORDER BY id
$$;

-- ------------------------------------------------------------------------------------- what one person's proof is made of
-- A day's instant, depth and sealed key; nothing before proofs are open.
CREATE FUNCTION transparency_day(p_epoch bigint)
RETURNS TABLE (instant timestamptz, depth smallint, secret bigint, key_cipher bytea, accounts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.instant, a.depth, s.id, s.key_cipher, a.accounts
    FROM transparency_attestation a JOIN transparency_daysecret s USING (epoch)
    WHERE a.epoch = p_epoch AND a.opened_at IS NOT NULL
$$;

-- The key that signed at a time: a person's statement is signed when it is asked for, by the key that signed its day.
CREATE FUNCTION transparency_signing_key(p_at timestamptz) RETURNS TABLE (id bigint, name text, public bytea, private_cipher bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT id, name, public, private_cipher FROM transparency_signingkey WHERE made_at <= p_at ORDER BY id DESC LIMIT 1
$$;

-- How many entries the person's wallet had at a time, found by bisection: time and version agree.
CREATE FUNCTION transparency_entry_at(p_user bigint, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mine bigint;
    low bigint := 0;
    high bigint;
    probe bigint;
    at timestamptz;
BEGIN
    PERFORM wallets_check_actor(p_user);
    SELECT a.id, a.version + 1 INTO mine, high FROM wallets_wallet w JOIN ledger_account a ON a.id = w.account WHERE w.user_id = p_user;
    WHILE low + 1 < high LOOP
        probe := (low + high) / 2;
        SELECT posted_at INTO at FROM ledger_transfer WHERE debit_account = mine AND debit_version = probe;
        IF NOT FOUND THEN
            SELECT posted_at INTO at FROM ledger_transfer WHERE credit_account = mine AND credit_version = probe;
        END IF;
        IF at < p_at THEN low := probe; ELSE high := probe; END IF;
    END LOOP;
    RETURN low;
END $$;

-- One transfer as the person's own wallet has it: the number of its entry there, and the balance after it.
CREATE FUNCTION transparency_own_entry(p_user bigint, p_transfer uuid)
RETURNS TABLE (entry bigint, amount bigint, balance bigint, posted_at timestamptz) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    RETURN QUERY
        SELECT CASE w.account WHEN t.debit_account THEN t.debit_version ELSE t.credit_version END,
               CASE w.account WHEN t.debit_account THEN -t.amount ELSE t.amount::bigint END,
               CASE w.account WHEN t.debit_account THEN t.debit_balance ELSE t.credit_balance END, t.posted_at
        FROM ledger_transfer t JOIN wallets_wallet w ON w.user_id = p_user AND w.account IN (t.debit_account, t.credit_account)
        WHERE t.id = p_transfer;
END $$;

-- An old day's tree is wanted again; the worker builds it.
CREATE FUNCTION transparency_wish_rebuild(p_epoch bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO transparency_wish (kind, epoch) SELECT 'rebuild', p_epoch
    WHERE EXISTS (SELECT FROM transparency_attestation a WHERE a.epoch = p_epoch AND a.opened_at IS NOT NULL)
    ON CONFLICT DO NOTHING
$$;

-- ---------------------------------------------------------------------------------------------------------- the staff
CREATE FUNCTION transparency_wish_attestation(p_reason text) RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    today bigint := extract(epoch FROM date_trunc('day', core_now() AT TIME ZONE 'UTC')) / 86400;
BEGIN
    PERFORM console_acted('attest', 'attestation', 'Asked for an attestation now.', p_reason);
    IF EXISTS (SELECT FROM transparency_chainentry WHERE kind = 'attestation' AND epoch = today) THEN
        RAISE EXCEPTION 'Today has its attestation: one day, one text. What it says wrong is corrected by the next.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO transparency_wish (kind, epoch) VALUES ('attest', today) ON CONFLICT DO NOTHING;
    RETURN date '1970-01-01' + today::int;
END $$;

CREATE FUNCTION transparency_answer_complaint(p_complaint bigint, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('complaint.answer', p_complaint::text, 'Answered a complaint about a proof.', p_reason);
    UPDATE transparency_complaint SET answered_at = core_now() WHERE id = p_complaint AND answered_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This complaint was answered.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_complaint;
END $$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['transparency_liabilities(timestamptz)', 'transparency_totals()', 'transparency_chain(text, bigint, bigint, bigint, boolean, int)',
        'transparency_keys()', 'transparency_day(bigint)', 'transparency_signing_key(timestamptz)', 'transparency_entry_at(bigint, timestamptz)',
        'transparency_own_entry(bigint, uuid)', 'transparency_wish_rebuild(bigint)', 'transparency_wish_attestation(text)', 'transparency_answer_complaint(bigint, text)'
        ]::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION transparency_freeze(text), transparency_who(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION transparency_who(text) TO paya_engine;
GRANT EXECUTE ON FUNCTION transparency_freeze(text), transparency_liabilities(timestamptz), transparency_totals() TO paya_worker;
GRANT EXECUTE ON FUNCTION transparency_chain(text, bigint, bigint, bigint, boolean, int), transparency_keys() TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT EXECUTE ON FUNCTION transparency_day(bigint), transparency_signing_key(timestamptz), transparency_entry_at(bigint, timestamptz),
    transparency_own_entry(bigint, uuid), transparency_wish_rebuild(bigint) TO paya_web, paya_worker;
GRANT EXECUTE ON FUNCTION transparency_wish_attestation(text), transparency_answer_complaint(bigint, text) TO paya_staff;

GRANT SELECT, INSERT ON transparency_attestation, transparency_snapshot, transparency_daysecret, transparency_chainentry,
    transparency_publication, transparency_signingkey, transparency_enrolment, transparency_complaint, transparency_wish TO paya_worker;
GRANT UPDATE (depth, root, built_at, opened_at) ON transparency_attestation TO paya_worker;
GRANT UPDATE (key_cipher), DELETE ON transparency_daysecret TO paya_worker;
GRANT UPDATE (private_cipher) ON transparency_signingkey TO paya_worker;
GRANT UPDATE (nonce_cipher) ON transparency_enrolment TO paya_worker;
GRANT UPDATE (done_at, outcome) ON transparency_wish TO paya_worker;
GRANT SELECT, INSERT ON transparency_enrolment, transparency_complaint TO paya_web;
GRANT SELECT ON transparency_attestation, transparency_daysecret, transparency_chainentry, transparency_publication,
    transparency_signingkey, transparency_enrolment, transparency_complaint TO paya_engine;
GRANT SELECT, INSERT ON transparency_wish TO paya_engine;
GRANT UPDATE (answered_at) ON transparency_complaint TO paya_engine;
GRANT SELECT ON wallets_wallet, users_profile TO paya_engine;
DO $$
DECLARE
    t text;
BEGIN
    -- The auditor rebuilds the tree from ledger, snapshot and the day's key, which the key service opens for them.
    FOREACH t IN ARRAY '{attestation,snapshot,daysecret,chainentry,publication,wish}'::text[] LOOP
        EXECUTE format('CREATE POLICY auditor ON transparency_%s FOR SELECT TO paya_auditor USING (true)', t);
        EXECUTE format('GRANT SELECT ON transparency_%s TO paya_auditor', t);
    END LOOP;
    FOREACH t IN ARRAY '{daysecret,publication,signingkey,enrolment,complaint,wish}'::text[] LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE transparency_%s_id_seq TO paya_web, paya_worker, paya_engine', t);
    END LOOP;
END $$;
GRANT SELECT ON transparency_enrolment, transparency_complaint TO paya_auditor;
GRANT EXECUTE ON FUNCTION transparency_liabilities(timestamptz) TO paya_auditor;
