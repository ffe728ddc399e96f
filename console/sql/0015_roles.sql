-- Who may do what: one table, which the database obeys and the site shows. Administrators let people in and set rules; they move no money.
SELECT console_permit('trail.view', 'auditor', 'administrator');
-- rails, returns, corrections
SELECT console_permit('rail.choose', 'finance');
SELECT console_permit('return.lift', 'compliance');
SELECT console_permit('correction.ask', 'support', 'finance');
SELECT console_permit('correction.decide', 'finance');
SELECT console_permit('break.assign', 'finance');
SELECT console_permit('break.resolve', 'finance');
SELECT console_permit('reconcile', 'finance');
SELECT console_permit('suspense.give', 'finance');
SELECT console_permit('nacha.open', 'finance');
SELECT console_permit('nacha.resolve', 'finance');
SELECT console_permit('nacha.after_rejection', 'finance');
SELECT console_permit('nacha.prenote', 'finance');
SELECT console_permit('nacha.reverse', 'finance');
SELECT console_permit('vendor.hold', 'support', 'finance');
SELECT console_permit('vendor.release', 'support', 'finance');
SELECT console_permit('sandbox', 'support', 'finance', 'compliance', 'administrator');
-- rewards, and what is public
SELECT console_permit('rewards.hold', 'compliance', 'finance');
SELECT console_permit('rewards.release', 'finance');
SELECT console_permit('rewards.reverse', 'finance');
SELECT console_permit('rewards.ineligible', 'compliance');
SELECT console_permit('rewards.eligible', 'compliance');
SELECT console_permit('rewards.answer', 'support', 'compliance');
SELECT console_permit('rewards.settings', 'administrator');
SELECT console_permit('attest', 'finance');
SELECT console_permit('complaint.answer', 'support', 'finance');
-- cases, flags, sanctions
SELECT console_permit('case.take', 'support', 'compliance');
SELECT console_permit('case.note', 'support', 'compliance');
SELECT console_permit('case.assign', 'compliance');
SELECT console_permit('case.prioritise', 'compliance');
SELECT console_permit('case.close', 'compliance');
SELECT console_permit('case.reopen', 'compliance');
SELECT console_permit('flagrule.change', 'compliance');
SELECT console_permit('sanctions.settings', 'compliance');
SELECT console_permit('hit.clear', 'compliance');
SELECT console_permit('hit.confirm', 'compliance');
-- looks
SELECT console_permit('payment.look', 'support', 'compliance');

-- screening
SELECT console_permit('held.release', 'compliance');
SELECT console_permit('held.deny', 'compliance');
SELECT console_permit('limit.set', 'compliance');
SELECT console_permit('tier.set', 'compliance');
SELECT console_permit('score.make', 'compliance');
SELECT console_permit('score.switch', 'compliance');

-- What staff's functions of earlier issues, of cases and of screening change.
SELECT console_watch('banking_railchoice', 'id', 'kind', 'rail', 'reason');
SELECT console_watch('banking_return', 'id', 'user_id', 'restricts', 'lifted_at');
SELECT console_watch('banking_correction', 'id', 'kind', 'user_id', 'amount', 'asked_by_id', 'decided_by_id', 'approved', 'due_at');
SELECT console_watch('banking_break', 'public_id', 'state', 'assignee_id', 'closed_at');
SELECT console_watch('banking_nachaquarantine', 'id', 'resolved_at');
SELECT console_watch('banking_nachaentry', 'public_id', 'status');
SELECT console_watch('banking_nachaorder', 'id', 'user_id', 'kind', 'receiver_id', 'direction', 'original_id', 'asked_by_id', 'due_at');
SELECT console_watch('rewards_run', 'week', 'state', 'held', 'distribute_at');
SELECT console_watch('rewards_reward', 'user_id', 'run_id', 'amount', 'reversed_at');
SELECT console_watch('rewards_appeal', 'public_id', 'user_id', 'week', 'answered_at', 'answered_by_id');
SELECT console_watch('rewards_ineligibility', 'id', 'user_id', 'since', 'until', 'reason', 'marked_by_id', 'lifted_at');
SELECT console_watch('rewards_setting', 'id', 'in_force_from', 'operations_share', 'min_age_days', 'path_length', 'circle_hours',
    'review_hours', 'strategy', 'reason', 'chosen_by_id');
SELECT console_watch('transparency_complaint', 'id', 'answered_at');
SELECT console_watch('compliance_case', 'public_id', 'user_id', 'status', 'assignee_id', 'priority', 'outcome', 'label', 'result',
    'closed_at', 'closed_by_id', 'due_at');
SELECT console_watch('compliance_casenote', 'id', 'case_id', 'user_id', 'note');
SELECT console_watch('compliance_verdict', 'id', 'case_id', 'user_id', 'outcome', 'label', 'result');
SELECT console_watch('compliance_flagrule', 'rule', 'weight', 'threshold', 'minutes', 'active');
SELECT console_watch('compliance_sanctionshit', 'public_id', 'user_id', 'state', 'decided_at', 'decided_by_id', 'reason');
SELECT console_watch('compliance_sanctionssetting', 'id', 'threshold', 'strong', 'reason', 'chosen_by_id');

-- --------------------------------------------------------------------------------------------------- the staff itself
SELECT console_permit('ceiling.set', 'administrator');
SELECT console_watch('banking_ceiling', 'id', 'role', 'action', 'cents', 'effective_at', 'reason');
SELECT console_permit('staff.roles', 'administrator');
SELECT console_permit('staff.deactivate', 'administrator');
SELECT console_permit('staff.activate', 'administrator');
SELECT console_watch('privacy_closing', 'public_id', 'user_id', 'state', 'cancelled_at', 'closed_at', 'erase_after');
SELECT console_watch('console_staffrole', 'user_id', 'role');
SELECT console_watch('users_user', 'public_id', 'is_active');

-- Somebody else's roles, all of them. Nobody changes their own, and somebody who lets people in remains.
CREATE FUNCTION console_set_roles(p_member text, p_roles text[], p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    member bigint := (SELECT id FROM users_user WHERE public_id = p_member AND kind = 'staff');
BEGIN
    PERFORM console_acted('staff.roles', p_member, format('Roles: %s.', coalesce(nullif(array_to_string(p_roles, ', '), ''), 'none')), p_reason);
    IF member IS NULL THEN
        RAISE EXCEPTION 'no such member of staff' USING ERRCODE = 'PY123';
    ELSIF member = core_actor() THEN
        RAISE EXCEPTION 'Nobody changes their own roles.' USING ERRCODE = 'PY124';
    ELSIF EXISTS (SELECT FROM unnest(p_roles) r WHERE r NOT IN ('support', 'compliance', 'finance', 'auditor', 'administrator')) THEN
        RAISE EXCEPTION 'There is no such role.' USING ERRCODE = 'PY124';
    END IF;
    DELETE FROM console_staffrole WHERE user_id = member AND role <> ALL (p_roles);
    INSERT INTO console_staffrole (user_id, role) SELECT DISTINCT member, r FROM unnest(p_roles) r ON CONFLICT DO NOTHING;
    RETURN p_member;
END $$;

-- Somebody else may come in no more, or again. It holds from the next request on: each asks anew.
CREATE FUNCTION console_set_active(p_member text, p_active boolean, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    member bigint := (SELECT id FROM users_user WHERE public_id = p_member AND kind = 'staff');
BEGIN
    IF p_active THEN
        PERFORM console_acted('staff.activate', p_member, 'May come in again.', p_reason);
    ELSE
        PERFORM console_acted('staff.deactivate', p_member, 'May not come in any more.', p_reason);
    END IF;
    IF member IS NULL THEN
        RAISE EXCEPTION 'no such member of staff' USING ERRCODE = 'PY123';
    ELSIF member = core_actor() THEN
        RAISE EXCEPTION 'Nobody does this to themself.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE users_user SET is_active = p_active WHERE id = member;
    RETURN p_member;
END $$;

-- Of a private payment amount and note: as before, for roles that may.
CREATE OR REPLACE FUNCTION payments_view_as_staff(p_staff bigint, p_public_id text, p_reason text) RETURNS SETOF payments_payment
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF core_actor() <> p_staff OR NOT EXISTS (SELECT FROM users_user WHERE id = p_staff AND kind = 'staff' AND is_active) THEN
        RAISE EXCEPTION 'only staff may look' USING ERRCODE = 'PY120';
    ELSIF NOT console_may('payment.look') THEN
        RAISE EXCEPTION 'None of your roles may do this (payment.look).' USING ERRCODE = 'PY120';
    ELSIF length(trim(p_reason)) < 3 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = 'PY122';
    END IF;
    INSERT INTO payments_staffview (staff_id, payment, reason) VALUES (p_staff, p_public_id, trim(p_reason));
    RETURN QUERY SELECT * FROM payments_payment WHERE public_id = p_public_id;
END $$;

-- Everything that the actor may do.
CREATE FUNCTION console_allowed() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT p.action FROM console_staffrole s JOIN console_permission p USING (role) WHERE s.user_id = core_actor() AND console_is_staff()
$$;

GRANT UPDATE (is_active) ON users_user TO paya_engine;
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"console_set_roles(text,text[],text)","console_set_active(text,boolean,text)",console_allowed()}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_staff', f);
    END LOOP;
END $$;
