-- A person's page (docs/console.md): freezes, notes, withdrawals and devices as staff see them, limits, and one line of time
-- over everything that happened. Amounts and notes of private payments are in none of it.

SELECT console_permit('freeze.set', 'support', 'compliance');
SELECT console_permit('freeze.lift', 'compliance');
SELECT console_permit('person.note', 'support', 'compliance', 'finance');
SELECT console_permit('person.review', 'support', 'compliance');
SELECT console_permit('withdrawal.start', 'support', 'compliance');
SELECT console_permit('withdrawal.approve', 'compliance', 'finance');
SELECT console_permit('withdrawal.deny', 'compliance', 'finance');
SELECT console_watch('compliance_freeze', 'public_id', 'user_id', 'kind', 'level', 'reason', 'staff_id', 'ended_at', 'ended_by_id');
SELECT console_watch('compliance_personnote', 'id', 'user_id', 'staff_id', 'note');
SELECT console_watch('compliance_withdrawal', 'public_id', 'user_id', 'amount', 'bank_account', 'status', 'transfer', 'told', 'started_by_id',
    'decided_by_id');
SELECT console_watch('wallets_wallet', 'public_id', 'frozen', 'frozen_reason');

CREATE VIEW console_freeze AS
    SELECT z.public_id AS id, z.id AS number, z.user_id, p.public_id::text AS person_id, f.username::text, z.kind, z.level, z.reason, z.at,
           console_email(z.staff_id) AS staff, z.ended_at, console_email(z.ended_by_id) AS ended_by
    FROM compliance_freeze z JOIN users_user p ON p.id = z.user_id LEFT JOIN users_profile f ON f.user_id = z.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_withdrawal AS
    SELECT d.public_id AS id, d.id AS number, d.user_id, p.public_id::text AS person_id, f.username::text, d.amount, d.bank_account, d.status,
           d.transfer, d.told, d.asked_at, d.decided_at, d.ended_at, console_email(d.started_by_id) AS started_by,
           console_email(d.decided_by_id) AS decided_by,
           (SELECT concat_ws(' ', nullif(i.institution, ''), a.name, '••' || a.mask) FROM banking_bankaccount a
            JOIN banking_bankitem i ON i.id = a.item_id WHERE a.public_id = d.bank_account) AS bank
    FROM compliance_withdrawal d JOIN users_user p ON p.id = d.user_id LEFT JOIN users_profile f ON f.user_id = d.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_personnote AS
    SELECT n.id, n.user_id, n.note, n.at, console_email(n.staff_id) AS staff
    FROM compliance_personnote n WHERE (SELECT console_is_staff());

-- Where somebody is logged in, without anything by which one could.
CREATE VIEW console_device AS
    SELECT d.public_id::text AS id, d.id AS number, d.user_id, d.name::text, d.network::text, d.created_at, d.last_seen_at, d.revoked_at
    FROM users_device d WHERE (SELECT console_is_staff());

-- Whose bank account ends in these digits.
CREATE FUNCTION console_people_by_mask(p_mask text) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT user_id FROM banking_bankaccount WHERE mask = p_mask AND (SELECT console_is_staff()) LIMIT 200
$$;

-- A person's limits as they see them, for staff: asked in the person's place, for this one question.
CREATE FUNCTION console_limits_of(p_user bigint) RETURNS TABLE (name text, tier smallint, lim bigint, used bigint, resets_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asks bigint := core_actor();
BEGIN
    IF NOT console_is_staff() THEN
        RAISE EXCEPTION 'Only staff may do this.' USING ERRCODE = 'PY120';
    END IF;
    PERFORM set_config('paya.actor', p_user::text, true);
    RETURN QUERY SELECT l.name, l.tier, l.lim, l.used, l.resets_at FROM compliance_limits_of(p_user) l;
    PERFORM set_config('paya.actor', asks::text, true);
END $$;

-- Everything that happened to a person before a moment, newest first. Each part is asked for no more rows than are shown, so that a
-- person of a hundred thousand payments costs as much as one of ten. `kind` says what, `ref` what it is about.
CREATE FUNCTION console_timeline(p_user bigint, p_before timestamptz, p_limit int)
RETURNS TABLE (at timestamptz, kind text, words text, amount bigint, ref text, who text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    person text := (SELECT public_id FROM users_user WHERE id = p_user);
BEGIN
    IF NOT console_is_staff() THEN
        RAISE EXCEPTION 'Only staff may look.' USING ERRCODE = 'PY120';
    END IF;
    RETURN QUERY
    SELECT * FROM (
        (SELECT p.created_at, 'payment', 'Paid @' || f.username || CASE p.status WHEN 'completed' THEN '' ELSE ': ' || replace(p.status, '_', ' ') END,
                CASE p.visibility WHEN 'public' THEN -p.amount END, p.public_id, NULL::text
         FROM (SELECT * FROM payments_payment WHERE payer_id = p_user AND created_at < p_before ORDER BY id DESC LIMIT p_limit) p
         LEFT JOIN users_profile f ON f.user_id = p.payee_id)
        UNION ALL
        (SELECT p.created_at, 'payment', 'Paid by @' || f.username || CASE p.status WHEN 'completed' THEN '' ELSE ': ' || replace(p.status, '_', ' ') END,
                CASE p.visibility WHEN 'public' THEN p.amount END, p.public_id, NULL
         FROM (SELECT * FROM payments_payment WHERE payee_id = p_user AND created_at < p_before ORDER BY id DESC LIMIT p_limit) p
         LEFT JOIN users_profile f ON f.user_id = p.payer_id)
        UNION ALL
        (SELECT m.at, t.kind, initcap(t.kind) || ' ' || m.status, t.amount * CASE t.kind WHEN 'load' THEN 1 ELSE -1 END, t.public_id, nullif(m.cause, 'person')
         FROM (SELECT * FROM banking_transfermove WHERE user_id = p_user AND banking_transfermove.at < p_before
               AND status IN ('requested', 'settled', 'failed', 'returned', 'cancelled') ORDER BY id DESC LIMIT p_limit) m
         JOIN banking_banktransfer t ON t.id = m.transfer_id)
        UNION ALL
        (SELECT r.created_at, 'return', 'Returned: ' || r.code || CASE WHEN r.restricts THEN ', restricts the person' ELSE '' END, -t.amount, t.public_id, NULL
         FROM banking_return r JOIN banking_banktransfer t ON t.id = r.transfer_id WHERE r.user_id = p_user AND r.created_at < p_before
         ORDER BY r.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT u.closed_at, 'reward', 'Share of ' || u.week, w.amount, 'week_' || u.week, NULL
         FROM rewards_run u JOIN rewards_reward w ON w.run_id = u.id AND w.user_id = p_user
         WHERE w.amount > 0 AND u.closed_at < p_before ORDER BY u.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT z.at, 'freeze', CASE z.level WHEN 1 THEN 'Frozen: no sending' ELSE 'Frozen: no sending, no receiving' END || '. ' || z.reason, NULL, z.public_id,
                coalesce(console_email(z.staff_id), z.kind)
         FROM compliance_freeze z WHERE z.user_id = p_user AND z.at < p_before ORDER BY z.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT z.ended_at, 'freeze', 'A freeze ended', NULL, z.public_id, coalesce(console_email(z.ended_by_id), z.kind)
         FROM compliance_freeze z WHERE z.user_id = p_user AND z.ended_at < p_before ORDER BY z.ended_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.asked_at, 'withdrawal', 'Withdrawal asked for, now ' || d.status, -d.amount, d.public_id, console_email(d.started_by_id)
         FROM compliance_withdrawal d WHERE d.user_id = p_user AND d.asked_at < p_before ORDER BY d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT l.created_at, 'letter', 'Told: ' || l.title, NULL, l.public_id, NULL
         FROM compliance_letter l WHERE l.user_id = p_user AND l.created_at < p_before ORDER BY l.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT n.at, 'note', left(n.note, 300), NULL, '', console_email(n.staff_id)
         FROM compliance_personnote n WHERE n.user_id = p_user AND n.at < p_before ORDER BY n.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT c.created_at, 'case', 'Case opened: ' || c.summary, NULL, c.public_id, NULL
         FROM compliance_case c WHERE c.user_id = p_user AND c.created_at < p_before ORDER BY c.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT v.closed_at, 'case', 'Case closed: ' || replace(v.outcome, '_', ' ') || ', ' || replace(v.label, '_', ' '), NULL, c.public_id, console_email(v.staff_id)
         FROM compliance_case c JOIN compliance_verdict v ON v.case_id = c.id WHERE c.user_id = p_user AND v.closed_at < p_before
         ORDER BY v.closed_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT l.at, 'flag', (SELECT r.title FROM compliance_flagrule r WHERE r.rule = l.rule), NULL, l.public_id, NULL
         FROM compliance_flag l WHERE l.user_id = p_user AND l.at < p_before ORDER BY l.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT k.created_at, 'ticket', 'Ticket: ' || k.subject, NULL, k.public_id, NULL
         FROM compliance_ticket k WHERE k.user_id = p_user AND k.created_at < p_before ORDER BY k.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT o.created_at, 'appeal', 'Appealed against a ' || replace(o.against, '_', ' '), NULL, o.public_id, NULL
         FROM compliance_appeal o WHERE o.user_id = p_user AND o.created_at < p_before ORDER BY o.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT o.answered_at, 'appeal', 'Appeal answered: ' || replace(o.outcome, '_', ' '), NULL, o.public_id, NULL
         FROM compliance_appeal o WHERE o.user_id = p_user AND o.answered_at < p_before ORDER BY o.answered_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.reported_at, 'dispute', 'Disputed: ' || replace(d.kind, '_', ' '), NULL, d.public_id, NULL
         FROM compliance_dispute d WHERE d.user_id = p_user AND d.reported_at < p_before ORDER BY d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT t.at, 'tier', 'Tier ' || t.before || ' → ' || t.after || ', ' || replace(t.cause, '_', ' '), NULL, '', NULL
         FROM compliance_tierchange t WHERE t.user_id = p_user AND t.at < p_before ORDER BY t.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT a.at, 'staff', a.what || ' “' || a.reason || '”', NULL, a.subject, console_email(a.staff_id)
         FROM console_actionrecord a WHERE a.subject = person AND a.action NOT IN ('freeze.set', 'freeze.lift', 'person.note') AND a.at < p_before
         ORDER BY a.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.created_at, 'device', 'Logged in: ' || d.name, NULL, d.public_id, NULL
         FROM users_device d WHERE d.user_id = p_user AND d.created_at < p_before ORDER BY d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.revoked_at, 'device', 'Logged out: ' || d.name, NULL, d.public_id, NULL
         FROM users_device d WHERE d.user_id = p_user AND d.revoked_at < p_before ORDER BY d.revoked_at DESC LIMIT p_limit)
    ) everything ORDER BY 1 DESC LIMIT p_limit;
END $$;

GRANT SELECT ON compliance_ticket, compliance_appeal, compliance_dispute, compliance_tierchange, compliance_flag, compliance_flagrule, banking_transfermove, banking_return, banking_bankaccount, banking_bankitem, users_device,
    rewards_run, rewards_reward TO paya_engine;
DO $$
DECLARE
    f regprocedure;
    v text;
BEGIN
    FOREACH f IN ARRAY '{"console_people_by_mask(text)","console_limits_of(bigint)","console_timeline(bigint,timestamptz,int)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_staff', f);
    END LOOP;
    FOREACH v IN ARRAY '{console_freeze,console_withdrawal,console_personnote,console_device}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
END $$;
