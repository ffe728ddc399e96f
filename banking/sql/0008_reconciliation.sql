-- Reconciliation: what custodians say, compared with the ledger and with our own transfers (banking/reconciliation).

CREATE TRIGGER banking_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_statement
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();
CREATE TRIGGER banking_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_statementline
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();
CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_reconciliation
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();
CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_break
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();

-- The three sides of one custodian, brought together: per key (a transfer's key at the rail, or a statement line's own)
-- what the ledger's reserve account holds, what our transfer says, and what the statement's lines say; of all that was
-- known at p_cut by our clock, in one snapshot. The first row has the totals; the others are the keys on which not
-- everything agrees. Why they do not is decided by banking/reconciliation/rules.py.
CREATE FUNCTION banking_match(p_custodian text, p_account bigint, p_cut timestamptz)
RETURNS TABLE (part text, data jsonb) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET work_mem = '256MB' SET jit = off AS $$
    WITH posting AS (
        SELECT coalesce(group_id, reverses, id) AS key, id, kind, amount, posted_at FROM ledger_transfer
        WHERE debit_account BETWEEN -(p_account * 64 + 63) AND -(p_account * 64) AND posted_at < p_cut
        UNION ALL
        SELECT coalesce(group_id, reverses, id), id, kind, -amount, posted_at FROM ledger_transfer
        WHERE credit_account BETWEEN -(p_account * 64 + 63) AND -(p_account * 64) AND posted_at < p_cut
    ), l AS (
        SELECT key, sum(amount)::bigint AS net, max(abs(amount)) AS largest, count(*) - count(DISTINCT kind) AS twice,
               bool_or(kind = 21) AS suspended, max(posted_at) AS at, min(id::text) AS id
        FROM posting GROUP BY key
    ), t AS (
        SELECT b.rail_key AS key, b.id, b.public_id, b.kind, b.amount, b.external_id, b.created_at,
               CASE WHEN p_cut >= now() THEN b.status ELSE (
                   SELECT m.status FROM banking_transfermove m WHERE m.transfer_id = b.id AND m.at < p_cut ORDER BY m.id DESC LIMIT 1
               ) END AS status,
               CASE b.kind WHEN 'load' THEN b.amount ELSE -b.amount END AS signed, encode(k.source_index, 'hex') AS bank
        FROM banking_banktransfer b
        LEFT JOIN banking_banksource k ON k.account_id = b.bank_account_id AND k.rail = p_custodian
        WHERE b.rail = p_custodian AND b.created_at < p_cut
    ), line AS (
        SELECT coalesce(a.key, r.key, f.key, e.key, n.key) AS key, n.id, n.entry, n.kind, n.state, n.amount, n.effect, n.currency, n.account_index,
               n.seen_at, n.reference
        FROM banking_statementline n
        LEFT JOIN t a ON a.external_id = n.transfer AND n.kind IN ('transfer', 'return') AND n.transfer <> ''
        LEFT JOIN t r ON r.key = n.reference_key AND n.kind IN ('transfer', 'return')
        -- A bank names the trace of an entry in our files; one that was sent again belongs to the first one's transfer.
        LEFT JOIN banking_nachaentry e ON p_custodian = 'odfi' AND e.trace = n.transfer AND n.kind IN ('transfer', 'return')
        LEFT JOIN banking_nachaentry f ON f.id = e.original_id AND e.purpose = 'retry'
        WHERE n.custodian = p_custodian AND n.seen_at < p_cut
    ), s AS (
        SELECT key, sum(effect)::bigint AS net,
               -- What one line says is several times there: other entries of the same kind that counted.
               count(DISTINCT entry) FILTER (WHERE kind <> 'return' AND effect <> 0) AS entries,
               max(amount) FILTER (WHERE kind <> 'return') AS amount, min(amount) FILTER (WHERE kind <> 'return') AS least,
               bool_or(state = 'posted' AND kind <> 'return') AS posted, bool_or(state = 'failed' OR kind = 'return') AS returned,
               bool_or(state = 'cancelled') AS cancelled,
               max(currency) FILTER (WHERE currency <> 'USD') AS currency,
               max(account_index) FILTER (WHERE account_index <> '') AS account, min(kind) AS kind,
               bool_or(reference <> '') AS referenced, max(seen_at) AS at, max(id) AS id
        FROM line GROUP BY key
    ), pair AS (
        SELECT key, t.id AS number, t.public_id, t.kind, t.amount, t.status, t.created_at, t.signed, t.bank,
               t.external_id,
               CASE t.status WHEN 'settled' THEN t.signed ELSE 0 END AS expected,
               coalesce(l.net, 0) AS ledger, l.largest, l.twice, l.suspended, l.at AS posted_at, l.id AS posting,
               l.key IS NOT NULL AS in_ledger,
               coalesce(s.net, 0) AS there, s.entries, s.amount AS said, s.least, s.posted, s.returned, s.cancelled, s.currency,
               s.account, s.kind AS line_kind, s.referenced, s.at AS seen_at, s.id AS line, s.key IS NOT NULL AS on_statement
        FROM l FULL JOIN t USING (key) FULL JOIN s USING (key)
    ), odd AS (
        SELECT * FROM pair WHERE (
            ledger = there AND coalesce(twice, 0) = 0 AND coalesce(entries, 0) <= 1 AND currency IS NULL
            AND NOT coalesce(suspended, false)
            AND CASE
                WHEN number IS NULL THEN in_ledger AND on_statement
                WHEN status = 'settled' THEN ledger = expected AND posted AND NOT returned AND NOT cancelled
                WHEN status = 'returned' THEN ledger = 0 AND returned
                WHEN status IN ('failed', 'cancelled') THEN NOT coalesce(posted, false) OR coalesce(returned OR cancelled, false)
                WHEN status = 'pending' THEN on_statement AND NOT posted AND NOT returned AND NOT cancelled AND said = signed
                ELSE NOT on_statement
            END
            AND (account IS NULL OR bank IS NULL OR account = bank)
        ) IS NOT TRUE
    )
    SELECT 'totals', jsonb_build_object(
        'ledger', coalesce(sum(ledger), 0), 'there', coalesce(sum(there), 0), 'ours', coalesce(sum(expected), 0),
        'keys', count(*), 'odd', (SELECT count(*) FROM odd),
        'loads', count(*) FILTER (WHERE kind = 'load' AND status NOT IN ('settled', 'failed', 'cancelled', 'returned')),
        'loads_cents', coalesce(sum(amount) FILTER (WHERE kind = 'load' AND status NOT IN ('settled', 'failed', 'cancelled', 'returned')), 0),
        'redemptions', count(*) FILTER (WHERE kind = 'redemption' AND status NOT IN ('settled', 'failed', 'cancelled', 'returned')),
        'redemptions_cents', coalesce(sum(amount) FILTER (WHERE kind = 'redemption' AND status NOT IN ('settled', 'failed', 'cancelled', 'returned')), 0)
    ) FROM pair
    UNION ALL
    SELECT 'pair', to_jsonb(o) - 'number' - 'bank' - 'account' || jsonb_build_object(
        'moved_at', (SELECT max(m.at) FROM banking_transfermove m WHERE m.transfer_id = o.number AND m.at < p_cut),
        'wrong_account', coalesce(o.account <> o.bank, false),
        'found', coalesce(o.suspended, false) AND EXISTS (SELECT FROM ledger_transfer f WHERE f.group_id = o.key AND f.kind = 22),
        'entry', (SELECT n.entry FROM banking_statementline n WHERE n.id = o.line)
    ) FROM odd o
$$;

ALTER FUNCTION banking_match(text, bigint, timestamptz) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_match(text, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_match(text, bigint, timestamptz) TO paya_worker;

-- Lines of which the journal has nothing yet and that only the statement tells of. A credit that is no transfer of ours is
-- unknown; a debit that is none waits for staff, because nothing says whose loss it is. Only dollars can be booked.
CREATE FUNCTION banking_unbooked(p_custodian text) RETURNS TABLE (key uuid, kind text, cents bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT n.key, min(n.kind), sum(n.effect)::bigint FROM banking_statementline n
    WHERE n.custodian = p_custodian AND n.currency = 'USD' AND (
        n.kind IN ('fee', 'interest', 'capital', 'credit') OR n.kind IN ('transfer', 'return') AND n.reference = '' AND NOT EXISTS (
            SELECT FROM banking_banktransfer t WHERE t.rail = p_custodian AND n.transfer <> '' AND t.external_id = n.transfer)
            AND NOT EXISTS (SELECT FROM banking_nachaentry e WHERE p_custodian = 'odfi' AND e.trace = n.transfer))
    GROUP BY n.key
    HAVING sum(n.effect) <> 0 AND NOT EXISTS (SELECT FROM ledger_transfer l WHERE l.group_id = n.key)
$$;
ALTER FUNCTION banking_unbooked(text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_unbooked(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_unbooked(text) TO paya_worker;

-- The line on the public page: when everything was last compared, and with what result. No amounts of single items.
CREATE FUNCTION banking_last_reconciliation() RETURNS TABLE (ran_at timestamptz, "on" date, custodian text, result text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT ON (r.custodian) r.ran_at, r."on", r.custodian, r.result FROM banking_reconciliation r
    WHERE r.current ORDER BY r.custodian, r."on" DESC
$$;
ALTER FUNCTION banking_last_reconciliation() OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_last_reconciliation() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_last_reconciliation() TO paya_web, paya_worker, paya_staff;

-- What staff do about breaks (console/admin/actions.py).
CREATE FUNCTION banking_assign_break(p_break text, p_email text, p_reason text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    someone bigint;
BEGIN
    PERFORM console_acted('break.assign', p_break, format('Gave it to %s to look into.', p_email), p_reason);
    SELECT id INTO someone FROM users_user WHERE email = p_email AND kind = 'staff' AND is_active;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not on the staff.', p_email USING ERRCODE = 'PY124';
    END IF;
    UPDATE banking_break SET assignee_id = someone WHERE public_id = p_break AND state = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This break is not open.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_email;
END $$;

CREATE FUNCTION banking_resolve_break(p_break text, p_reason text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('break.resolve', p_break, 'Resolved it.', p_reason);
    UPDATE banking_break SET state = 'resolved', closed_at = core_now() WHERE public_id = p_break AND state = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This break is not open.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_break;
END $$;

CREATE FUNCTION banking_wish_reconciliation(p_custodian text, p_reason text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('reconcile', p_custodian, format('Asked for a reconciliation of %s.', p_custodian), p_reason);
    INSERT INTO banking_reconciliationwish (custodian) VALUES (p_custodian);
    RETURN p_custodian;
END $$;

-- An unknown credit has found its owner: out of suspense into their wallet, once, under a reference made of the line's.
CREATE FUNCTION banking_give_suspended(p_break text, p_username text, p_reason text) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    b banking_break;
    owner wallets_wallet;
    line record;
BEGIN
    PERFORM console_acted('suspense.give', p_break, format('Gave the money to @%s.', p_username), p_reason);
    SELECT * INTO b FROM banking_break WHERE public_id = p_break AND state = 'open' AND kind = 'unknown_credit' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This is no open break of an unknown credit.' USING ERRCODE = 'PY124';
    END IF;
    SELECT w.* INTO owner FROM wallets_wallet w JOIN users_profile p ON p.user_id = w.user_id WHERE p.username = p_username;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Nobody goes by @%.', p_username USING ERRCODE = 'PY124';
    END IF;
    SELECT t.group_id AS key, t.amount INTO line FROM ledger_transfer t
    WHERE t.kind = 21 AND t.group_id = (
        SELECT n.key FROM banking_statementline n WHERE n.custodian = b.custodian AND n.entry = b.subject ORDER BY n.id LIMIT 1);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Nothing of it is in suspense.' USING ERRCODE = 'PY124';
    END IF;
    BEGIN
        PERFORM ledger_post(md5('suspense-found:' || line.key)::uuid, 22::smallint, 101, owner.account, line.amount, line.key);
    EXCEPTION WHEN SQLSTATE 'PY104' THEN
        RAISE EXCEPTION 'The wallet of @% is closed.', p_username USING ERRCODE = 'PY124';
    END;
    INSERT INTO core_outbox (topic, payload)
    VALUES ('wallet.changed', jsonb_build_object('user', owner.user_id, 'kind', 'suspense_found', 'ref', ''));
    UPDATE banking_break SET state = 'resolved', closed_at = core_now() WHERE id = b.id;
    RETURN line.amount;
END $$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['banking_assign_break(text, text, text)', 'banking_resolve_break(text, text)',
        'banking_wish_reconciliation(text, text)', 'banking_give_suspended(text, text, text)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_staff', f);
    END LOOP;
END $$;

GRANT SELECT ON banking_banktransfer, banking_banksource, banking_transfermove, banking_statement, banking_statementline, banking_reconciliation
    TO paya_engine;
GRANT SELECT, UPDATE (state, closed_at, assignee_id) ON banking_break TO paya_engine;
GRANT INSERT ON banking_reconciliationwish TO paya_engine;
GRANT USAGE ON SEQUENCE banking_reconciliationwish_id_seq TO paya_engine;
GRANT SELECT, INSERT ON banking_statement, banking_statementline, banking_reconciliation, banking_break TO paya_worker;
GRANT UPDATE (current) ON banking_reconciliation TO paya_worker;
GRANT UPDATE (cents, state, facts, last_on, closed_at, times_opened) ON banking_break TO paya_worker;
GRANT SELECT, UPDATE (done_at) ON banking_reconciliationwish TO paya_worker;
GRANT SELECT ON banking_statement, banking_statementline, banking_reconciliation, banking_break, banking_reconciliationwish
    TO paya_auditor;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{banking_statement,banking_statementline,banking_reconciliation,banking_break,banking_reconciliationwish}'::text[] LOOP
        EXECUTE format('CREATE POLICY auditor ON %I FOR SELECT TO paya_auditor USING (true)', t);
    END LOOP;
END $$;
