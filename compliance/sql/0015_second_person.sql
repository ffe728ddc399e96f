-- Second looks at what one person could do alone, or with a slip.

-- As before (0014_second_looks.sql), and the name stays, until the person is erased.
CREATE OR REPLACE TRIGGER decisions_stay BEFORE UPDATE ON compliance_sanctionshit FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.entry_id, OLD.name_key, OLD.entry_key, OLD.found_at, OLD.name)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.entry_id, NEW.name_key, NEW.entry_key, NEW.found_at, NEW.name)
    OR OLD.state = 'cleared' OR (OLD.state = 'confirmed' AND NEW.state <> 'cleared')) EXECUTE FUNCTION compliance_words_stay('name');

-- As before, and open hits follow.
CREATE OR REPLACE FUNCTION compliance_change_sanctions(p_threshold int, p_strong int, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
    h record;
BEGIN
    PERFORM console_acted('sanctions.settings', 'sanctions', format('A hit from %s on, a strong one from %s on.', p_threshold, p_strong), p_reason);
    PERFORM pg_advisory_xact_lock(420602);  -- as compliance/services/sanctions.py takes it
    INSERT INTO compliance_sanctionssetting (threshold, strong, reason, chosen_by_id, created_at)
        VALUES (p_threshold, p_strong, trim(p_reason), core_actor(), core_now());
    -- Those that wait for somebody go by the scores in force: a slip that is set back frees whom it kept from sending.
    FOR h IN SELECT o.id, o.user_id, c.public_id AS about, p_threshold > o.score AS ends FROM compliance_sanctionshit o
             JOIN compliance_case c ON c.id = o.case_id
             WHERE o.state = 'open' AND (o.strong <> (o.score >= p_strong) OR o.score < p_threshold) ORDER BY o.user_id, o.id LOOP
        IF h.ends THEN
            PERFORM compliance_end_hit(h.id, 'gone', 'The score for a hit was set above it.');
        ELSE
            UPDATE compliance_sanctionshit SET strong = score >= p_strong WHERE id = h.id;
            PERFORM compliance_sanctions_apply(h.user_id, h.about);
        END IF;
    END LOOP;
    INSERT INTO compliance_sanctionsrun (cause, started_at) VALUES ('setting', core_now()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'A hit begins between 70 and 100, a strong one not below it.' USING ERRCODE = 'PY124';
END $$;

-- As before (0002_freezes.sql), but whoever began a withdrawal in the person's name does not approve it; the row holds that too.
CREATE OR REPLACE FUNCTION compliance_approve_withdrawal(p_withdrawal text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    PERFORM console_acted('withdrawal.approve', p_withdrawal, 'Approved the withdrawal out of a frozen account.', p_reason);
    IF (SELECT started_by_id FROM compliance_withdrawal WHERE public_id = p_withdrawal) = core_actor() THEN
        RAISE EXCEPTION 'You began it in their name: somebody else approves it.' USING ERRCODE = 'PY124';
    END IF;
    d := compliance_end_withdrawal(p_withdrawal, 'approved', '', core_actor());
    PERFORM compliance_check_withdrawal(d.user_id, d.amount);
    PERFORM compliance_tell(d.user_id, 'withdrawal', 'Your withdrawal is approved',
        format('%s goes to your bank now. You find it under your redemptions, with the day by which it arrives.', to_char(d.amount / 100.0, 'FM$999,999,999,990.00')), d.public_id);
    RETURN d.public_id;
END $$;
ALTER TABLE compliance_withdrawal ADD CONSTRAINT compliance_withdrawal_two CHECK (
    started_by_id IS NULL OR decided_by_id IS NULL OR started_by_id <> decided_by_id OR status NOT IN ('approved', 'sent', 'failed')) NOT VALID;

-- As before (0001_cases.sql), but only to somebody who may look into it.
CREATE OR REPLACE FUNCTION compliance_assign_case(p_case text, p_to text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
    somebody bigint;
BEGIN
    PERFORM console_acted('case.assign', p_case, format('Assigned the case to %s.', lower(p_to)), p_reason);
    c := compliance_locked_case(p_case);
    SELECT id INTO somebody FROM users_user WHERE email = lower(p_to) AND kind = 'staff' AND is_active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Nobody of the staff has this e-mail.' USING ERRCODE = 'PY124';
    ELSIF NOT EXISTS (SELECT FROM console_staffrole s JOIN console_permission p USING (role) WHERE s.user_id = somebody AND p.action = 'case.take') THEN
        RAISE EXCEPTION 'None of their roles may look into a case.' USING ERRCODE = 'PY124';
    ELSIF c.status <> 'open' THEN
        RAISE EXCEPTION 'This case is closed.' USING ERRCODE = 'PY124';
    ELSIF c.assignee_id IS NOT DISTINCT FROM somebody THEN
        RAISE EXCEPTION 'This case is theirs already.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_case SET assignee_id = somebody WHERE id = c.id;
    RETURN p_case;
END $$;
