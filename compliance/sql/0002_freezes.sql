-- Freezes (docs/console.md): each reason for which a person is stopped is a row of its own, with its end. The wallet's `frozen` is the
-- strictest of all that is in force: these rows, banking's returns (banking/sql/0013), the sanctions list (0006_sanctions.sql); each
-- of them raises what another would set too low, by a trigger on the wallet's row. So the end of one freeze ends that one alone.

ALTER TABLE compliance_freeze ADD CONSTRAINT compliance_freeze_words CHECK (length(trim(reason)) BETWEEN 1 AND 500);
ALTER TABLE compliance_personnote ADD CONSTRAINT compliance_personnote_words CHECK (length(note) BETWEEN 1 AND 2000);
CREATE UNIQUE INDEX compliance_personnote_once ON compliance_personnote (user_id, staff_id, md5(note));
ALTER TABLE compliance_withdrawal ADD CONSTRAINT compliance_withdrawal_words CHECK (length(told) <= 500 AND length(bank_account) BETWEEN 1 AND 60);
INSERT INTO compliance_casekind (kind, title, due_hours) VALUES ('withdrawal', 'Withdrawal from a frozen account', '{24,48,72}');

-- ------------------------------------------------------------------------------------------------ what is in force
CREATE FUNCTION compliance_freezes_stay() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    f compliance_freeze;
BEGIN
    SELECT * INTO f FROM compliance_freeze WHERE user_id = NEW.user_id AND ended_at IS NULL AND level > NEW.frozen ORDER BY level DESC, id LIMIT 1;
    IF FOUND THEN
        NEW.frozen := f.level;
        NEW.frozen_reason := f.reason;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER compliance_freezes_stay BEFORE UPDATE OF frozen ON wallets_wallet
    FOR EACH ROW WHEN (NEW.frozen < 2) EXECUTE FUNCTION compliance_freezes_stay();

-- Make the wallet what the rows say. Its guard is held, so that a payment under way has ended, and the next one finds it so.
CREATE FUNCTION compliance_freezes_apply(p_user bigint) RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_wallet;
    f compliance_freeze;
    level smallint;
BEGIN
    SELECT * INTO w FROM wallets_wallet WHERE user_id = p_user FOR NO KEY UPDATE;
    IF NOT FOUND OR (SELECT status FROM ledger_account WHERE id = w.account) = 3 THEN
        RETURN 0;
    END IF;
    SELECT * INTO f FROM compliance_freeze c WHERE c.user_id = p_user AND c.ended_at IS NULL ORDER BY c.level DESC, c.id LIMIT 1;
    UPDATE wallets_wallet SET frozen = coalesce(f.level, 0), frozen_reason = coalesce(f.reason, '') WHERE user_id = p_user RETURNING frozen INTO level;
    PERFORM ledger_set_status(w.account, level);
    IF level <> w.frozen THEN
        INSERT INTO core_outbox (topic, payload) VALUES ('wallet.changed',
            jsonb_build_object('user', p_user, 'kind', CASE level WHEN 0 THEN 'unfrozen' ELSE 'frozen' END, 'ref', ''));
    END IF;
    RETURN level;
END $$;

-- What a freeze means, for its letter; the same words stand on the person's home.
CREATE FUNCTION compliance_freeze_letter(p_level smallint, p_reason text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT p_reason || E'\n\n' || CASE p_level
        WHEN 1 THEN 'Until this is lifted you cannot pay, load or redeem. You can still receive money.'
        ELSE 'Until this is lifted you cannot pay, load or redeem, and nobody can pay you. What is on its way to you from your bank, and your weekly share, still arrive.' END
        || E' What is yours stays yours.\n\nIf you think that this is wrong, or if there is something that we should know, ask us to look again: write to us under Appeal. '
        || E'Somebody reads it and answers you.\n\nTo have your money at your bank meanwhile, ask for a withdrawal: you find it on your home page. '
        || 'Somebody of our staff has to approve it.'
$$;

-- The freeze, its effect and the letter, in one transaction. NULL where the same is in force already.
CREATE FUNCTION compliance_freeze_put(p_user bigint, p_kind text, p_level smallint, p_reason text, p_staff bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made text := compliance_new_id('frz');
BEGIN
    PERFORM FROM wallets_wallet WHERE user_id = p_user FOR NO KEY UPDATE;
    INSERT INTO compliance_freeze (public_id, user_id, kind, level, reason, staff_id, at)
        VALUES (made, p_user, p_kind, p_level, trim(p_reason), p_staff, core_now())
        ON CONFLICT (user_id, kind, level) WHERE ended_at IS NULL DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM compliance_freezes_apply(p_user);
    PERFORM compliance_tell(p_user, 'frozen', CASE p_level WHEN 1 THEN 'You cannot send money for the moment' ELSE 'Your account is frozen for the moment' END,
        compliance_freeze_letter(p_level, trim(p_reason)), made);
    RETURN made;
END $$;

-- The end of one freeze. What else restricts the person stays, and the letter says so.
CREATE FUNCTION compliance_freeze_lift(p_freeze bigint, p_staff bigint) RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    f compliance_freeze;
    left_over smallint;
BEGIN
    UPDATE compliance_freeze SET ended_at = core_now(), ended_by_id = p_staff WHERE id = p_freeze AND ended_at IS NULL RETURNING * INTO f;
    left_over := compliance_freezes_apply(f.user_id);
    PERFORM compliance_tell(f.user_id, 'unfrozen',
        CASE left_over WHEN 0 THEN 'Your account is open again' WHEN 1 THEN 'You cannot send money yet' ELSE 'Your account is still frozen' END,
        CASE left_over WHEN 0 THEN 'You can pay, load and redeem as before. Thank you for your patience.'
            ELSE 'One of the reasons for which your account was restricted has ended. Another still stands: ' || (SELECT frozen_reason FROM wallets_wallet WHERE user_id = f.user_id) END,
        f.public_id);
    RETURN left_over;
END $$;

-- For manage.py freeze_wallet, as SYSTEM: level 0 ends what this command began. What the wallet is now.
CREATE FUNCTION compliance_freeze_by_command(p_user bigint, p_level smallint, p_reason text) RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    was compliance_freeze;
BEGIN
    PERFORM wallets_check_actor(p_user);
    PERFORM FROM wallets_wallet WHERE user_id = p_user FOR NO KEY UPDATE;
    IF p_level > 0 THEN
        UPDATE compliance_freeze SET ended_at = core_now()
            WHERE user_id = p_user AND kind = 'command' AND ended_at IS NULL AND (level, reason) <> (p_level, trim(p_reason));
        PERFORM compliance_freeze_put(p_user, 'command', p_level, p_reason, NULL);
    ELSE
        FOR was IN SELECT * FROM compliance_freeze WHERE user_id = p_user AND kind = 'command' AND ended_at IS NULL LOOP
            PERFORM compliance_freeze_lift(was.id, NULL);
        END LOOP;
    END IF;
    RETURN compliance_freezes_apply(p_user);
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION compliance_person(p_person text) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    somebody bigint := (SELECT id FROM users_user WHERE public_id = p_person AND kind = 'person');
BEGIN
    IF somebody IS NULL THEN
        RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123';
    END IF;
    RETURN somebody;
END $$;

CREATE FUNCTION compliance_freeze_person(p_person text, p_level int, p_told text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    somebody bigint;
    made text;
BEGIN
    PERFORM console_acted('freeze.set', p_person, CASE p_level WHEN 1 THEN 'Froze the person: no sending.' ELSE 'Froze the person: no sending, no receiving.' END, p_reason);
    somebody := compliance_person(p_person);
    IF NOT EXISTS (SELECT FROM wallets_wallet w JOIN ledger_account a ON a.id = w.account WHERE w.user_id = somebody AND a.status < 3) THEN
        RAISE EXCEPTION 'This account is closed.' USING ERRCODE = 'PY124';
    END IF;
    made := compliance_freeze_put(somebody, 'staff', p_level::smallint, p_told, core_actor());
    IF made IS NULL THEN
        RAISE EXCEPTION 'This person is frozen in this way already.' USING ERRCODE = 'PY124';
    END IF;
    RETURN made;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY124';
END $$;

CREATE FUNCTION compliance_unfreeze_person(p_freeze text, p_reason text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    f compliance_freeze;
BEGIN
    SELECT * INTO f FROM compliance_freeze WHERE public_id = p_freeze;
    PERFORM console_acted('freeze.lift', coalesce((SELECT public_id::text FROM users_user WHERE id = f.user_id), p_freeze),
        CASE f.level WHEN 1 THEN 'Lifted a freeze: no sending.' ELSE 'Lifted a freeze: no sending, no receiving.' END, p_reason);
    IF f.id IS NULL THEN
        RAISE EXCEPTION 'There is no such freeze.' USING ERRCODE = 'PY123';
    END IF;
    -- The guard first, then the row: of two who lift it at once the second finds it ended.
    PERFORM FROM wallets_wallet WHERE user_id = f.user_id FOR NO KEY UPDATE;
    SELECT * INTO f FROM compliance_freeze WHERE id = f.id FOR NO KEY UPDATE;
    IF f.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'This freeze was lifted before.' USING ERRCODE = 'PY124';
    END IF;
    RETURN compliance_freeze_lift(f.id, core_actor());
END $$;

-- A note is its own reason. The same words of the same member of staff about a person once.
CREATE FUNCTION compliance_note_person(p_person text, p_note text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('person.note', p_person, 'Wrote a note.', left(p_note, 500));
    INSERT INTO compliance_personnote (user_id, staff_id, note, at) VALUES (compliance_person(p_person), core_actor(), trim(p_note), core_now())
        ON CONFLICT (user_id, staff_id, md5(note)) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION 'You have written this already.' USING ERRCODE = 'PY124';
    END IF;
    RETURN made;
END $$;

CREATE FUNCTION compliance_ask_review(p_person text, p_summary text, p_priority int, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('person.review', p_person, 'Flagged the person for review.', p_reason);
    IF EXISTS (SELECT FROM compliance_case WHERE user_id = compliance_person(p_person) AND kind = 'review' AND about = '' AND status = 'open') THEN
        RAISE EXCEPTION 'A case about this is open: write a note on it.' USING ERRCODE = 'PY124';
    END IF;
    RETURN compliance_open_case('review', compliance_person(p_person), '', p_summary, p_priority::smallint, jsonb_build_object('reason', p_reason));
END $$;

-- ------------------------------------------------------------------------------------------------ withdrawals
-- Whether money of this person may go to their bank although they are frozen: not while they owe, and not by law.
CREATE FUNCTION compliance_check_withdrawal(p_user bigint, p_amount bigint) RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_wallet;
    a ledger_account;
BEGIN
    SELECT * INTO w FROM wallets_wallet WHERE user_id = p_user;
    SELECT * INTO a FROM ledger_account WHERE id = w.account;
    IF a.status = 3 OR a.id IS NULL THEN
        RAISE EXCEPTION 'This account is closed.' USING ERRCODE = 'PY124';
    ELSIF w.frozen = 0 THEN
        RAISE EXCEPTION 'This account is not frozen: it redeems as usual.' USING ERRCODE = 'PY124';
    ELSIF compliance_sanctions_level(p_user) = 2 THEN
        RAISE EXCEPTION 'By law this money may not be moved.' USING ERRCODE = 'PY124';
    ELSIF (SELECT -balance FROM ledger_account WHERE id = w.receivable_account) > 0 THEN
        RAISE EXCEPTION 'There is something to repay first.' USING ERRCODE = 'PY124';
    ELSIF p_amount > a.balance OR p_amount <= 0 THEN
        RAISE EXCEPTION 'The balance does not reach that far.' USING ERRCODE = 'PY124';
    END IF;
END $$;

-- Under the guard. One at a time: whoever asks again while one is open is refused.
CREATE FUNCTION compliance_put_withdrawal(p_user bigint, p_amount bigint, p_bank text, p_staff bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made text := compliance_new_id('wd');
BEGIN
    PERFORM FROM wallets_wallet WHERE user_id = p_user FOR NO KEY UPDATE;
    PERFORM compliance_check_withdrawal(p_user, p_amount);
    INSERT INTO compliance_withdrawal (public_id, user_id, amount, bank_account, started_by_id, asked_at)
        VALUES (made, p_user, p_amount, p_bank, p_staff, core_now()) ON CONFLICT (user_id) WHERE status IN ('asked', 'approved') DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'A withdrawal is waiting already.' USING ERRCODE = 'PY124';
    END IF;
    PERFORM compliance_open_case('withdrawal', p_user, made, 'A withdrawal out of a frozen account waits for approval.', 2::smallint, jsonb_build_object('cents', p_amount));
    RETURN made;
END $$;

CREATE FUNCTION compliance_ask_withdrawal(p_user bigint, p_amount bigint, p_bank text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    RETURN compliance_put_withdrawal(p_user, p_amount, p_bank, NULL);
END $$;

-- The end of a request that waits, once: its row, its case, in one.
CREATE FUNCTION compliance_end_withdrawal(p_withdrawal text, p_status text, p_told text, p_staff bigint) RETURNS compliance_withdrawal
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    SELECT * INTO d FROM compliance_withdrawal WHERE public_id = p_withdrawal;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such withdrawal.' USING ERRCODE = 'PY123';
    END IF;
    PERFORM FROM wallets_wallet WHERE user_id = d.user_id FOR NO KEY UPDATE;
    UPDATE compliance_withdrawal SET status = p_status, told = trim(p_told), decided_by_id = p_staff, decided_at = core_now(),
        ended_at = CASE p_status WHEN 'approved' THEN NULL ELSE core_now() END WHERE id = d.id AND status = 'asked' RETURNING * INTO d;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This withdrawal does not wait any more.' USING ERRCODE = 'PY124';
    END IF;
    PERFORM compliance_close_case_about('withdrawal', d.user_id, d.public_id, CASE p_status WHEN 'approved' THEN 'released' ELSE p_status END, 'unclear',
        CASE p_status WHEN 'cancelled' THEN 'The person took it back.' ELSE 'Decided on the withdrawal itself.' END);
    RETURN d;
END $$;

CREATE FUNCTION compliance_cancel_withdrawal(p_user bigint, p_withdrawal text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    IF NOT EXISTS (SELECT FROM compliance_withdrawal WHERE public_id = p_withdrawal AND user_id = p_user) THEN
        RAISE EXCEPTION 'There is no such withdrawal.' USING ERRCODE = 'PY123';
    END IF;
    PERFORM compliance_end_withdrawal(p_withdrawal, 'cancelled', '', NULL);
END $$;

CREATE FUNCTION compliance_start_withdrawal(p_person text, p_amount bigint, p_bank text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made text;
BEGIN
    PERFORM console_acted('withdrawal.start', p_person, format('Asked for a withdrawal of %s to their bank in the person''s name.', to_char(p_amount / 100.0, 'FM$999,999,999,990.00')), p_reason);
    made := compliance_put_withdrawal(compliance_person(p_person), p_amount, p_bank, core_actor());
    PERFORM compliance_tell(compliance_person(p_person), 'withdrawal', 'A withdrawal was begun for you',
        format('Somebody of our staff has begun a withdrawal of %s to your bank. It goes out once it is approved; until then you can cancel it.', to_char(p_amount / 100.0, 'FM$999,999,999,990.00')), made);
    RETURN made;
END $$;

-- Approved: the worker finds it, burns the tokens past the freeze and hands it to the rail.
CREATE FUNCTION compliance_approve_withdrawal(p_withdrawal text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    PERFORM console_acted('withdrawal.approve', p_withdrawal, 'Approved the withdrawal out of a frozen account.', p_reason);
    d := compliance_end_withdrawal(p_withdrawal, 'approved', '', core_actor());
    PERFORM compliance_check_withdrawal(d.user_id, d.amount);
    PERFORM compliance_tell(d.user_id, 'withdrawal', 'Your withdrawal is approved',
        format('%s goes to your bank now. You find it under your redemptions, with the day by which it arrives.', to_char(d.amount / 100.0, 'FM$999,999,999,990.00')), d.public_id);
    RETURN d.public_id;
END $$;

CREATE FUNCTION compliance_deny_withdrawal(p_withdrawal text, p_told text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    PERFORM console_acted('withdrawal.deny', p_withdrawal, 'Denied the withdrawal out of a frozen account.', p_reason);
    d := compliance_end_withdrawal(p_withdrawal, 'denied', p_told, core_actor());
    PERFORM compliance_tell(d.user_id, 'withdrawal', 'Your withdrawal was not approved',
        trim(p_told) || E'\n\nYour money stays in your account. You can ask again, or write to us under Appeal.', d.public_id);
    RETURN d.public_id;
END $$;

-- The worker: burn the tokens of an approved withdrawal, frozen or not. Nothing else posts this kind.
CREATE FUNCTION compliance_burn_withdrawal(p_withdrawal text, p_id uuid, p_group uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    SELECT * INTO STRICT d FROM compliance_withdrawal WHERE public_id = p_withdrawal;
    PERFORM wallets_guard(d.user_id);
    SELECT * INTO d FROM compliance_withdrawal WHERE id = d.id FOR NO KEY UPDATE;
    IF d.status <> 'approved' OR core_actor() <> 0 THEN
        RAISE EXCEPTION 'This withdrawal is not approved.' USING ERRCODE = 'PY124';
    END IF;
    PERFORM compliance_check_withdrawal(d.user_id, d.amount);
    PERFORM ledger_post(p_id, 6::smallint, (SELECT account FROM wallets_wallet WHERE user_id = d.user_id), 70, d.amount, p_group);
END $$;

CREATE FUNCTION compliance_withdrawal_ended(p_withdrawal text, p_transfer text, p_told text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    UPDATE compliance_withdrawal SET status = CASE WHEN p_transfer IS NULL THEN 'failed' ELSE 'sent' END, transfer = p_transfer, told = p_told, ended_at = core_now()
        WHERE public_id = p_withdrawal AND status = 'approved' AND core_actor() = 0 RETURNING * INTO STRICT d;
    IF p_transfer IS NULL THEN
        PERFORM compliance_tell(d.user_id, 'withdrawal', 'Your withdrawal could not go out', p_told || E'\n\nYour money stays in your account. You can ask again.', d.public_id);
    END IF;
END $$;

-- ------------------------------------------------------------------------------------------------ what stays
CREATE TRIGGER personnotes_stay BEFORE UPDATE OR DELETE ON compliance_personnote FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER personnotes_are_kept BEFORE TRUNCATE ON compliance_personnote FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER freezes_are_kept BEFORE DELETE ON compliance_freeze FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER freezes_are_not_truncated BEFORE TRUNCATE ON compliance_freeze FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER freezes_end_once BEFORE UPDATE ON compliance_freeze FOR EACH ROW WHEN (
    OLD.ended_at IS NOT NULL OR (OLD.public_id, OLD.user_id, OLD.kind, OLD.level, OLD.reason, OLD.staff_id, OLD.at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.kind, NEW.level, NEW.reason, NEW.staff_id, NEW.at))
    EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER withdrawals_are_kept BEFORE DELETE ON compliance_withdrawal FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER withdrawals_are_not_truncated BEFORE TRUNCATE ON compliance_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER withdrawals_keep_what_was_asked BEFORE UPDATE ON compliance_withdrawal FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.amount, OLD.bank_account, OLD.asked_at) IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.amount, NEW.bank_account, NEW.asked_at)
    OR OLD.status IN ('sent', 'denied', 'cancelled', 'failed')) EXECUTE FUNCTION compliance_refuse();

-- ------------------------------------------------------------------------------------------------ who may do what
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 'paya_engine'::regrole
             AND p.proname LIKE 'compliance\_%' AND p.prosecdef LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION compliance_freeze_letter(smallint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_freeze_letter(smallint, text) TO paya_engine, paya_staff;
GRANT EXECUTE ON FUNCTION compliance_freeze_person(text, int, text, text), compliance_unfreeze_person(text, text), compliance_note_person(text, text),
    compliance_ask_review(text, text, int, text), compliance_start_withdrawal(text, bigint, text, text), compliance_approve_withdrawal(text, text),
    compliance_deny_withdrawal(text, text, text) TO paya_staff;
GRANT EXECUTE ON FUNCTION compliance_ask_withdrawal(bigint, bigint, text), compliance_cancel_withdrawal(bigint, text) TO paya_web, paya_worker;
GRANT EXECUTE ON FUNCTION compliance_freeze_by_command(bigint, smallint, text), compliance_burn_withdrawal(text, uuid, uuid),
    compliance_check_withdrawal(bigint, bigint), compliance_withdrawal_ended(text, text, text) TO paya_worker;
GRANT SELECT, INSERT, UPDATE ON compliance_freeze, compliance_withdrawal TO paya_engine;
GRANT SELECT, INSERT ON compliance_personnote TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_freeze_id_seq, compliance_personnote_id_seq, compliance_withdrawal_id_seq TO paya_engine;
GRANT SELECT ON compliance_freeze, compliance_withdrawal, compliance_personnote TO paya_worker, paya_auditor;
-- Of a withdrawal its person sees all but who of the staff had it in hand.
GRANT SELECT (id, public_id, user_id, amount, bank_account, status, transfer, told, asked_at, decided_at, ended_at) ON compliance_withdrawal TO paya_web;
