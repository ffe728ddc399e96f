-- What staff wrote to somebody or about them goes with that person (docs/decisions/0015-erased-words.md): words become the one sentence,
-- and notes, which are nothing but words, are removed. Both in privacy_erase alone, under the conditions of compliance_words_stay.

CREATE FUNCTION compliance_notes_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'paya_engine' AND current_setting('paya.erasing', true) = OLD.user_id::text
        AND EXISTS (SELECT FROM users_user WHERE id = OLD.user_id AND NOT is_active)
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% on % is refused: what was said stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PY110';
END $$;
REVOKE EXECUTE ON FUNCTION compliance_notes_stay() FROM PUBLIC;
CREATE OR REPLACE TRIGGER personnotes_stay BEFORE UPDATE OR DELETE ON compliance_personnote FOR EACH ROW EXECUTE FUNCTION compliance_notes_stay();
CREATE OR REPLACE TRIGGER notes_stay BEFORE UPDATE OR DELETE ON compliance_casenote FOR EACH ROW EXECUTE FUNCTION compliance_notes_stay();

CREATE OR REPLACE TRIGGER freezes_end_once BEFORE UPDATE ON compliance_freeze FOR EACH ROW WHEN (
    OLD.ended_at IS NOT NULL OR (OLD.public_id, OLD.user_id, OLD.kind, OLD.level, OLD.reason, OLD.staff_id, OLD.at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.kind, NEW.level, NEW.reason, NEW.staff_id, NEW.at))
    EXECUTE FUNCTION compliance_words_stay('reason');
CREATE OR REPLACE TRIGGER withdrawals_keep_what_was_asked BEFORE UPDATE ON compliance_withdrawal FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.amount, OLD.bank_account, OLD.asked_at) IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.amount, NEW.bank_account, NEW.asked_at)
    OR OLD.status IN ('sent', 'denied', 'cancelled', 'failed')) EXECUTE FUNCTION compliance_words_stay('told');
CREATE OR REPLACE TRIGGER cases_keep_their_cause BEFORE UPDATE ON compliance_case FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.kind, OLD.about, OLD.summary, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.kind, NEW.about, NEW.summary, NEW.created_at))
    EXECUTE FUNCTION compliance_words_stay('summary', 'result');
CREATE OR REPLACE TRIGGER verdicts_stay BEFORE UPDATE OR DELETE ON compliance_verdict FOR EACH ROW EXECUTE FUNCTION compliance_words_stay('result');
CREATE OR REPLACE TRIGGER documents_stay_decided BEFORE UPDATE ON compliance_document FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.kind, OLD.media_type, OLD.pages, OLD.size, OLD.digest_index, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.kind, NEW.media_type, NEW.pages, NEW.size, NEW.digest_index, NEW.created_at)
    OR (OLD.status IN ('accepted', 'refused', 'abandoned') AND (OLD.status, OLD.decided_at, OLD.decided_by_id, OLD.words)
        IS DISTINCT FROM (NEW.status, NEW.decided_at, NEW.decided_by_id, NEW.words))) EXECUTE FUNCTION compliance_words_stay('words');
GRANT DELETE ON compliance_personnote, compliance_casenote TO paya_engine;
GRANT UPDATE (result) ON compliance_verdict TO paya_engine;

-- What nobody could ever empty is not copied elsewhere: the trail says that a note was written, or a document not accepted, and not in
-- which words (console/sql/0030_erased_words.sql does the same for the rows that it catches).
-- The reason of a note, as the trail keeps it; none where the note is too short, or too long, to be one.
CREATE FUNCTION compliance_note_is_the_reason(p_note text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(trim(coalesce(p_note, ''))) BETWEEN 10 AND 2000 THEN 'The note itself, which is kept with its person.' ELSE '' END
$$;
REVOKE EXECUTE ON FUNCTION compliance_note_is_the_reason(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_note_is_the_reason(text) TO paya_engine;

CREATE OR REPLACE FUNCTION compliance_note_person(p_person text, p_note text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('person.note', p_person, 'Wrote a note.', compliance_note_is_the_reason(p_note));
    INSERT INTO compliance_personnote (user_id, staff_id, note, at) VALUES (compliance_person(p_person), core_actor(), trim(p_note), core_now())
        ON CONFLICT (user_id, staff_id, md5(note)) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION 'You have written this already.' USING ERRCODE = 'PY124';
    END IF;
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION compliance_note_case(p_case text, p_note text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
BEGIN
    PERFORM console_acted('case.note', p_case, 'Wrote a note.', compliance_note_is_the_reason(p_note));
    c := compliance_locked_case(p_case);
    INSERT INTO compliance_casenote (case_id, user_id, staff_id, note) VALUES (c.id, c.user_id, core_actor(), trim(p_note))
        ON CONFLICT (case_id, staff_id, md5(note)) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'You have written this already.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_case;
END $$;
