-- Asking a bank whose account it is. The web's role asks; what the bank answered is the worker's to write, and so is what follows.
GRANT SELECT, INSERT ON banking_identitycheck TO paya_web, paya_worker;
GRANT USAGE ON SEQUENCE banking_identitycheck_id_seq TO paya_web, paya_worker;
GRANT UPDATE (status, name_score, phone_score, outcome, attempts, due_at, answered_at, legal_name) ON banking_identitycheck TO paya_worker;
GRANT SELECT ON banking_identitycheck TO paya_auditor, paya_engine;

-- An answer stays. (The name is re-encrypted when keys are rotated.) The web's role writes no answer of its own, either.
CREATE FUNCTION banking_check_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'waiting' OR NEW.name_score IS NOT NULL OR NEW.phone_score IS NOT NULL THEN
            RAISE EXCEPTION 'a question begins without an answer' USING ERRCODE = 'PY110';
        END IF;
    ELSIF OLD.status <> 'waiting' AND (OLD.status, OLD.name_score, OLD.phone_score, OLD.outcome, OLD.answered_at)
          IS DISTINCT FROM (NEW.status, NEW.name_score, NEW.phone_score, NEW.outcome, NEW.answered_at) THEN
        RAISE EXCEPTION 'what a bank answered stays' USING ERRCODE = 'PY110';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION banking_check_stays() FROM PUBLIC;
CREATE TRIGGER checks_stay BEFORE INSERT OR UPDATE ON banking_identitycheck FOR EACH ROW EXECUTE FUNCTION banking_check_stays();
