-- Who may call and read what of tickets, appeals and disputes.
DO $$
DECLARE
    f regprocedure;
    definer boolean;
BEGIN
    FOR f, definer IN SELECT p.oid::regprocedure, p.prosecdef FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = ANY (
        '{compliance_asking,compliance_write_ticket,compliance_count_message,compliance_reply_ticket,compliance_locked_ticket,compliance_write_answer,compliance_answer_ticket,compliance_solve_ticket,compliance_about,compliance_deciders,compliance_appeal_other_eyes,compliance_make_appeal,compliance_answer_appeal,compliance_business_days,compliance_dispute_moves,compliance_report_dispute,compliance_locked_dispute,compliance_dollars,compliance_day,compliance_ask_credit,compliance_extend_dispute,compliance_decide_dispute,compliance_finish_dispute,compliance_within_ceiling,compliance_decide_money,compliance_give,compliance_waiting}'::text[]) LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
        IF definer THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        END IF;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION compliance_write_ticket(text, text, text), compliance_reply_ticket(text, text), compliance_make_appeal(text, text),
    compliance_report_dispute(text, text, bigint, text) TO paya_web;
-- The demo network has an answer in it, of somebody who is on no staff that could log in.
GRANT EXECUTE ON FUNCTION compliance_write_answer(text, bigint, text, boolean) TO paya_demo;
GRANT EXECUTE ON FUNCTION compliance_waiting() TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT EXECUTE ON FUNCTION compliance_answer_ticket(text, text, boolean, text), compliance_solve_ticket(text, text),
    compliance_answer_appeal(text, text, text, text), compliance_ask_credit(text, bigint, text), compliance_extend_dispute(text, text),
    compliance_decide_dispute(text, text, bigint, text, text), compliance_decide_money(text, boolean, text),
    compliance_give(text, text, text), compliance_business_days(timestamptz, int), compliance_deciders(bigint, text) TO paya_staff;
GRANT SELECT, INSERT, UPDATE ON compliance_ticket, compliance_appeal, compliance_dispute, compliance_disputemoney TO paya_engine;
GRANT SELECT, INSERT, UPDATE (body) ON compliance_ticketmessage TO paya_engine;
GRANT SELECT ON compliance_disputestep, compliance_holiday TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_ticket_id_seq, compliance_ticketmessage_id_seq, compliance_appeal_id_seq, compliance_dispute_id_seq,
    compliance_disputemoney_id_seq TO paya_engine;
GRANT SELECT ON compliance_disputestep, compliance_holiday TO paya_auditor, paya_worker;
GRANT SELECT ON compliance_ticket, compliance_ticketmessage, compliance_appeal, compliance_dispute TO paya_worker, paya_auditor;
GRANT SELECT ON compliance_disputemoney TO paya_auditor;
-- A person sees what is theirs, and not who of the staff it is with.
GRANT SELECT (id, public_id, user_id, subject, about, status, created_at, updated_at) ON compliance_ticket TO paya_web;
GRANT SELECT (id, ticket_id, user_id, staff_id, body, at) ON compliance_ticketmessage TO paya_web;
GRANT SELECT (id, public_id, user_id, against, about, message, status, created_at, due_at, outcome, answer, answered_at) ON compliance_appeal TO paya_web;
GRANT SELECT (id, public_id, user_id, about, kind, amount, message, status, reported_at, decide_by, final_by, credited, credited_at, outcome,
    owed, result, decided_at, result_at, closed_at, due_at) ON compliance_dispute TO paya_web;
