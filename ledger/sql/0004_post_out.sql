-- One account pays many, in one commit, all or nothing: what ledger_post_many does for postings of any kind, done in one pass where
-- only one account is debited. Every payee stands once, and every reference is new: whatever is not so is refused as a whole, and
-- the caller goes on with ledger_post_many or single posts, which know what was posted before. Returns how many were posted.
CREATE FUNCTION ledger_post_out(
    p_kind smallint, p_debit bigint, p_ids uuid[], p_credits bigint[], p_amounts bigint[], p_group uuid DEFAULT NULL
) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    n int := cardinality(p_ids);
    rule ledger_transferkind;
    payer ledger_account;
    done int;
BEGIN
    IF n = 0 THEN RETURN 0; END IF;
    SELECT * INTO rule FROM ledger_transferkind WHERE kind = p_kind AND kind <> 29;
    IF NOT FOUND OR ledger_row(p_debit) <> p_debit
       OR n IS DISTINCT FROM cardinality(p_credits) OR n IS DISTINCT FROM cardinality(p_amounts) THEN
        RAISE EXCEPTION 'this is no batch of one payer: kind %, from %', p_kind, p_debit USING ERRCODE = 'PY106';
    END IF;

    PERFORM FROM ledger_account WHERE id = ANY (p_credits || p_debit) ORDER BY id DESC FOR NO KEY UPDATE;
    SELECT * INTO payer FROM ledger_account
        WHERE id = p_debit AND kind = ANY (rule.debits) AND (status < 1 OR rule.always AND status < 3);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % does not pay out', p_debit USING ERRCODE = 'PY109', DETAIL = p_ids[1]::text;
    END IF;
    WITH given AS MATERIALIZED (
        SELECT i, id, account, amount, sum(amount) OVER (ORDER BY i) AS so_far
        FROM unnest(p_ids, p_credits, p_amounts) WITH ORDINALITY u(id, account, amount, i)
    ), paid AS (
        UPDATE ledger_account a SET balance = a.balance + g.amount, version = a.version + 1 FROM given g
        WHERE a.id = g.account AND g.amount > 0 AND a.id <> p_debit AND a.kind = ANY (rule.credits) AND a.kind <> 3
          AND (a.status < 2 OR rule.always AND a.status < 3)
        RETURNING g.i, a.balance, a.version
    )
    INSERT INTO ledger_transfer (id, kind, debit_account, credit_account, amount, debit_version, debit_balance,
                                 credit_version, credit_balance, posted_at, group_id)
    SELECT g.id, p_kind, p_debit, g.account, g.amount, payer.version + g.i, payer.balance - g.so_far, p.version, p.balance,
           core_now(), p_group
    FROM given g JOIN paid p USING (i) ORDER BY g.i;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done < n THEN
        RAISE EXCEPTION '% of the batch cannot be credited', n - done USING ERRCODE = 'PY109', DETAIL = p_ids[1]::text;
    END IF;
    UPDATE ledger_account SET balance = balance - s.cents, version = version + n
        FROM (SELECT sum(cents) AS cents FROM unnest(p_amounts) cents) s WHERE id = p_debit AND (floor IS NULL OR balance - s.cents >= floor);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % does not have that much', p_debit USING ERRCODE = 'PY109', DETAIL = p_ids[1]::text;
    END IF;
    RETURN n;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'a reference of the batch was posted before' USING ERRCODE = 'PY109', DETAIL = p_ids[1]::text;
END $$;
ALTER FUNCTION ledger_post_out(smallint, bigint, uuid[], bigint[], bigint[], uuid) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION ledger_post_out(smallint, bigint, uuid[], bigint[], bigint[], uuid) FROM PUBLIC;
