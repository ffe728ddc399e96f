-- Tickets, appeals and disputes as staff see them, who may do what about them, and the report for a range of days.
CREATE VIEW console_ticket AS
    SELECT t.public_id AS id, t.id AS number, t.user_id, p.public_id::text AS person_id, f.username::text, t.subject, t.about, t.status, t.priority,
           t.assignee_id, console_email(t.assignee_id) AS assignee, t.created_at, t.updated_at, t.waiting_since,
           compliance_business_days(t.waiting_since, 2) AS due_at
    FROM compliance_ticket t JOIN users_user p ON p.id = t.user_id LEFT JOIN users_profile f ON f.user_id = t.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_ticketmessage AS
    SELECT m.id, t.public_id AS ticket_id, m.body, m.at, console_email(m.staff_id) AS staff
    FROM compliance_ticketmessage m JOIN compliance_ticket t ON t.id = m.ticket_id WHERE (SELECT console_is_staff());

CREATE VIEW console_personappeal AS
    SELECT a.public_id AS id, a.id AS number, a.user_id, p.public_id::text AS person_id, f.username::text, a.against, a.about, a.message, a.status,
           a.priority, a.assignee_id, console_email(a.assignee_id) AS assignee, a.created_at, a.due_at, a.outcome, a.answer, a.answered_at,
           console_email(a.answered_by_id) AS staff, core_actor() = ANY (compliance_deciders(a.user_id, a.about)) AS mine
    FROM compliance_appeal a JOIN users_user p ON p.id = a.user_id LEFT JOIN users_profile f ON f.user_id = a.user_id
    WHERE (SELECT console_is_staff());

-- What a person reports is told to staff by the person: its amount is shown, of a private payment too.
CREATE VIEW console_dispute AS
    SELECT d.public_id AS id, d.id AS number, d.user_id, p.public_id::text AS person_id, f.username::text, d.about, d.kind, d.amount, d.message,
           d.happened_at, d.in_time, d.new_account, d."case" AS case_id, d.status, d.priority, d.assignee_id, console_email(d.assignee_id) AS assignee,
           d.reported_at, d.decide_by, d.final_by, d.credited, d.credited_at, d.tell_by, d.told_at, d.extended_at, d.outcome, d.owed, d.result,
           console_email(d.decided_by_id) AS decided_by, d.decided_at, d.correct_by, d.result_by, d.result_at, d.closed_at, d.due_at,
           compliance_tier_of(d.user_id) AS tier, w.id AS waits, w.purpose AS waits_purpose, w.amount AS waits_amount,
           console_email(w.asked_by_id) AS waits_from, w.asked_by_id AS waits_from_id
    FROM compliance_dispute d JOIN users_user p ON p.id = d.user_id LEFT JOIN users_profile f ON f.user_id = d.user_id
    LEFT JOIN compliance_disputemoney w ON w.dispute_id = d.id AND w.decided_at IS NULL
    WHERE (SELECT console_is_staff());

CREATE VIEW console_disputemoney AS
    SELECT m.id, d.public_id AS dispute_id, m.purpose, m.amount, m.moved, m.approved, m.reference, m.asked_at, console_email(m.asked_by_id) AS asked_by,
           m.decided_at, console_email(m.decided_by_id) AS decided_by
    FROM compliance_disputemoney m JOIN compliance_dispute d ON d.id = m.dispute_id WHERE (SELECT console_is_staff());

SELECT console_permit('ticket.take', 'support', 'compliance', 'finance');
SELECT console_permit('ticket.assign', 'support', 'compliance');
SELECT console_permit('ticket.answer', 'support', 'compliance', 'finance');
SELECT console_permit('ticket.solve', 'support', 'compliance', 'finance');
SELECT console_permit('appeal.take', 'support', 'compliance');
SELECT console_permit('appeal.assign', 'compliance');
SELECT console_permit('appeal.answer', 'compliance');
SELECT console_permit('dispute.take', 'support', 'compliance');
SELECT console_permit('dispute.assign', 'compliance');
SELECT console_permit('dispute.credit', 'support', 'compliance');
SELECT console_permit('dispute.extend', 'compliance');
SELECT console_permit('dispute.decide', 'compliance');
SELECT console_permit('dispute.approve', 'finance');
SELECT console_permit('dispute.refuse', 'compliance', 'finance');
SELECT console_permit('report.view', 'compliance', 'finance', 'auditor');

SELECT console_watch('compliance_ticket', 'public_id', 'user_id', 'status', 'assignee_id', 'waiting_since');
SELECT console_watch('compliance_ticketmessage', 'id', 'ticket_id', 'user_id', 'staff_id');
SELECT console_watch('compliance_appeal', 'public_id', 'user_id', 'status', 'assignee_id', 'outcome', 'answered_by_id', 'answered_at');
SELECT console_watch('compliance_dispute', 'public_id', 'user_id', 'status', 'assignee_id', 'credited', 'credited_at', 'extended_at', 'outcome',
    'owed', 'decided_by_id', 'decided_at', 'closed_at', 'due_at');
SELECT console_watch('compliance_disputemoney', 'id', 'dispute_id', 'user_id', 'purpose', 'amount', 'reference', 'asked_by_id', 'decided_by_id',
    'decided_at', 'approved', 'moved');

-- ------------------------------------------------------------------------------------------------ the report
-- What the books stood at, before a moment: the sum of the journal, not of today's balances.
CREATE FUNCTION console_books_at(p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object('reserve', coalesce(-sum(cents) FILTER (WHERE kind = 4), 0), 'circulation', coalesce(sum(cents) FILTER (WHERE kind IN (1, 2)), 0),
        'required', coalesce(sum(cents) FILTER (WHERE kind IN (1, 2, 5, 8, 13)), 0), 'owed_by_people', coalesce(-sum(cents) FILTER (WHERE kind = 3), 0),
        'loss_reserve', coalesce(sum(cents) FILTER (WHERE kind = 11), 0), 'adjustments', coalesce(sum(cents) FILTER (WHERE kind = 12), 0),
        'sum_of_all', coalesce(sum(cents), 0))
    FROM (SELECT e.account, sum(e.cents) AS cents FROM (
              SELECT debit_account AS account, -amount AS cents FROM ledger_transfer WHERE posted_at < p_at
              UNION ALL SELECT credit_account, amount FROM ledger_transfer WHERE posted_at < p_at) e GROUP BY 1) moved
    JOIN ledger_account a ON a.id = moved.account
$$;

-- The compliance report from the first of two days to the end of the second, UTC. STABLE: every figure is of the one moment at which it was
-- asked for, and nothing can be written. Numbers and ids of nobody.
CREATE FUNCTION console_report_of(p_from date, p_to date) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    since timestamptz := p_from::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (p_to + 1)::timestamp AT TIME ZONE 'UTC';
    r jsonb := '{}';
    part jsonb;
BEGIN
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', k.name, 'count', m.n, 'cents', m.cents) ORDER BY k.kind), '[]') INTO part
    FROM (SELECT kind, count(*) AS n, sum(amount) AS cents FROM ledger_transfer WHERE posted_at >= since AND posted_at < until GROUP BY kind) m
    JOIN ledger_transferkind k USING (kind);
    r := jsonb_build_object('from', p_from, 'to', p_to, 'movements', part, 'at_start', console_books_at(since), 'at_end', console_books_at(until));

    SELECT jsonb_build_object(
        'new', count(*) FILTER (WHERE created_at >= since AND created_at < until), 'at_end', count(*) FILTER (WHERE created_at < until),
        'frozen_now', (SELECT count(*) FROM wallets_wallet WHERE frozen > 0),
        'tiers_now', (SELECT coalesce(jsonb_object_agg(t.tier, t.n), '{}') FROM (
            SELECT compliance_tier_of(u.id) AS tier, count(*) AS n FROM users_user u WHERE u.kind = 'person' GROUP BY 1) t)) INTO part
    FROM users_user WHERE kind = 'person';
    r := r || jsonb_build_object('people', part);

    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'decision', decision, 'count', n, 'cents', cents) ORDER BY kind, decision), '[]') INTO part
    FROM (SELECT kind, decision, count(*) AS n, sum(amount) AS cents FROM compliance_assessment WHERE at >= since AND at < until GROUP BY 1, 2) a;
    r := r || jsonb_build_object('screening', part);

    SELECT jsonb_build_object('flags', coalesce((SELECT jsonb_object_agg(rule, n) FROM (
            SELECT rule, count(*) AS n FROM compliance_flag WHERE at >= since AND at < until GROUP BY rule) f), '{}'),
        'cases', coalesce((SELECT jsonb_agg(jsonb_build_object('kind', kind, 'opened', opened, 'closed', closed, 'open_at_end', still, 'hours', hours)
            ORDER BY kind) FROM (
            SELECT c.kind, count(*) FILTER (WHERE c.created_at >= since AND c.created_at < until) AS opened,
                   count(*) FILTER (WHERE c.closed_at >= since AND c.closed_at < until) AS closed,
                   count(*) FILTER (WHERE c.created_at < until AND (c.closed_at IS NULL OR c.closed_at >= until)) AS still,
                   round(extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY c.closed_at - c.created_at)
                       FILTER (WHERE c.closed_at >= since AND c.closed_at < until)) / 3600)::int AS hours
            FROM compliance_case c GROUP BY c.kind) x), '[]'),
        'outcomes', coalesce((SELECT jsonb_agg(jsonb_build_object('outcome', outcome, 'label', label, 'count', n) ORDER BY outcome, label) FROM (
            SELECT outcome, label, count(*) AS n FROM compliance_verdict WHERE closed_at >= since AND closed_at < until GROUP BY 1, 2) v), '[]')) INTO part;
    r := r || part;

    SELECT jsonb_build_object(
        'lists', coalesce((SELECT jsonb_agg(jsonb_build_object('cause', cause, 'at', to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
            'entries', entries, 'added', added, 'changed', changed, 'removed', removed, 'people', people, 'hits', hits) ORDER BY id)
            FROM compliance_sanctionsrun WHERE started_at >= since AND started_at < until), '[]'),
        'hits', coalesce((SELECT jsonb_object_agg(state, n) FROM (
            SELECT state, count(*) AS n FROM compliance_sanctionshit WHERE found_at >= since AND found_at < until GROUP BY state) h), '{}')) INTO part;
    r := r || jsonb_build_object('sanctions', part);

    SELECT jsonb_build_object(
        'reported', count(*) FILTER (WHERE reported_at >= since AND reported_at < until), 'closed', count(*) FILTER (WHERE closed_at >= since AND closed_at < until),
        'open_at_end', count(*) FILTER (WHERE reported_at < until AND (closed_at IS NULL OR closed_at >= until)),
        'reported_cents', coalesce(sum(amount) FILTER (WHERE reported_at >= since AND reported_at < until), 0),
        'errors', count(*) FILTER (WHERE closed_at >= since AND closed_at < until AND outcome IN ('error', 'partly')),
        'credited_or_decided_late', count(*) FILTER (WHERE decide_by >= since AND decide_by < until
            AND coalesce(least(credited_at, extended_at, decided_at), 'infinity') > decide_by),
        'finished_late', count(*) FILTER (WHERE final_by >= since AND final_by < until AND coalesce(decided_at, 'infinity') > final_by),
        'result_late', count(*) FILTER (WHERE result_by >= since AND result_by < until AND coalesce(result_at, 'infinity') > result_by),
        'corrected_late', count(*) FILTER (WHERE correct_by >= since AND correct_by < until AND coalesce(closed_at, 'infinity') > correct_by),
        'due_now', count(*) FILTER (WHERE status <> 'closed' AND due_at < now())) INTO part
    FROM compliance_dispute;
    r := r || jsonb_build_object('disputes', part);

    SELECT jsonb_build_object(
        'appeals', (SELECT jsonb_build_object('made', count(*) FILTER (WHERE created_at >= since AND created_at < until),
            'upheld', count(*) FILTER (WHERE answered_at >= since AND answered_at < until AND outcome = 'upheld'),
            'changed', count(*) FILTER (WHERE answered_at >= since AND answered_at < until AND outcome = 'changed')) FROM compliance_appeal),
        'tickets', (SELECT jsonb_build_object('written', count(*) FILTER (WHERE created_at >= since AND created_at < until)) FROM compliance_ticket),
        'returns', coalesce((SELECT jsonb_agg(jsonb_build_object('code', code, 'kind', kind, 'count', n, 'cents', cents, 'owed', owed) ORDER BY code, kind) FROM (
            SELECT b.code, t.kind, count(*) AS n, sum(t.amount) AS cents, sum(b.owed) AS owed FROM banking_return b
            JOIN banking_banktransfer t ON t.id = b.transfer_id WHERE b.created_at >= since AND b.created_at < until GROUP BY 1, 2) x), '[]'),
        'transfers', coalesce((SELECT jsonb_object_agg(kind, n) FROM (
            SELECT kind, count(*) AS n FROM banking_banktransfer WHERE created_at >= since AND created_at < until GROUP BY kind) t), '{}'),
        'staff_actions', coalesce((SELECT jsonb_object_agg(action, n) FROM (
            SELECT action, count(*) AS n FROM console_actionrecord WHERE at >= since AND at < until GROUP BY action) a), '{}'),
        'views', (SELECT count(*) FROM console_personview WHERE at >= since AND at < until),
        'heads', jsonb_build_object(
            'ledger_height', (SELECT max(height) FROM ledger_block),
            'ledger_hash', (SELECT encode(hash, 'hex') FROM ledger_block ORDER BY height DESC LIMIT 1),
            'trail_entry', (SELECT max(id) FROM console_trail),
            'trail_hash', (SELECT encode(hash, 'hex') FROM console_trail ORDER BY id DESC LIMIT 1))) INTO part;
    RETURN r || part;
END $$;

-- For staff: the look is kept. The command of the operators reads the same figures.
CREATE FUNCTION console_report(p_from date, p_to date, p_format text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_may('report.view') THEN
        RAISE EXCEPTION 'None of your roles may do this (report.view).' USING ERRCODE = 'PY120';
    END IF;
    PERFORM console_viewed('report', format('%s..%s %s', p_from, p_to, p_format));
    RETURN console_report_of(p_from, p_to);
END $$;

DO $$
DECLARE
    v text;
    f regprocedure;
BEGIN
    FOREACH v IN ARRAY '{console_ticket,console_ticketmessage,console_personappeal,console_dispute,console_disputemoney}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
    FOREACH f IN ARRAY '{console_books_at(timestamptz),"console_report_of(date,date)","console_report(date,date,text)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION console_report(date, date, text) TO paya_staff;
GRANT EXECUTE ON FUNCTION console_report_of(date, date) TO paya_auditor, paya_worker;
GRANT SELECT ON banking_return, ledger_block TO paya_engine;
