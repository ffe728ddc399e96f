-- The floor: what any double-entry ledger must at least write for one transfer, in one PL/pgSQL call: the transfer, its
-- two entries, and both balances. No checks, no versions, no rules; the same tuned accounts table and the same order
-- of locks as the product's, so that what is compared is the engine's extra work and nothing else.
CREATE SCHEMA bench;
CREATE TABLE bench.account (id bigint PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE bench.transfer (id uuid PRIMARY KEY, created_at timestamptz NOT NULL);
CREATE TABLE bench.entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transfer uuid NOT NULL, account bigint NOT NULL, amount bigint NOT NULL
);
CREATE INDEX entry_account ON bench.entry (account, id);

CREATE FUNCTION bench.floor_post(p_id uuid, p_debit bigint, p_credit bigint, p_amount bigint) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench.transfer VALUES (p_id, clock_timestamp());
    INSERT INTO bench.entry (transfer, account, amount) VALUES (p_id, p_debit, -p_amount), (p_id, p_credit, p_amount);
    IF p_debit > p_credit THEN
        UPDATE bench.account SET balance = balance - p_amount WHERE id = p_debit;
        UPDATE bench.account SET balance = balance + p_amount WHERE id = p_credit;
    ELSE
        UPDATE bench.account SET balance = balance + p_amount WHERE id = p_credit;
        UPDATE bench.account SET balance = balance - p_amount WHERE id = p_debit;
    END IF;
    RETURN p_id;
END $$;

GRANT USAGE ON SCHEMA bench TO paya_worker;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA bench TO paya_worker;
