-- Outbox rows that were published have done their work: the oldest of them go, in batches, but none that a place which is still
-- sending events (p_through: how far the slowest is) has yet to read, and none that failed. Positions are never given again.
CREATE FUNCTION core_outbox_prune(p_before timestamptz, p_through bigint, p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    n int;
BEGIN
    DELETE FROM core_outbox WHERE id IN (
        SELECT o.id FROM core_outbox o
        WHERE o.position <= least(p_through, (SELECT h.published FROM core_outboxhead h WHERE h.id = 1))
          AND o.created_at < p_before AND o.failed_at IS NULL
        ORDER BY o.position LIMIT p_limit);
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
ALTER FUNCTION core_outbox_prune(timestamptz, bigint, int) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION core_outbox_prune(timestamptz, bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core_outbox_prune(timestamptz, bigint, int) TO paya_worker;
GRANT SELECT, DELETE ON core_outbox TO paya_engine;
GRANT SELECT ON core_outboxhead TO paya_engine;
