-- What two of the staff decide, and where the database had still believed one side of it.

-- Whatever goes into or out of the loss reserve or the adjustments was asked for by one of the staff and approved by another, and is just that:
-- whoever posts it, by whatever way, a shell of the worker included. A correction is posted as it was approved; the money of a dispute is
-- written down before it is posted (compliance/sql/0005_disputes.sql). Nothing is reversed there either: what was wrong is corrected.
CREATE FUNCTION banking_two_approved_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM banking_correction c LEFT JOIN wallets_wallet w ON w.user_id = c.user_id
        WHERE c.reference = NEW.id AND c.approved AND c.amount = NEW.amount AND c.approved_digest = banking_correction_digest(c)
          AND (c.kind, NEW.kind, NEW.debit_account, NEW.credit_account) IN (
              ('write_off', 13, 91, w.receivable_account), ('loss_reserve', 19, 90, 91),
              ('adjustments_capital', 20, 90, 100), ('adjustments_operations', 20, 81, 100),
              ('adjustment_credit', 27, 100, w.account), ('adjustment_debit', 28, w.account, 100)))
      AND NOT EXISTS (
        SELECT FROM compliance_disputemoney m JOIN wallets_wallet w ON w.user_id = m.user_id
        WHERE m.reference = NEW.id AND m.approved AND (NEW.kind, NEW.debit_account, NEW.credit_account, NEW.amount) IN (
              (27, 100, w.account, m.moved), (28, w.account, 100, -m.moved)))
    THEN
        RAISE EXCEPTION 'no two of the staff have approved %: % from % to %', NEW.id, NEW.amount, NEW.debit_account, NEW.credit_account
            USING ERRCODE = 'PY106';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION banking_two_approved_it() OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_two_approved_it() FROM PUBLIC;
CREATE TRIGGER two_approved_it BEFORE INSERT ON ledger_transfer FOR EACH ROW
    WHEN (NEW.debit_account IN (91, 100) OR NEW.credit_account IN (91, 100)) EXECUTE FUNCTION banking_two_approved_it();

-- As before, but the trail's lock comes first, as everywhere: whoever resolves the break holds that one and waits for the break.
CREATE OR REPLACE FUNCTION banking_ask_line_correction(p_break text, p_username text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    b banking_break;
    owner bigint;
    line uuid;
    cents bigint;
    made bigint;
    kind_wanted constant text := CASE WHEN p_username IS NULL THEN 'unknown_debit' ELSE 'unknown_credit' END;
BEGIN
    PERFORM console_acted('correction.ask', p_break, CASE WHEN p_username IS NULL THEN 'Asked to book it as a cost.'
        ELSE format('Asked to give the money to @%s.', p_username) END, p_reason);
    SELECT * INTO b FROM banking_break WHERE public_id = p_break AND kind = kind_wanted AND state IN ('open', 'resolved') FOR UPDATE;
    IF b.id IS NULL THEN
        RAISE EXCEPTION 'This is no break of an %.', replace(kind_wanted, '_', ' ') USING ERRCODE = 'PY124';
    END IF;
    SELECT n.key INTO line FROM banking_statementline n WHERE n.custodian = b.custodian AND n.entry = b.subject ORDER BY n.id LIMIT 1;
    IF EXISTS (SELECT FROM banking_correction c WHERE c.line_key = line AND c.approved IS NOT FALSE AND c.refused = '') THEN
        RAISE EXCEPTION 'A correction of this line has been asked for already.' USING ERRCODE = 'PY124';
    END IF;
    IF p_username IS NULL THEN
        -- What the trace of an entry in our files stands for is that entry's, and no cost.
        SELECT -sum(n.effect) INTO cents FROM banking_statementline n
        WHERE n.key = line AND n.custodian = b.custodian AND NOT EXISTS (SELECT FROM ledger_transfer l WHERE l.group_id = line)
          AND NOT EXISTS (SELECT FROM banking_nachaentry e WHERE b.custodian = 'odfi' AND e.trace = n.transfer AND n.transfer <> '')
        HAVING bool_and(n.currency = 'USD') AND sum(n.effect) < 0;
        IF cents IS NULL THEN
            RAISE EXCEPTION 'Nothing of it can be booked as a cost.' USING ERRCODE = 'PY124';
        END IF;
    ELSE
        SELECT user_id INTO owner FROM users_profile WHERE username = p_username;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Nobody goes by @%.', p_username USING ERRCODE = 'PY124';
        END IF;
        SELECT t.amount INTO cents FROM ledger_transfer t WHERE t.kind = 21 AND t.group_id = line
            AND NOT EXISTS (SELECT FROM ledger_transfer f WHERE f.kind = 22 AND f.group_id = line);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Nothing of it is in suspense.' USING ERRCODE = 'PY124';
        END IF;
    END IF;
    INSERT INTO banking_correction (kind, user_id, amount, reference, asked_by_id, of_break, line_key)
    VALUES (CASE WHEN p_username IS NULL THEN 'rail_cost' ELSE 'suspense_found' END, owner, cents, gen_random_uuid(), core_actor(),
            p_break, line) RETURNING id INTO made;
    RETURN made;
END $$;

-- A held load or redemption is let out only for somebody who could ask for it now: not out of an account that was frozen meanwhile (nor
-- by law, where their name stands on the sanctions list), and a redemption not while they owe. It is sent back, or waits. The guard
-- comes first then, as where somebody freezes or cancels; what goes back needs none, so that many of them can in one transaction.
CREATE OR REPLACE FUNCTION banking_end_review(p_public_id text, p_to text) RETURNS banking_banktransfer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    IF p_to = 'released' THEN
        PERFORM FROM wallets_wallet WHERE user_id = (SELECT user_id FROM banking_banktransfer WHERE public_id = p_public_id) FOR NO KEY UPDATE;
    END IF;
    SELECT * INTO t FROM banking_banktransfer WHERE public_id = p_public_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such transfer.' USING ERRCODE = 'PY123';
    ELSIF t.review <> 'waiting' OR t.status NOT IN ('requested', 'queued') OR t.cancel = 'asked' THEN
        RAISE EXCEPTION 'This transfer is not being checked any more.' USING ERRCODE = 'PY124';
    ELSIF p_to = 'released' AND compliance_restricted(t.user_id) > 0 THEN
        RAISE EXCEPTION 'This person is frozen meanwhile: it stays held, or goes back.' USING ERRCODE = 'PY124';
    ELSIF p_to = 'released' AND t.kind = 'redemption'
        AND (SELECT ledger_balance(receivable_account) FROM wallets_wallet WHERE user_id = t.user_id) < 0 THEN
        RAISE EXCEPTION 'This person owes us meanwhile: it stays held, or goes back.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE banking_banktransfer SET review = p_to, due_at = core_now(), cancel = CASE p_to WHEN 'refused' THEN 'asked' ELSE cancel END
        WHERE id = t.id RETURNING * INTO t;
    INSERT INTO banking_transfermove (user_id, transfer_id, status, cause, evidence)
        VALUES (t.user_id, t.id, t.status, 'staff', jsonb_build_object('review', p_to));
    INSERT INTO core_outbox (topic, payload) VALUES ('bank_transfer.due', jsonb_build_object('transfer', t.id));
    RETURN t;
END $$;
