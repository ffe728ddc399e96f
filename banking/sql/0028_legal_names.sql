-- Legal names are compared with the sanctions list by the worker (services/legal_names.py).
GRANT UPDATE (screened_in, claimed_until) ON banking_identitycheck TO paya_worker;

-- As before, and a question begins with a name that nobody has compared, whatever the web's role writes.
CREATE OR REPLACE FUNCTION banking_check_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'waiting' OR NEW.name_score IS NOT NULL OR NEW.phone_score IS NOT NULL OR NEW.screened_in <> 0 THEN
            RAISE EXCEPTION 'a question begins without an answer' USING ERRCODE = 'PY110';
        END IF;
        NEW.claimed_until := NULL;
    ELSIF OLD.status <> 'waiting' AND (OLD.status, OLD.name_score, OLD.phone_score, OLD.outcome, OLD.answered_at)
          IS DISTINCT FROM (NEW.status, NEW.name_score, NEW.phone_score, NEW.outcome, NEW.answered_at) THEN
        RAISE EXCEPTION 'what a bank answered stays' USING ERRCODE = 'PY110';
    END IF;
    RETURN NEW;
END $$;
