-- The sealer (docs/money.md): at a distance behind the journal, its rows are hashed in order of (posted_at, id) into
-- chained blocks. Nothing of it is on the way of a posting.

-- One block has the rows from where the previous one ended up to, and without, (until, until_id). Where a block ends at
-- a time, until_id is zero; where it ends because it is full, the two are the first row of the next block.
CREATE TABLE ledger_block (
    height bigint PRIMARY KEY CHECK (height > 0),
    until timestamptz NOT NULL,
    until_id uuid NOT NULL,
    rows int NOT NULL CHECK (rows > 0),
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    rows_hash bytea NOT NULL CHECK (octet_length(rows_hash) = 32),
    -- Two sealers at once: the second runs into this one, or into the height, and finds its rows sealed.
    previous bytea NOT NULL UNIQUE CHECK (octet_length(previous) = 32),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);
CREATE TRIGGER blocks_are_immutable BEFORE UPDATE OR DELETE ON ledger_block FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER blocks_are_kept BEFORE TRUNCATE ON ledger_block FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- A row of the journal as 116 bytes, every column of it: big-endian, the time in microseconds since 2000-01-01 UTC,
-- what may be null with a byte before it that says whether it is there.
CREATE FUNCTION ledger_row_bytes(t ledger_transfer) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT uuid_send(t.id) || timestamptz_send(t.posted_at) || int2send(t.kind)
        || int8send(t.debit_account) || int8send(t.credit_account) || int8send(t.amount)
        || int8send(t.debit_version) || int8send(t.debit_balance) || int8send(t.credit_version) || int8send(t.credit_balance)
        || coalesce('\x01'::bytea || uuid_send(t.group_id), decode(repeat('00', 17), 'hex'))
        || coalesce('\x01'::bytea || uuid_send(t.reverses), decode(repeat('00', 17), 'hex'))
$$;

CREATE FUNCTION ledger_block_hash(b ledger_block) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256('PaYaBlk1'::bytea || int8send(b.height) || timestamptz_send(b.until) || uuid_send(b.until_id)
        || int4send(b.rows) || uuid_send(b.first_id) || uuid_send(b.last_id) || b.rows_hash || b.previous)
$$;

-- Seal what was posted before p_until, at most p_limit rows in blocks of p_size; how many rows were sealed. Whoever
-- calls has waited until nothing that is stamped earlier can still commit (ledger/cuts.py, ledger/sealer.py).
CREATE FUNCTION ledger_seal(p_until timestamptz, p_limit int, p_size int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan SET work_mem = '64MB' AS $$
DECLARE
    b ledger_block;
    part record;
    done int := 0;
    nought uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    SELECT * INTO b FROM ledger_block ORDER BY height DESC LIMIT 1;
    IF NOT FOUND THEN
        b.height := 0; b.until := '-infinity'; b.until_id := nought; b.hash := decode(repeat('00', 32), 'hex');
    END IF;
    FOR part IN
        WITH due AS (
            SELECT row_number() OVER (ORDER BY posted_at, id) - 1 AS n, id, posted_at, ledger_row_bytes(t) AS bytes
            FROM ledger_transfer t
            WHERE posted_at >= b.until AND posted_at < p_until AND (posted_at, id) >= (b.until, b.until_id)
            ORDER BY posted_at, id LIMIT p_limit + 1   -- one more, to know where a full block ends
        ), cut AS (
            SELECT n / p_size AS block, count(*) AS rows, min(posted_at) AS first_at, array_agg(id ORDER BY n) AS ids,
                   sha256(string_agg(bytes, ''::bytea ORDER BY n)) AS hash
            FROM due GROUP BY n / p_size
        )
        SELECT *, lead(first_at) OVER (ORDER BY block) AS next_at, lead(ids[1]) OVER (ORDER BY block) AS next_id
        FROM cut ORDER BY block
    LOOP
        EXIT WHEN part.block * p_size >= p_limit;
        b.height := b.height + 1; b.previous := b.hash;
        b.until := coalesce(part.next_at, p_until); b.until_id := coalesce(part.next_id, nought);
        b.rows := part.rows; b.first_id := part.ids[1]; b.last_id := part.ids[part.rows]; b.rows_hash := part.hash;
        b.hash := ledger_block_hash(b);
        INSERT INTO ledger_block SELECT b.*;
        done := done + b.rows;
    END LOOP;
    RETURN done;
END $$;

-- The lowest block whose rows are no longer what was sealed, or that does not follow from the one before; NULL: none. For whoever is
-- about to sign the chain's head. The auditor computes the same by itself (ledger/audit.py).
CREATE FUNCTION ledger_first_altered_block() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET work_mem = '64MB' SET jit = off AS $$
    WITH chain AS (
        SELECT b.height, b.rows, b.rows_hash, row_number() OVER (ORDER BY b.height) AS block,
               b.hash = ledger_block_hash(b) AND b.previous = lag(b.hash, 1, decode(repeat('00', 32), 'hex')) OVER (ORDER BY b.height) AS follows
        FROM ledger_block b
    ), marked AS (  -- a row belongs to the first block that ends after it
        SELECT 1 + count(*) FILTER (WHERE bytes IS NULL) OVER (ORDER BY posted_at, id, bytes IS NOT NULL) AS block, posted_at, id, bytes
        FROM (SELECT posted_at, id, ledger_row_bytes(t) AS bytes FROM ledger_transfer t
              UNION ALL SELECT until, until_id, NULL FROM ledger_block) x
    ), found AS (
        SELECT block, count(*) AS rows, sha256(string_agg(bytes, ''::bytea ORDER BY posted_at, id)) AS hash
        FROM marked WHERE bytes IS NOT NULL GROUP BY block
    )
    SELECT min(c.height) FROM chain c LEFT JOIN found f USING (block)
    WHERE NOT c.follows OR (f.rows, f.hash) IS DISTINCT FROM (c.rows::bigint, c.rows_hash)
$$;

REVOKE EXECUTE ON FUNCTION ledger_first_altered_block() FROM PUBLIC;
ALTER FUNCTION ledger_first_altered_block() OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION ledger_first_altered_block() TO paya_worker;
REVOKE EXECUTE ON FUNCTION ledger_row_bytes(ledger_transfer), ledger_block_hash(ledger_block), ledger_seal(timestamptz, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_row_bytes(ledger_transfer), ledger_block_hash(ledger_block) TO paya_engine;
ALTER FUNCTION ledger_seal(timestamptz, int, int) OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION ledger_seal(timestamptz, int, int) TO paya_worker;
GRANT SELECT, INSERT ON ledger_block TO paya_engine;
GRANT SELECT ON ledger_block TO paya_web, paya_worker, paya_staff, paya_auditor;
