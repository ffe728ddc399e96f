-- The line of time on a person's page in words and dollars: no codes, no cents, and what staff adjusted or credited as the money that it is.

-- "250 cents" of what staff did, as people write money. What was recorded stays as it is.
CREATE FUNCTION console_in_dollars(p_words text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT replace(p_words, m[1] || ' cents', compliance_dollars(m[1]::bigint)) FROM regexp_matches(p_words, '(\d{1,15}) cents') m), p_words)
$$;
-- As the person chose it (compliance/models/support.py).
CREATE FUNCTION console_dispute_words(p_kind text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE p_kind WHEN 'unauthorized' THEN 'I did not make this' WHEN 'wrong_amount' THEN 'The amount is wrong' WHEN 'duplicate' THEN 'It was made twice'
        WHEN 'not_arrived' THEN 'It did not arrive' ELSE 'Something else' END
$$;

CREATE OR REPLACE VIEW console_staffaction AS
    SELECT r.id, r.at, (SELECT u.email::text FROM users_user u WHERE u.id = r.staff_id) AS staff, r.action, r.subject,
           console_in_dollars(r.what) AS what, r.reason
    FROM console_actionrecord r WHERE (SELECT console_is_staff());

-- Everything that happened to a person before a moment, newest first. Each part is asked for no more rows than are shown, so that a
-- person of a hundred thousand payments costs as much as one of ten. `kind` says what, `ref` what it is about.
CREATE OR REPLACE FUNCTION console_timeline(p_user bigint, p_before timestamptz, p_limit int)
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
                coalesce(console_email(z.staff_id), 'manage.py freeze_wallet')
         FROM compliance_freeze z WHERE z.user_id = p_user AND z.at < p_before ORDER BY z.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT z.ended_at, 'freeze', 'A freeze ended', NULL, z.public_id, coalesce(console_email(z.ended_by_id), 'manage.py freeze_wallet')
         FROM compliance_freeze z WHERE z.user_id = p_user AND z.ended_at < p_before ORDER BY z.ended_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.asked_at, 'withdrawal', 'Withdrawal asked for, ' || CASE d.status WHEN 'asked' THEN 'waits for approval' ELSE 'now ' || d.status END, -d.amount, d.public_id, console_email(d.started_by_id)
         FROM compliance_withdrawal d WHERE d.user_id = p_user AND d.asked_at < p_before ORDER BY d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT l.created_at, 'letter', 'Told: ' || l.title, NULL, l.public_id, NULL
         FROM compliance_letter l WHERE l.user_id = p_user AND l.created_at < p_before ORDER BY l.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT n.at, 'note', left(n.note, 300), NULL, '', console_email(n.staff_id)
         FROM compliance_personnote n WHERE n.user_id = p_user AND n.at < p_before ORDER BY n.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT c.created_at, 'case', 'Case opened: ' || c.summary, NULL, c.public_id, NULL
         FROM compliance_case c WHERE c.user_id = p_user AND c.kind <> 'dispute' AND c.created_at < p_before ORDER BY c.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT v.closed_at, 'case', 'Case closed: ' || replace(v.outcome, '_', ' ') || ', ' || CASE v.label WHEN 'scam' THEN 'a scam that deceived the person' WHEN 'mule' THEN 'money mule'
                WHEN 'takeover' THEN 'account takeover' ELSE replace(v.label, '_', ' ') END, NULL, c.public_id, console_email(v.staff_id)
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
        (SELECT o.answered_at, 'appeal', 'Appeal answered: ' || CASE o.outcome WHEN 'changed' THEN 'the decision was changed' ELSE 'the decision stands' END, NULL, o.public_id,
                console_email(o.answered_by_id)
         FROM compliance_appeal o WHERE o.user_id = p_user AND o.answered_at < p_before ORDER BY o.answered_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.reported_at, 'dispute', 'Reported ' || compliance_dollars(d.amount) || ': ' || console_dispute_words(d.kind), NULL, d.public_id, NULL
         FROM compliance_dispute d WHERE d.user_id = p_user AND d.reported_at < p_before ORDER BY d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT m.decided_at, 'dispute', CASE WHEN m.purpose = 'provisional' THEN 'Credited while a report is looked into'
                WHEN m.moved > 0 THEN 'Credited: a report was decided' ELSE 'Provisional credit taken back: a report was decided' END,
                m.moved, d.public_id, console_email(m.decided_by_id)
         FROM compliance_dispute d JOIN compliance_disputemoney m ON m.dispute_id = d.id
         WHERE d.user_id = p_user AND m.moved <> 0 AND m.decided_at < p_before ORDER BY m.decided_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT k.posted_at, 'adjustment', CASE k.kind WHEN 'write_off' THEN 'Written off: ' || compliance_dollars(k.amount) || ' of what they owed'
                WHEN 'suspense_found' THEN 'Money that was found to be theirs' ELSE 'Balance adjusted' END,
                CASE k.kind WHEN 'write_off' THEN NULL WHEN 'adjustment_debit' THEN -k.amount ELSE k.amount END, '', console_email(k.decided_by_id)
         FROM banking_correction k WHERE k.user_id = p_user AND k.posted_at < p_before ORDER BY k.posted_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT t.at, 'tier', 'Tier ' || compliance_tier_name(t.before) || ' → ' || compliance_tier_name(t.after) || CASE t.cause WHEN 'identity' THEN ', their bank confirmed who they are'
                WHEN 'document' THEN ', a document was accepted' ELSE ', by staff' END, NULL, '', console_email(t.staff_id)
         FROM compliance_tierchange t WHERE t.user_id = p_user AND t.at < p_before ORDER BY t.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT a.at, 'staff', console_in_dollars(a.what) || ' “' || a.reason || '”', NULL, a.subject, console_email(a.staff_id)
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

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{console_in_dollars(text),console_dispute_words(text)}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
-- A view's functions are called as whoever reads it.
GRANT EXECUTE ON FUNCTION console_in_dollars(text), compliance_dollars(bigint) TO paya_staff;
