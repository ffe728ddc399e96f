-- A line that the custodian changed, or no longer lists, is history as before: what it says now is one more row, a revision, and
-- its effect is the difference. What is compared is the newest (banking/reconciliation/store.py).
ALTER TABLE banking_statementline DROP CONSTRAINT banking_line_state;
ALTER TABLE banking_statementline ADD CONSTRAINT banking_line_state
    CHECK (state IN ('pending', 'posted', 'failed', 'cancelled', 'gone')) NOT VALID;

CREATE OR REPLACE FUNCTION banking_match(p_custodian text, p_account bigint, p_cut timestamptz)
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
    ), revised AS (
        -- Lines of which the custodian says something else than before, or nothing any more: only the newest is looked at.
        SELECT entry, max(id) AS newest, (array_agg(state ORDER BY id DESC))[1] = 'gone' AS gone FROM banking_statementline
        WHERE custodian = p_custodian AND revision > 0 AND seen_at < p_cut GROUP BY entry
    ), line AS (
        SELECT coalesce(a.key, r.key, f.key, e.key, n.key) AS key, n.id, n.entry, n.kind, n.state, n.amount, n.effect, n.currency, n.account_index,
               n.seen_at, n.reference, n.state <> 'gone' AND n.id >= coalesce(v.newest, 0) AS live, coalesce(v.gone, false) AS gone
        FROM banking_statementline n
        LEFT JOIN revised v ON v.entry = n.entry
        LEFT JOIN t a ON a.external_id = n.transfer AND n.kind IN ('transfer', 'return') AND n.transfer <> ''
        LEFT JOIN t r ON r.key = n.reference_key AND n.kind IN ('transfer', 'return')
        -- A bank names the trace of an entry in our files; one that was sent again belongs to the first one's transfer.
        LEFT JOIN banking_nachaentry e ON p_custodian = 'odfi' AND e.trace = n.transfer AND n.kind IN ('transfer', 'return')
        LEFT JOIN banking_nachaentry f ON f.id = e.original_id AND e.purpose = 'retry'
        WHERE n.custodian = p_custodian AND n.seen_at < p_cut
    ), s AS (
        SELECT key, sum(effect)::bigint AS net,
               -- What one line says is several times there: other entries of the same kind that counted.
               count(DISTINCT entry) FILTER (WHERE kind <> 'return' AND effect <> 0 AND NOT gone) AS entries,
               max(amount) FILTER (WHERE kind <> 'return' AND live) AS amount,
               min(amount) FILTER (WHERE kind <> 'return' AND live) AS least,
               bool_or(live AND state = 'posted' AND kind <> 'return') AS posted,
               bool_or(live AND (state = 'failed' OR kind = 'return')) AS returned,
               bool_or(live AND state = 'cancelled') AS cancelled, bool_or(live) AS live, bool_or(gone) AS gone,
               max(currency) FILTER (WHERE currency <> 'USD' AND live) AS currency,
               max(account_index) FILTER (WHERE account_index <> '' AND live) AS account, min(kind) AS kind,
               bool_or(reference <> '') AS referenced, max(seen_at) AS at, max(id) AS id
        FROM line GROUP BY key
    ), pair AS (
        SELECT key, t.id AS number, t.public_id, t.kind, t.amount, t.status, t.created_at, t.signed, t.bank,
               t.external_id,
               CASE t.status WHEN 'settled' THEN t.signed ELSE 0 END AS expected,
               coalesce(l.net, 0) AS ledger, l.largest, l.twice, l.suspended, l.at AS posted_at, l.id AS posting,
               l.key IS NOT NULL AS in_ledger,
               coalesce(s.net, 0) AS there, s.entries, s.amount AS said, s.least, s.posted, s.returned, s.cancelled, s.currency,
               s.account, s.kind AS line_kind, s.referenced, s.at AS seen_at, s.id AS line, coalesce(s.live, false) AS on_statement,
               coalesce(s.gone, false) AS gone
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

-- A line that was ever in another currency is booked by nobody but staff.
CREATE OR REPLACE FUNCTION banking_unbooked(p_custodian text) RETURNS TABLE (key uuid, kind text, cents bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT n.key, min(n.kind), sum(n.effect)::bigint FROM banking_statementline n
    WHERE n.custodian = p_custodian AND (
        n.kind IN ('fee', 'interest', 'capital', 'credit') OR n.kind IN ('transfer', 'return') AND n.reference = '' AND NOT EXISTS (
            SELECT FROM banking_banktransfer t WHERE t.rail = p_custodian AND n.transfer <> '' AND t.external_id = n.transfer)
            AND NOT EXISTS (SELECT FROM banking_nachaentry e WHERE p_custodian = 'odfi' AND e.trace = n.transfer))
    GROUP BY n.key
    HAVING sum(n.effect) <> 0 AND bool_and(n.currency = 'USD') AND NOT EXISTS (SELECT FROM ledger_transfer l WHERE l.group_id = n.key)
$$;
