-- The posting engine (docs/money.md, docs/architecture.md). Balances are signed cents, credit positive; all accounts
-- always sum to zero. A transfer is one immutable row that names both accounts and, for each side, the version and
-- the balance after it: balanced by construction, "entries" are a view over it.

-- ---------------------------------------------------------------------------------------------------- the chart
CREATE TABLE ledger_accountkind (
    kind smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    floor bigint                      -- the lowest balance an account of this kind may have; NULL: none
);
INSERT INTO ledger_accountkind (kind, name, floor) VALUES
    (1, 'wallet', 0), (2, 'hold', 0), (3, 'receivable', NULL),
    (4, 'reserve', NULL), (5, 'redemptions_payable', 0), (6, 'revenue', NULL), (7, 'rail_costs', NULL),
    (8, 'rewards_pool', 0), (9, 'operations', 0), (10, 'capital', 0), (11, 'loss_reserve', 0),
    (12, 'adjustments', 0), (13, 'suspense', 0);

-- Ids below 64 are striped over 64 rows with negative ids, those up to 999 are plain rows, people's start at 1000.
-- So the order of locks (descending id) is: people, plain system accounts, stripes.
CREATE TABLE ledger_systemaccount (
    id bigint PRIMARY KEY CHECK (id BETWEEN 1 AND 999),
    name text NOT NULL UNIQUE,
    kind smallint NOT NULL REFERENCES ledger_accountkind
);
INSERT INTO ledger_systemaccount (id, name, kind) VALUES
    (1, 'reserve:dwolla', 4), (2, 'reserve:stripe', 4), (3, 'reserve:odfi', 4),
    (8, 'revenue', 6), (9, 'rail_costs', 7),
    (70, 'redemptions_payable', 5), (80, 'rewards_pool', 8), (81, 'operations', 9), (90, 'capital', 10),
    (91, 'loss_reserve', 11), (100, 'adjustments', 12), (101, 'suspense', 13);

-- Which kinds of account a transfer of each kind may debit and credit (NULL: any). `always` marks the system kinds
-- that pass a freeze: settled loads, failed redemptions, returns, rewards and what staff approved.
CREATE TABLE ledger_transferkind (
    kind smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    debits smallint[],
    credits smallint[],
    always boolean NOT NULL
);
INSERT INTO ledger_transferkind (kind, name, debits, credits, always) VALUES
    (1, 'load', '{4}', '{1}', true), (2, 'load_repayment', '{4}', '{3}', true),
    (3, 'redemption', '{1}', '{5}', false), (4, 'redemption_settled', '{5}', '{4}', true),
    (5, 'redemption_failed', '{5}', '{1}', true), (6, 'redemption_approved', '{1}', '{5}', true),
    (7, 'payment', '{1}', '{1}', false), (8, 'hold', '{1}', '{2}', false),
    (9, 'hold_paid', '{2}', '{1}', false), (10, 'hold_released', '{2}', '{1}', true),
    (11, 'load_returned', '{1}', '{4}', true), (12, 'load_return_owed', '{3}', '{4}', true),
    (13, 'write_off', '{11}', '{3}', true), (14, 'interest', '{4}', '{6}', true), (15, 'fee', '{1}', '{6}', false),
    (16, 'rail_cost', '{7}', '{4}', true), (17, 'capital_in', '{4}', '{10}', true),
    (18, 'capital_out', '{10}', '{4}', true), (19, 'loss_reserve_funded', '{10,9}', '{11}', true),
    (20, 'adjustments_funded', '{10,9}', '{12}', true), (21, 'suspended', '{4,1,2,5}', '{13}', true),
    (22, 'suspense_found', '{13}', '{1}', true), (23, 'week_costs', '{6}', '{7}', true),
    (24, 'week_operations', '{6}', '{9}', true), (25, 'week_pool', '{6}', '{8}', true),
    (26, 'reward', '{8}', '{1}', true), (27, 'adjustment_credit', '{12}', '{1}', true),
    (28, 'adjustment_debit', '{1}', '{12}', true), (29, 'reversal', NULL, NULL, true);

-- -------------------------------------------------------------------------------------------------- the accounts
-- No index but the primary key, and room on each page: every update stays on its page (HOT). PostgreSQL prepares each
-- CHECK anew for each row written, 2 to 3 microseconds of about 60: hence one short one, domains for what a single
-- column may hold, and a trigger for what only a change of the status can break. The trigger that refuses updates is a
-- statement's: a row's, before the update, would lock, and log, each row a second time.
CREATE DOMAIN ledger_status AS smallint CHECK (VALUE BETWEEN 0 AND 3);   -- 0 open, 1 no debits, 2 neither, 3 closed
CREATE TABLE ledger_account (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    floor bigint,
    kind smallint NOT NULL,
    status ledger_status NOT NULL DEFAULT 0,
    CHECK (balance >= floor)              -- without a floor: NULL, which passes
) WITH (fillfactor = 50);
CREATE SEQUENCE ledger_account_seq START 1000;

INSERT INTO ledger_account (id, kind, floor)
    SELECT s.id, s.kind, k.floor FROM ledger_systemaccount s JOIN ledger_accountkind k USING (kind) WHERE s.id >= 64
    UNION ALL
    SELECT -(s.id * 64 + n), s.kind, NULL FROM ledger_systemaccount s, generate_series(0, 63) n WHERE s.id < 64;

-- --------------------------------------------------------------------------------------------------- the journal
CREATE DOMAIN ledger_amount AS bigint CHECK (VALUE > 0);
CREATE TABLE ledger_transfer (
    id uuid PRIMARY KEY,
    debit_account bigint NOT NULL,
    credit_account bigint NOT NULL,
    amount ledger_amount NOT NULL,
    debit_version bigint NOT NULL,
    debit_balance bigint NOT NULL,
    credit_version bigint NOT NULL,
    credit_balance bigint NOT NULL,
    posted_at timestamptz NOT NULL,
    group_id uuid,
    reverses uuid,
    kind smallint NOT NULL,
    CHECK (debit_account <> credit_account)
);
CREATE UNIQUE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, debit_version);
CREATE UNIQUE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, credit_version);
CREATE UNIQUE INDEX ledger_transfer_reverses ON ledger_transfer (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX ledger_transfer_group ON ledger_transfer (group_id) WHERE group_id IS NOT NULL;

CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was posted stays, a mistake is reversed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'PY110';
END $$;
CREATE TRIGGER journal_is_immutable BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER journal_is_kept BEFORE TRUNCATE ON ledger_transfer FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER accounts_are_kept BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER accounts_are_not_truncated BEFORE TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER balances_move_by_posting BEFORE UPDATE ON ledger_account FOR EACH STATEMENT
    WHEN (current_user <> 'paya_engine') EXECUTE FUNCTION ledger_refuse();

-- A closed account is empty, and stays so: postings pass closed accounts by (`status < 3`).
CREATE FUNCTION ledger_close_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'account % still holds %', NEW.id, NEW.balance USING ERRCODE = 'PY108';
END $$;
CREATE TRIGGER closed_means_empty AFTER UPDATE OF status ON ledger_account FOR EACH ROW
    WHEN (NEW.status = 3 AND NEW.balance <> 0) EXECUTE FUNCTION ledger_close_empty();

CREATE VIEW ledger_entry WITH (security_invoker = true) AS
    SELECT debit_account AS account, debit_version AS version, -amount AS amount, debit_balance AS balance_after,
           credit_account AS other, id AS transfer, kind, posted_at, group_id, reverses FROM ledger_transfer
    UNION ALL
    SELECT credit_account, credit_version, amount, credit_balance, debit_account, id, kind, posted_at, group_id, reverses
    FROM ledger_transfer;

-- ------------------------------------------------------------------------------------------------------- helpers
-- The row to post on: for a striped account one of its 64 rows, by backend, so that neighbours do not queue up.
CREATE FUNCTION ledger_row(p_account bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_account BETWEEN 1 AND 63 THEN -(p_account * 64 + (pg_backend_pid() & 63)) ELSE p_account END
$$;
-- The account that a row belongs to.
CREATE FUNCTION ledger_logical(p_row bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_row < 0 THEN (-p_row) >> 6 ELSE p_row END
$$;

-- Why a conditional update touched no row, as a typed error. Never returns. While it waited for the row, another
-- caller may have posted this very reference (and drained the account by it): then it is to be tried again, as a replay.
CREATE FUNCTION ledger_explain(p_id uuid, p_account bigint, p_debit boolean, p_amount bigint, p_always boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a ledger_account;
BEGIN
    IF EXISTS (SELECT FROM ledger_transfer WHERE id = p_id) THEN
        RAISE EXCEPTION 'reference % has just been posted', p_id USING ERRCODE = 'unique_violation';
    END IF;
    SELECT * INTO a FROM ledger_account WHERE id = p_account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', p_account USING ERRCODE = 'PY105';
    ELSIF a.status = 3 THEN
        RAISE EXCEPTION 'account % is closed', p_account USING ERRCODE = 'PY104';
    ELSIF NOT p_always AND (a.status = 2 OR p_debit AND a.status = 1) THEN
        RAISE EXCEPTION 'account % is frozen', p_account USING ERRCODE = 'PY103',
            DETAIL = CASE WHEN p_debit THEN 'debit' ELSE 'credit' END;
    END IF;
    RAISE EXCEPTION 'account % holds %, % was asked for', p_account, a.balance, p_amount USING ERRCODE = 'PY102';
END $$;

-- ------------------------------------------------------------------------------------------------------- posting
-- Post one transfer. `p_id` is our own reference: posted before with the same content it is replayed, with another
-- content refused. Two callers with one new reference: the second runs into the primary key and tries again.
CREATE FUNCTION ledger_post(
    p_id uuid, p_kind smallint, p_debit bigint, p_credit bigint, p_amount bigint,
    p_group uuid DEFAULT NULL, p_reverses uuid DEFAULT NULL
) RETURNS ledger_transfer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t ledger_transfer;
    rule ledger_transferkind;
    d_kind smallint;
    c_kind smallint;
BEGIN
    SELECT * INTO t FROM ledger_transfer WHERE id = p_id;
    IF FOUND THEN
        IF t.kind = p_kind AND t.amount = p_amount AND t.reverses IS NOT DISTINCT FROM p_reverses
           AND ledger_logical(t.debit_account) = ledger_logical(p_debit)
           AND ledger_logical(t.credit_account) = ledger_logical(p_credit) THEN
            RETURN t;
        END IF;
        RAISE EXCEPTION 'reference % was posted with other content', p_id USING ERRCODE = 'PY101';
    END IF;
    SELECT * INTO rule FROM ledger_transferkind WHERE kind = p_kind;
    IF NOT FOUND OR p_amount IS NULL OR p_amount <= 0 OR p_debit = p_credit OR (p_kind = 29) <> (p_reverses IS NOT NULL) THEN
        RAISE EXCEPTION 'this is no posting: kind %, amount %, from % to %', p_kind, p_amount, p_debit, p_credit
            USING ERRCODE = 'PY106';
    END IF;
    t.id := p_id; t.kind := p_kind; t.amount := p_amount; t.group_id := p_group; t.reverses := p_reverses;
    t.debit_account := ledger_row(p_debit); t.credit_account := ledger_row(p_credit);

    IF t.debit_account < t.credit_account THEN   -- locks are taken in descending order of ids
        UPDATE ledger_account SET balance = balance + p_amount, version = version + 1
            WHERE id = t.credit_account AND (status < 2 OR rule.always AND status < 3)
            RETURNING balance, version, kind INTO t.credit_balance, t.credit_version, c_kind;
        IF NOT FOUND THEN PERFORM ledger_explain(p_id, t.credit_account, false, p_amount, rule.always); END IF;
    END IF;
    UPDATE ledger_account SET balance = balance - p_amount, version = version + 1
        WHERE id = t.debit_account AND (status = 0 OR rule.always AND status < 3)
          AND (floor IS NULL OR balance - p_amount >= floor)
        RETURNING balance, version, kind INTO t.debit_balance, t.debit_version, d_kind;
    IF NOT FOUND THEN PERFORM ledger_explain(p_id, t.debit_account, true, p_amount, rule.always); END IF;
    IF t.debit_account > t.credit_account THEN
        UPDATE ledger_account SET balance = balance + p_amount, version = version + 1
            WHERE id = t.credit_account AND (status < 2 OR rule.always AND status < 3)
            RETURNING balance, version, kind INTO t.credit_balance, t.credit_version, c_kind;
        IF NOT FOUND THEN PERFORM ledger_explain(p_id, t.credit_account, false, p_amount, rule.always); END IF;
    END IF;
    IF NOT (d_kind = ANY (rule.debits) AND c_kind = ANY (rule.credits)) THEN   -- NULL (any) for reversals passes
        RAISE EXCEPTION 'a % does not go from % to %', rule.name, p_debit, p_credit USING ERRCODE = 'PY106';
    END IF;
    IF c_kind = 3 AND t.credit_balance > 0 THEN   -- a debt is repaid, never overpaid: what is too much would be nobody's to spend
        RAISE EXCEPTION 'account % owes less than %', p_credit, p_amount USING ERRCODE = 'PY106';
    END IF;
    t.posted_at := core_now();   -- after the locks are held, so that time and version agree
    INSERT INTO ledger_transfer SELECT t.*;
    RETURN t;
END $$;

-- Post many in one commit, all or nothing; on an error nothing is posted and the caller falls back to single posts.
-- References that were posted before with the same content are passed over. Returns how many were posted.
CREATE FUNCTION ledger_post_many(
    p_ids uuid[], p_kinds smallint[], p_debits bigint[], p_credits bigint[], p_amounts bigint[], p_group uuid DEFAULT NULL
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    n int := cardinality(p_ids);
    fresh int[];
    bad record;
    done int;
BEGIN
    IF n = 0 THEN RETURN 0; END IF;
    IF n IS DISTINCT FROM cardinality(p_kinds) OR n IS DISTINCT FROM cardinality(p_debits)
       OR n IS DISTINCT FROM cardinality(p_credits) OR n IS DISTINCT FROM cardinality(p_amounts) THEN
        RAISE EXCEPTION 'the columns of a batch must have one length' USING ERRCODE = 'PY106';
    END IF;

    SELECT i INTO bad FROM generate_series(1, n) i
        LEFT JOIN ledger_transferkind k ON k.kind = p_kinds[i]
        LEFT JOIN ledger_account d ON d.id = ledger_row(p_debits[i])
        LEFT JOIN ledger_account c ON c.id = ledger_row(p_credits[i])
        WHERE (p_amounts[i] > 0 AND p_debits[i] <> p_credits[i] AND p_kinds[i] <> 29
               AND d.kind = ANY (k.debits) AND c.kind = ANY (k.credits)) IS NOT TRUE
        ORDER BY i LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'row % of the batch is no posting', bad.i USING ERRCODE = 'PY109', DETAIL = p_ids[bad.i]::text;
    END IF;

    PERFORM FROM ledger_account WHERE id IN (
        SELECT ledger_row(p_debits[i]) FROM generate_series(1, n) i UNION SELECT ledger_row(p_credits[i]) FROM generate_series(1, n) i
    ) ORDER BY id DESC FOR NO KEY UPDATE;

    -- What was posted before, or stands further up in this batch: passed over with the same content, refused with another.
    -- Looked up under the locks, so that of two callers with one batch the second finds what the first has posted.
    SELECT i INTO bad FROM (
        SELECT i, first_value(i) OVER (PARTITION BY p_ids[i] ORDER BY i) AS first FROM generate_series(1, n) i
    ) b LEFT JOIN ledger_transfer t ON t.id = p_ids[i]
        WHERE (p_kinds[i] = p_kinds[first] AND p_amounts[i] = p_amounts[first]
               AND p_debits[i] = p_debits[first] AND p_credits[i] = p_credits[first]) IS NOT TRUE
           OR t.id IS NOT NULL AND (t.kind = p_kinds[i] AND t.amount = p_amounts[i]
               AND ledger_logical(t.debit_account) = ledger_logical(p_debits[i])
               AND ledger_logical(t.credit_account) = ledger_logical(p_credits[i])) IS NOT TRUE
        ORDER BY i LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'row % of the batch has a reference with other content', bad.i
            USING ERRCODE = 'PY109', DETAIL = p_ids[bad.i]::text;
    END IF;
    SELECT array_agg(i ORDER BY i) INTO fresh FROM (SELECT min(i) AS i FROM generate_series(1, n) i GROUP BY p_ids[i]) b
        WHERE NOT EXISTS (SELECT FROM ledger_transfer t WHERE t.id = p_ids[i]);
    IF fresh IS NULL THEN RETURN 0; END IF;

    -- Would any row of it be refused, were they posted one after the other?
    WITH entry AS (
        SELECT i, ledger_row(p_debits[i]) AS account, -p_amounts[i] AS amount FROM unnest(fresh) i
        UNION ALL
        SELECT i, ledger_row(p_credits[i]), p_amounts[i] FROM unnest(fresh) i
    )
    SELECT i, account INTO bad FROM (
        SELECT e.i, e.account, k.always, a.status, e.amount < 0 AS debit,
               e.amount < 0 AND a.balance + sum(e.amount) OVER (PARTITION BY e.account ORDER BY e.i) < a.floor
               OR a.kind = 3 AND e.amount > 0 AND a.balance + sum(e.amount) OVER (PARTITION BY e.account ORDER BY e.i) > 0 AS short
        FROM entry e JOIN ledger_account a ON a.id = e.account JOIN ledger_transferkind k ON k.kind = p_kinds[e.i]
    ) run
    WHERE short OR status = 3 OR NOT always AND (status = 2 OR status = 1 AND debit)
    ORDER BY i LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'row % of the batch is refused at account %', bad.i, bad.account
            USING ERRCODE = 'PY109', DETAIL = p_ids[bad.i]::text;
    END IF;

    WITH entry AS (
        SELECT i, ledger_row(p_debits[i]) AS account, -p_amounts[i] AS amount FROM unnest(fresh) i
        UNION ALL
        SELECT i, ledger_row(p_credits[i]), p_amounts[i] FROM unnest(fresh) i
    ), run AS (
        SELECT e.i, e.account, e.amount, a.balance + sum(e.amount) OVER w AS balance, a.version + row_number() OVER w AS version
        FROM entry e JOIN ledger_account a ON a.id = e.account
        WINDOW w AS (PARTITION BY e.account ORDER BY e.i)
    ), written AS (
        UPDATE ledger_account a SET balance = a.balance + s.amount, version = a.version + s.n
        FROM (SELECT account, sum(amount) AS amount, count(*) AS n FROM entry GROUP BY account) s WHERE a.id = s.account
    )
    INSERT INTO ledger_transfer (id, kind, debit_account, credit_account, amount, debit_version, debit_balance,
                                 credit_version, credit_balance, posted_at, group_id)
    SELECT p_ids[d.i], p_kinds[d.i], d.account, c.account, c.amount, d.version, d.balance, c.version, c.balance,
           core_now(), p_group
    FROM run d JOIN run c ON c.i = d.i AND c.amount > 0 WHERE d.amount < 0 ORDER BY d.i;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done;
END $$;

-- Reverse a transfer by a new one, once: a second reversal under another reference is refused.
CREATE FUNCTION ledger_reverse(p_id uuid, p_original uuid) RETURNS ledger_transfer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    o ledger_transfer;
BEGIN
    SELECT * INTO o FROM ledger_transfer WHERE id = p_original;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no transfer %', p_original USING ERRCODE = 'PY105';
    ELSIF o.kind = 29 THEN
        RAISE EXCEPTION 'a reversal is not reversed' USING ERRCODE = 'PY106';
    END IF;
    -- Looked up under the locks: the second of two callers hears that it was reversed, and not that the money is gone.
    PERFORM FROM ledger_account WHERE id IN (o.debit_account, o.credit_account) ORDER BY id DESC FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM ledger_transfer WHERE reverses = p_original AND id <> p_id) THEN
        RAISE EXCEPTION 'transfer % was reversed before', p_original USING ERRCODE = 'PY107';
    END IF;
    -- The stripes of the original, not those of this backend: the money goes back where it came from.
    RETURN ledger_post(p_id, 29::smallint, o.credit_account, o.debit_account, o.amount, o.group_id, p_original);
END $$;

-- A load settles: what the person owes is repaid first, the rest is theirs. Computed under the locks; the two
-- references make it repeatable. Locks: receivable, wallet (descending), then the reserve's stripe.
CREATE FUNCTION ledger_settle_load(
    p_id uuid, p_id_owed uuid, p_reserve bigint, p_wallet bigint, p_receivable bigint, p_amount bigint, p_group uuid
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    owed bigint;
    repaid bigint;
BEGIN
    PERFORM FROM ledger_account WHERE id IN (p_wallet, p_receivable) ORDER BY id DESC FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0) INTO repaid FROM ledger_transfer WHERE id IN (p_id, p_id_owed);
    IF repaid > 0 THEN
        IF repaid <> p_amount THEN RAISE EXCEPTION 'reference % was posted with other content', p_id USING ERRCODE = 'PY101'; END IF;
        RETURN (SELECT coalesce(sum(amount), 0) FROM ledger_transfer WHERE id = p_id_owed);   -- as it answered then
    END IF;
    SELECT greatest(-balance, 0) INTO STRICT owed FROM ledger_account WHERE id = p_receivable;
    repaid := least(owed, p_amount);
    IF repaid > 0 THEN PERFORM ledger_post(p_id_owed, 2::smallint, p_reserve, p_receivable, repaid, p_group); END IF;
    IF p_amount > repaid THEN PERFORM ledger_post(p_id, 1::smallint, p_reserve, p_wallet, p_amount - repaid, p_group); END IF;
    RETURN repaid;
END $$;

-- A settled load comes back: out of the wallet as far as it reaches, the rest is owed. Returns what is owed of it.
CREATE FUNCTION ledger_return_load(
    p_id uuid, p_id_owed uuid, p_reserve bigint, p_wallet bigint, p_receivable bigint, p_amount bigint, p_group uuid
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    there bigint;
    taken bigint;
BEGIN
    PERFORM FROM ledger_account WHERE id IN (p_wallet, p_receivable) ORDER BY id DESC FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0) INTO taken FROM ledger_transfer WHERE id IN (p_id, p_id_owed);
    IF taken > 0 THEN
        IF taken <> p_amount THEN RAISE EXCEPTION 'reference % was posted with other content', p_id USING ERRCODE = 'PY101'; END IF;
        RETURN (SELECT coalesce(sum(amount), 0) FROM ledger_transfer WHERE id = p_id_owed);   -- as it answered then
    END IF;
    SELECT balance INTO STRICT there FROM ledger_account WHERE id = p_wallet;
    taken := least(there, p_amount);
    IF p_amount > taken THEN PERFORM ledger_post(p_id_owed, 12::smallint, p_receivable, p_reserve, p_amount - taken, p_group); END IF;
    IF taken > 0 THEN PERFORM ledger_post(p_id, 11::smallint, p_wallet, p_reserve, taken, p_group); END IF;
    RETURN p_amount - taken;
END $$;

-- ------------------------------------------------------------------------------------------------------ accounts
CREATE FUNCTION ledger_open(p_kinds smallint[]) RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    IF EXISTS (SELECT FROM unnest(p_kinds) k WHERE k IS NULL OR k NOT IN (1, 2, 3)) THEN
        RAISE EXCEPTION 'only people''s accounts are opened' USING ERRCODE = 'PY106';
    END IF;
    WITH opened AS (
        INSERT INTO ledger_account (id, kind, floor)
        SELECT nextval('ledger_account_seq'), k.kind, k.floor
        FROM unnest(p_kinds) WITH ORDINALITY o(kind, ord) JOIN ledger_accountkind k USING (kind) ORDER BY o.ord
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO ids FROM opened;
    RETURN ids;
END $$;

-- 0 open, 1 no debits, 2 neither, 3 closed (only with nothing on it; closed is for ever).
CREATE FUNCTION ledger_set_status(p_account bigint, p_status smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    a ledger_account;
BEGIN
    SELECT * INTO a FROM ledger_account WHERE id = p_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', p_account USING ERRCODE = 'PY105';
    ELSIF a.status = 3 AND p_status <> 3 THEN
        RAISE EXCEPTION 'account % is closed', p_account USING ERRCODE = 'PY104';
    ELSIF p_account < 1000 OR p_status NOT BETWEEN 0 AND 3 THEN
        RAISE EXCEPTION 'this account has no such state' USING ERRCODE = 'PY106';
    ELSIF p_status = 3 AND a.balance <> 0 THEN
        RAISE EXCEPTION 'account % still holds %', p_account, a.balance USING ERRCODE = 'PY108';
    END IF;
    UPDATE ledger_account SET status = p_status WHERE id = p_account;
END $$;

-- --------------------------------------------------------------------------------------------------------- reads
-- The balance now; of a striped account the sum of its rows in one statement.
CREATE FUNCTION ledger_balance(p_account bigint) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sum(balance)::bigint FROM ledger_account
    WHERE CASE WHEN p_account BETWEEN 1 AND 63 THEN id BETWEEN -(p_account * 64 + 63) AND -(p_account * 64) ELSE id = p_account END
$$;

-- The balance of one row after its highest version stamped at or before `p_at`. Time and version agree, so the
-- version is found by bisection: about log2(versions) look-ups by index.
CREATE FUNCTION ledger_row_balance_at(p_row bigint, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    low bigint := 0;       -- a version known to be in time (0: before the first)
    high bigint;           -- a version known to be too late
    probe bigint;
    e record;
    result bigint := 0;
BEGIN
    SELECT version + 1 INTO high FROM ledger_account WHERE id = p_row;
    WHILE low + 1 < high LOOP
        probe := (low + high) / 2;
        SELECT debit_balance AS balance, posted_at INTO e FROM ledger_transfer WHERE debit_account = p_row AND debit_version = probe;
        IF NOT FOUND THEN
            SELECT credit_balance AS balance, posted_at INTO e FROM ledger_transfer WHERE credit_account = p_row AND credit_version = probe;
        END IF;
        IF e.posted_at <= p_at THEN low := probe; result := e.balance; ELSE high := probe; END IF;
    END LOOP;
    RETURN result;
END $$;

CREATE FUNCTION ledger_balance_at(p_account bigint, p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sum(ledger_row_balance_at(id, p_at))::bigint FROM ledger_account
    WHERE CASE WHEN p_account BETWEEN 1 AND 63 THEN id BETWEEN -(p_account * 64 + 63) AND -(p_account * 64) ELSE id = p_account END
$$;

-- The newest entries of one row, below a version.
-- Only of some kinds, and only what came in (1) or went out (-1), when that is asked for.
CREATE FUNCTION ledger_history(
    p_row bigint, p_before bigint, p_limit int, p_kinds smallint[] DEFAULT NULL, p_side int DEFAULT 0
) RETURNS SETOF ledger_entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM (
        (SELECT debit_account AS account, debit_version AS version, -amount AS amount, debit_balance AS balance_after,
                credit_account AS other, id AS transfer, kind, posted_at, group_id, reverses FROM ledger_transfer
         WHERE debit_account = p_row AND debit_version < coalesce(p_before, 9223372036854775807)
           AND p_side <= 0 AND (p_kinds IS NULL OR kind = ANY (p_kinds))
         ORDER BY debit_version DESC LIMIT p_limit)
        UNION ALL
        (SELECT credit_account, credit_version, amount, credit_balance, debit_account, id, kind, posted_at, group_id, reverses
         FROM ledger_transfer
         WHERE credit_account = p_row AND credit_version < coalesce(p_before, 9223372036854775807)
           AND p_side >= 0 AND (p_kinds IS NULL OR kind = ANY (p_kinds))
         ORDER BY credit_version DESC LIMIT p_limit)
    ) both_sides ORDER BY version DESC LIMIT p_limit
$$;

-- Every system account by name, people's accounts summed by kind; the total is always zero.
CREATE FUNCTION ledger_trial_balance() RETURNS TABLE (name text, kind text, accounts bigint, balance bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(s.name, k.name), k.name, count(DISTINCT ledger_logical(a.id)), sum(a.balance)::bigint
    FROM ledger_account a JOIN ledger_accountkind k USING (kind)
    LEFT JOIN ledger_systemaccount s ON s.id = ledger_logical(a.id)
    GROUP BY coalesce(s.name, k.name), k.name ORDER BY 1
$$;

-- What anybody may know: the reserve, the tokens in circulation and what is required, in one statement.
CREATE FUNCTION ledger_figures() RETURNS TABLE (reserve bigint, circulation bigint, required bigint, pool bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(-sum(balance) FILTER (WHERE kind = 4), 0)::bigint,
           coalesce(sum(balance) FILTER (WHERE kind IN (1, 2)), 0)::bigint,
           coalesce(sum(balance) FILTER (WHERE kind IN (1, 2, 5, 8, 13)), 0)::bigint,
           coalesce(sum(balance) FILTER (WHERE kind = 8), 0)::bigint
    FROM ledger_account
$$;

-- --------------------------------------------------------------------------------------------- who may call what
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'ledger\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
    END LOOP;
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.proname LIKE 'ledger\_%' LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_worker', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION ledger_figures() TO paya_web, paya_auditor, paya_staff;
GRANT EXECUTE ON FUNCTION ledger_trial_balance() TO paya_auditor, paya_staff;
GRANT SELECT, INSERT, UPDATE (balance, version, status) ON ledger_account TO paya_engine;
GRANT SELECT, INSERT ON ledger_transfer TO paya_engine;
GRANT SELECT ON ledger_transferkind, ledger_accountkind, ledger_systemaccount, ledger_entry TO paya_engine;
GRANT SELECT ON ledger_transferkind, ledger_accountkind, ledger_systemaccount TO paya_web, paya_worker;
GRANT USAGE ON SEQUENCE ledger_account_seq TO paya_engine;
GRANT SELECT ON ledger_account, ledger_transfer, ledger_entry, ledger_accountkind, ledger_systemaccount, ledger_transferkind
    TO paya_auditor, paya_staff;
GRANT EXECUTE ON FUNCTION ledger_logical(bigint) TO paya_auditor, paya_staff;
