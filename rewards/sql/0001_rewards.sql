-- The weekly share of the network's revenue (docs/rewards.md): what a week brought, who was active in it, who gets what, and
-- how that is paid. People's payments are read from the ledger's journal, by account; nothing here is on the hot path.

-- ------------------------------------------------------------------------------------------------ what rows must say
ALTER TABLE rewards_setting
    ADD CONSTRAINT rewards_setting_share CHECK (operations_share BETWEEN 0 AND 10000),
    ADD CONSTRAINT rewards_setting_rules CHECK (min_age_days BETWEEN 0 AND 366 AND path_length BETWEEN 1 AND 3
        AND circle_hours BETWEEN 1 AND 168 AND review_hours BETWEEN 0 AND 168),
    ADD CONSTRAINT rewards_setting_strategy CHECK (strategy IN ('equal', 'balance_days', 'payments_made'));
INSERT INTO rewards_setting (in_force_from, operations_share, min_age_days, path_length, circle_hours, review_hours, strategy, reason, created_at)
    VALUES ('2020-01-06', 3000, 7, 3, 24, 24, 'equal', 'What PaYa began with', '2020-01-06');

-- Not a cent appears or vanishes: what a week says of itself adds up, or is not stored.
ALTER TABLE rewards_run
    ADD CONSTRAINT rewards_run_is_a_week CHECK (extract(isodow FROM starts_on) = 1
        AND week = extract(isoyear FROM starts_on)::text || '-W' || lpad(extract(week FROM starts_on)::text, 2, '0')),
    ADD CONSTRAINT rewards_run_net CHECK (net = revenue - costs + carried_in AND carried_out = least(net, 0)),
    ADD CONSTRAINT rewards_run_divided CHECK (operations + to_pool = greatest(net, 0) AND operations >= 0 AND to_pool >= 0),
    ADD CONSTRAINT rewards_run_shared CHECK (pool = was_there + to_pool AND rewards + stays = pool AND rewards >= 0 AND stays >= 0),
    ADD CONSTRAINT rewards_run_state CHECK (state IN ('closed', 'distributing', 'distributed', 'announced'));
ALTER TABLE rewards_reward
    ADD CONSTRAINT rewards_reward_amount CHECK (amount >= 0 AND (amount = 0 OR reason = 'active')),
    ADD CONSTRAINT rewards_reward_reason
        CHECK (reason IN ('active', 'unverified', 'too_young', 'frozen', 'ineligible', 'circular'));
ALTER TABLE rewards_ineligibility
    ADD CONSTRAINT rewards_ineligibility_weeks CHECK (extract(isodow FROM since) = 1 AND (until - since) % 7 = 0 AND until > since);
ALTER TABLE rewards_appeal
    ADD CONSTRAINT rewards_appeal_said CHECK (length(trim(message)) BETWEEN 1 AND 1000 AND length(answer) BETWEEN 1 AND 1000);

CREATE FUNCTION rewards_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what a week was closed with stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PY110';
END $$;
CREATE TRIGGER settings_stay BEFORE UPDATE OR DELETE ON rewards_setting FOR EACH ROW EXECUTE FUNCTION rewards_refuse();
CREATE TRIGGER settings_are_kept BEFORE TRUNCATE ON rewards_setting FOR EACH STATEMENT EXECUTE FUNCTION rewards_refuse();
CREATE TRIGGER runs_stay BEFORE DELETE ON rewards_run FOR EACH ROW EXECUTE FUNCTION rewards_refuse();
CREATE TRIGGER runs_are_kept BEFORE TRUNCATE ON rewards_run FOR EACH STATEMENT EXECUTE FUNCTION rewards_refuse();
-- The digest is written last: from then on the figures are history.
CREATE TRIGGER figures_stay BEFORE UPDATE ON rewards_run FOR EACH ROW WHEN (OLD.digest IS NOT NULL AND
    (OLD.week, OLD.starts_on, OLD.reference, OLD.setting_id, OLD.closed_at, OLD.revenue_mark, OLD.costs_mark, OLD.costs_cleared,
     OLD.revenue, OLD.costs, OLD.carried_in, OLD.net, OLD.operations, OLD.to_pool, OLD.was_there, OLD.pool, OLD.payers, OLD.active,
     OLD.rewards, OLD.stays, OLD.carried_out, OLD.outliers, OLD.digest)
    IS DISTINCT FROM
    (NEW.week, NEW.starts_on, NEW.reference, NEW.setting_id, NEW.closed_at, NEW.revenue_mark, NEW.costs_mark, NEW.costs_cleared,
     NEW.revenue, NEW.costs, NEW.carried_in, NEW.net, NEW.operations, NEW.to_pool, NEW.was_there, NEW.pool, NEW.payers, NEW.active,
     NEW.rewards, NEW.stays, NEW.carried_out, NEW.outliers, NEW.digest))
    EXECUTE FUNCTION rewards_refuse();
CREATE TRIGGER list_is_kept BEFORE DELETE ON rewards_reward FOR EACH ROW EXECUTE FUNCTION rewards_refuse();
CREATE TRIGGER list_is_not_truncated BEFORE TRUNCATE ON rewards_reward FOR EACH STATEMENT EXECUTE FUNCTION rewards_refuse();
CREATE TRIGGER list_stays BEFORE UPDATE ON rewards_reward FOR EACH ROW WHEN (
    (OLD.run_id, OLD.user_id, OLD.account, OLD.payments, OLD.counted, OLD.weight, OLD.amount, OLD.reason)
    IS DISTINCT FROM
    (NEW.run_id, NEW.user_id, NEW.account, NEW.payments, NEW.counted, NEW.weight, NEW.amount, NEW.reason)
    OR OLD.settled_at IS DISTINCT FROM NEW.settled_at AND OLD.settled_at IS NOT NULL
    OR OLD.reversed_at IS DISTINCT FROM NEW.reversed_at AND OLD.reversed_at IS NOT NULL) EXECUTE FUNCTION rewards_refuse();

-- ------------------------------------------------------------------------------------------------ what a week brought
-- The settings for a week are the newest of those in force when it begins. A row dated later changes nothing about it.
CREATE FUNCTION rewards_setting_for(p_monday date) RETURNS rewards_setting LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM rewards_setting WHERE in_force_from <= p_monday ORDER BY in_force_from DESC, id DESC LIMIT 1
$$;

-- All that revenue ever took in, and all that the rails ever cost, before a moment: the accounts as they were then, and what
-- closed weeks had taken out of them by then. The interval is half open; stamps have microseconds.
CREATE FUNCTION rewards_totals(p_cut timestamptz) RETURNS TABLE (revenue bigint, costs bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ledger_balance_at(8, p_cut - interval '1 microsecond') + c.divided + c.cleared,
           c.cleared - ledger_balance_at(9, p_cut - interval '1 microsecond')
    FROM (SELECT coalesce(sum(t.amount) FILTER (WHERE t.kind IN (24, 25)), 0)::bigint AS divided,
                 coalesce(sum(t.amount) FILTER (WHERE t.kind = 23), 0)::bigint AS cleared
          FROM ledger_transfer t
          WHERE t.group_id IN (SELECT reference FROM rewards_run) AND t.kind IN (23, 24, 25) AND t.posted_at < p_cut) c
$$;

-- Rewards that are listed and not posted: of runs that wait or are under way, and what is owed.
CREATE FUNCTION rewards_unposted() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (coalesce(sum(CASE u.state WHEN 'closed' THEN u.rewards WHEN 'distributing' THEN (
                SELECT coalesce(sum(r.amount), 0) FROM rewards_reward r WHERE r.run_id = u.id AND r.user_id > u.posted_through) END), 0)
            + (SELECT coalesce(sum(r.amount), 0) FROM rewards_reward r JOIN rewards_run o ON o.id = r.run_id
               WHERE r.owed_since IS NOT NULL AND r.settled_at IS NULL AND r.user_id <= o.posted_through))::bigint
    FROM rewards_run u WHERE u.state IN ('closed', 'distributing') AND u.digest IS NOT NULL
$$;

-- What lies in the pool and is nobody's yet. One statement, so that a reward counts as listed or as posted and never as both.
CREATE FUNCTION rewards_was_there() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$ SELECT ledger_balance(80) - rewards_unposted() $$;

CREATE FUNCTION rewards_first_posting() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$ SELECT min(posted_at) FROM ledger_transfer $$;

-- ------------------------------------------------------------------------------------------------ who was active
-- The payments of a week by payer, and how many of them count: those from whose payee no path of at most `p_path` further
-- payments, of any amount, leads back to the payer within `p_within`, each later than the one before. This is the definition,
-- the only place where it stands; rewards/words.py says it in words.
--
-- One statement over the week's payments as a set. A path of three is sought from the end where fewer payments branch off, or
-- from both ends at once, so that somebody whom a hundred thousand people pay costs no more than others. Of several payments
-- between the same two only the earliest (forwards) or latest (backwards) can matter. A path's first payment is among those that
-- leave a payee, its last among those that come back to a payer: both are far fewer than all. There are no statistics about what a WITH
-- query makes, so nested loops are ruled out and everything is hashed.
CREATE FUNCTION rewards_payers(p_from timestamptz, p_until timestamptz, p_path int, p_within interval)
RETURNS TABLE (account bigint, payments bigint, counted bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = off SET work_mem = '256MB' SET jit = off AS $$
    WITH edge AS MATERIALIZED (
        -- A payment out of a hold is its owner's.
        SELECT row_number() OVER () AS id, t.credit_account AS payee, t.posted_at AS at,
               CASE t.kind WHEN 9 THEN (SELECT w.account FROM wallets_wallet w WHERE w.hold_account = t.debit_account)
                    ELSE t.debit_account END AS payer
        FROM ledger_transfer t
        WHERE t.kind IN (7, 9) AND t.posted_at >= p_from AND t.posted_at < p_until + p_within + interval '1 microsecond'
    ), sent AS MATERIALIZED (
        SELECT payer AS node, count(*) AS degree, min(at) AS first, max(at) AS last FROM edge GROUP BY payer
    ), got AS MATERIALIZED (
        SELECT payee AS node, count(*) AS degree, min(at) AS first, max(at) AS last FROM edge GROUP BY payee
    ), candidate AS MATERIALIZED (
        -- Nothing comes back to a payer who is paid nothing in the time afterwards, or from a payee who pays nothing then. (Who
        -- is paid before and after it and not in it stays a candidate, and is ruled out by the search.)
        SELECT e.id, e.payer AS a, e.payee AS b, e.at, e.at + p_within AS until, s.degree AS out, g.degree AS into
        FROM edge e JOIN sent s ON s.node = e.payee AND s.last > e.at AND s.first <= e.at + p_within
        JOIN got g ON g.node = e.payer AND g.last > e.at AND g.first <= e.at + p_within
        WHERE e.at < p_until
    ), sent_twice AS MATERIALIZED (
        SELECT e.payer AS node, sum(s.degree) AS degree
        FROM (SELECT DISTINCT c.b FROM candidate c WHERE c.out * c.into > 16) busy JOIN edge e ON e.payer = busy.b
        JOIN sent s ON s.node = e.payee GROUP BY e.payer
    ), got_twice AS MATERIALIZED (
        SELECT e.payee AS node, sum(g.degree) AS degree
        FROM (SELECT DISTINCT c.a FROM candidate c WHERE c.out * c.into > 16) busy JOIN edge e ON e.payee = busy.a
        JOIN got g ON g.node = e.payer GROUP BY e.payee
    ), suspect AS MATERIALIZED (
        SELECT c.id, c.a, c.b, c.at, c.until, c.out <= c.into AS forwards,
               CASE WHEN c.out * c.into <= 16 THEN 'both'
                    WHEN c.out + coalesce(s2.degree, 0) <= least(c.into + coalesce(g2.degree, 0), c.out + c.into + c.out * c.into)
                        THEN 'forwards'
                    WHEN c.into + coalesce(g2.degree, 0) <= c.out + c.into + c.out * c.into THEN 'backwards'
                    ELSE 'both' END AS way
        FROM candidate c LEFT JOIN sent_twice s2 ON s2.node = c.b LEFT JOIN got_twice g2 ON g2.node = c.a
    ), leaving AS MATERIALIZED (
        SELECT e.payer, e.payee, e.at FROM edge e WHERE e.payer IN (SELECT s.b FROM suspect s)
    ), back AS MATERIALIZED (
        SELECT e.payer, e.payee, e.at FROM edge e WHERE e.payee IN (SELECT s.a FROM suspect s)
    ), first AS MATERIALIZED (
        SELECT s.id, s.a, s.until, s.forwards, s.way, e.payee AS node, min(e.at) AS at
        FROM suspect s JOIN leaving e ON e.payer = s.b AND e.at > s.at AND e.at <= s.until
        WHERE s.forwards OR s.way <> 'backwards' GROUP BY s.id, s.a, s.until, s.forwards, s.way, e.payee
    ), final AS MATERIALIZED (
        SELECT s.id, s.b, s.at AS since, s.forwards, s.way, e.payer AS node, max(e.at) AS at
        FROM suspect s JOIN back e ON e.payee = s.a AND e.at > s.at AND e.at <= s.until
        WHERE NOT s.forwards OR s.way <> 'forwards' GROUP BY s.id, s.b, s.at, s.forwards, s.way, e.payer
    ), circular AS (
        SELECT s.id FROM suspect s JOIN back e ON e.payer = s.b AND e.payee = s.a AND e.at > s.at AND e.at <= s.until
        UNION
        SELECT f.id FROM first f JOIN back e ON e.payer = f.node AND e.payee = f.a AND e.at > f.at AND e.at <= f.until
        WHERE f.forwards AND p_path >= 2
        UNION
        SELECT l.id FROM final l JOIN leaving e ON e.payer = l.b AND e.payee = l.node AND e.at < l.at AND e.at > l.since
        WHERE NOT l.forwards AND p_path >= 2
        UNION
        SELECT m.id FROM (
            SELECT f.id, f.a, f.until, e.payee AS node, min(e.at) AS at
            FROM first f JOIN edge e ON e.payer = f.node AND e.at > f.at AND e.at <= f.until
            WHERE f.way = 'forwards' AND p_path >= 3 GROUP BY f.id, f.a, f.until, e.payee
        ) m JOIN back e ON e.payer = m.node AND e.payee = m.a AND e.at > m.at AND e.at <= m.until
        UNION
        SELECT m.id FROM (
            SELECT l.id, l.b, l.since, e.payer AS node, max(e.at) AS at
            FROM final l JOIN edge e ON e.payee = l.node AND e.at < l.at AND e.at > l.since
            WHERE l.way = 'backwards' AND p_path >= 3 GROUP BY l.id, l.b, l.since, e.payer
        ) m JOIN leaving e ON e.payer = m.b AND e.payee = m.node AND e.at < m.at AND e.at > m.since
        UNION
        SELECT f.id FROM first f JOIN final l ON l.id = f.id JOIN edge e ON e.payer = f.node AND e.payee = l.node AND e.at > f.at AND e.at < l.at
        WHERE f.way = 'both' AND l.way = 'both' AND p_path >= 3
    )
    SELECT e.payer, count(*), count(*) - count(c.id) FROM edge e LEFT JOIN circular c ON c.id = e.id
    WHERE e.at < p_until GROUP BY e.payer
$$;

-- Everybody who paid somebody in the week so far, and why they are active or not. Whoever is not in it paid nobody.
CREATE FUNCTION rewards_judged(p_monday date, p_until timestamptz)
RETURNS TABLE (user_id bigint, account bigint, payments bigint, counted bigint, reason text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = off SET work_mem = '256MB' SET jit = off AS $$
    WITH s AS MATERIALIZED (SELECT * FROM rewards_setting_for(p_monday)), p AS MATERIALIZED (
        SELECT * FROM rewards_payers(
            p_monday::timestamp AT TIME ZONE 'UTC', p_until,
            (SELECT path_length FROM s), (SELECT make_interval(hours => circle_hours) FROM s))
    ), i AS MATERIALIZED (
        SELECT DISTINCT n.user_id FROM rewards_ineligibility n WHERE n.since <= p_monday AND n.until > p_monday AND n.lifted_at IS NULL
    )
    SELECT w.user_id, w.account, p.payments, p.counted, CASE
        WHEN u.kind <> 'person' OR u.phone_index IS NULL OR NOT u.is_active THEN 'unverified'
        WHEN u.created_at > (p_monday + 7)::timestamp AT TIME ZONE 'UTC' - (SELECT make_interval(days => min_age_days) FROM s) THEN 'too_young'
        WHEN w.frozen <> 0 THEN 'frozen'
        WHEN i.user_id IS NOT NULL THEN 'ineligible'
        WHEN p.counted = 0 THEN 'circular'
        ELSE 'active' END
    FROM p JOIN wallets_wallet w ON w.account = p.account JOIN users_user u ON u.id = w.user_id LEFT JOIN i ON i.user_id = w.user_id
$$;

-- ------------------------------------------------------------------------------------------------ who gets what
-- The strategies: a weight for each of the active people's accounts, in the order in which they are given.
CREATE FUNCTION rewards_weigh_equal(p_monday date, p_accounts bigint[], p_counted bigint[]) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT array_fill(1::bigint, ARRAY[cardinality(p_accounts)])
$$;
CREATE FUNCTION rewards_weigh_payments_made(p_monday date, p_accounts bigint[], p_counted bigint[]) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT p_counted
$$;
-- The balance times the hours that it was there: what it was when the week began, and each change for the rest of the week.
CREATE FUNCTION rewards_weigh_balance_days(p_monday date, p_accounts bigint[], p_counted bigint[]) RETURNS bigint[] LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = off SET work_mem = '256MB' SET jit = off AS $$
    WITH week AS (SELECT p_monday::timestamp AT TIME ZONE 'UTC' AS begins, (p_monday + 7)::timestamp AT TIME ZONE 'UTC' AS ends),
    moved AS MATERIALIZED (
        SELECT e.account, sum(e.amount) AS since,
               sum(e.amount * extract(epoch FROM week.ends - e.posted_at)) FILTER (WHERE e.posted_at < week.ends) AS changes
        FROM ledger_entry e CROSS JOIN week WHERE e.posted_at >= week.begins AND e.account >= 1000 GROUP BY e.account
    )
    SELECT array_agg(greatest(floor(((a.balance - coalesce(m.since, 0)) * 604800 + coalesce(m.changes, 0)) / 3600), 0)::bigint ORDER BY g.n)
    FROM unnest(p_accounts) WITH ORDINALITY g(account, n) JOIN ledger_account a ON a.id = g.account LEFT JOIN moved m ON m.account = g.account
$$;
CREATE FUNCTION rewards_weigh(p_strategy text, p_monday date, p_accounts bigint[], p_counted bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    weights bigint[];
BEGIN
    EXECUTE format('SELECT %I($1, $2, $3)', 'rewards_weigh_' || p_strategy) INTO weights USING p_monday, p_accounts, p_counted;
    RETURN weights;
END $$;

-- Divide a pool by weights. Equal shares are rounded down and the rest stays where it was; unequal ones use the largest remainder,
-- ties to whoever stands first, so that nothing is left over.
CREATE FUNCTION rewards_allot(p_pool bigint, p_weights bigint[]) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE
SET work_mem = '256MB' SET jit = off AS $$
DECLARE
    n int := coalesce(cardinality(p_weights), 0);
    whole numeric;
    least_weight bigint;
    most bigint;
    amounts bigint[];
BEGIN
    SELECT sum(w), min(w), max(w) INTO whole, least_weight, most FROM unnest(p_weights) w;
    IF p_pool < 0 OR least_weight < 0 THEN
        RAISE EXCEPTION 'a pool and its weights are not negative' USING ERRCODE = 'PY106';
    ELSIF n = 0 OR p_pool = 0 OR whole = 0 THEN
        RETURN array_fill(0::bigint, ARRAY[n]);
    ELSIF least_weight = most THEN
        RETURN array_fill(p_pool / n, ARRAY[n]);
    END IF;
    WITH part AS (
        SELECT i, div(p_pool * w::numeric, whole)::bigint AS cents, mod(p_pool * w::numeric, whole) AS rest
        FROM unnest(p_weights) WITH ORDINALITY u(w, i)
    ), ranked AS (
        SELECT i, cents, row_number() OVER (ORDER BY rest DESC, i) AS place FROM part
    )
    SELECT array_agg(cents + (place <= p_pool - (SELECT sum(cents) FROM part))::int ORDER BY i) INTO amounts FROM ranked;
    RETURN amounts;
END $$;

-- ------------------------------------------------------------------------------------------------ closing
-- Take a week: only one who tries gets its number, because (week) is unique. In order: the week after the last one that was
-- closed, or any while there is none.
CREATE FUNCTION rewards_claim(p_monday date, p_reference uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO rewards_run (week, starts_on, reference, setting_id, closed_at, distribute_at)
    SELECT extract(isoyear FROM p_monday)::text || '-W' || lpad(extract(week FROM p_monday)::text, 2, '0'), p_monday, p_reference, s.id,
           t.at, t.at + make_interval(hours => s.review_hours)
    FROM rewards_setting_for(p_monday) s, (SELECT core_now() AS at) t
    WHERE coalesce((SELECT max(starts_on) + 7 FROM rewards_run), p_monday) = p_monday
    ON CONFLICT DO NOTHING RETURNING id
$$;

-- List everybody who paid somebody, with reason and amount.
CREATE FUNCTION rewards_list(p_run bigint, p_pool bigint) RETURNS TABLE (payers bigint, active bigint, rewards bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET work_mem = '256MB' AS $$
DECLARE
    r rewards_run;
    people bigint[]; accounts bigint[]; made bigint[]; good bigint[]; reasons text[];
    weights bigint[]; amounts bigint[];
    n int;
BEGIN
    SELECT * INTO STRICT r FROM rewards_run WHERE id = p_run AND digest IS NULL;
    SELECT array_agg(j.user_id), array_agg(j.account), array_agg(j.payments), array_agg(j.counted), array_agg(j.reason),
           count(*) FILTER (WHERE j.reason = 'active')
        INTO people, accounts, made, good, reasons, n
        FROM (SELECT * FROM rewards_judged(r.starts_on, (r.starts_on + 7)::timestamp AT TIME ZONE 'UTC')
              ORDER BY rewards_judged.reason = 'active' DESC, rewards_judged.user_id) j;
    IF n > 0 THEN
        weights := rewards_weigh((SELECT s.strategy FROM rewards_setting s WHERE s.id = r.setting_id), r.starts_on, accounts[1:n], good[1:n]);
        amounts := rewards_allot(p_pool, weights);
    END IF;
    INSERT INTO rewards_reward (run_id, user_id, account, payments, counted, reason, weight, amount)
        SELECT p_run, u.person, u.account, u.made, u.good, u.reason, coalesce(u.weight, 0), coalesce(u.amount, 0)
        FROM unnest(people, accounts, made, good, reasons, weights, amounts) u(person, account, made, good, reason, weight, amount);
    payers := coalesce(cardinality(people), 0);
    active := n;
    SELECT coalesce(sum(a), 0)::bigint INTO rewards FROM unnest(amounts) a;
    RETURN NEXT;
END $$;

-- What the list of recipients hashes to: everybody on it, the reason and the amount, one line each, in order.
CREATE FUNCTION rewards_digest(p_run bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET work_mem = '256MB' AS $$
    SELECT encode(sha256(convert_to(
        (SELECT u.week || ' ' || u.reference FROM rewards_run u WHERE u.id = p_run) || E'\n' || coalesce(string_agg(
            r.user_id || ' ' || r.account || ' ' || r.reason || ' ' || r.amount, E'\n' ORDER BY r.user_id), ''), 'UTF8')), 'hex')
    FROM rewards_reward r WHERE r.run_id = p_run
$$;

-- What staff look at before money goes out: who gets most, whose payments went in circles, how many accounts are new.
CREATE FUNCTION rewards_outliers(p_run bigint) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object(
        'reasons', (SELECT coalesce(jsonb_object_agg(g.reason, g.n), '{}') FROM (
            SELECT reason, count(*) AS n FROM rewards_reward WHERE run_id = p_run GROUP BY reason) g),
        'new_accounts', (SELECT count(*) FROM rewards_reward r JOIN users_user p ON p.id = r.user_id JOIN rewards_run u ON u.id = r.run_id
            WHERE r.run_id = p_run AND r.amount > 0 AND p.created_at > (u.starts_on - 7)::timestamp AT TIME ZONE 'UTC'),
        'largest', (SELECT coalesce(jsonb_agg(jsonb_build_array(g.user_id, g.amount) ORDER BY g.amount DESC, g.user_id), '[]') FROM (
            SELECT user_id, amount FROM rewards_reward WHERE run_id = p_run AND amount > 0 ORDER BY amount DESC, user_id LIMIT 10) g),
        'circles', (SELECT coalesce(jsonb_agg(jsonb_build_array(g.user_id, g.n) ORDER BY g.n DESC, g.user_id), '[]') FROM (
            SELECT user_id, payments - counted AS n FROM rewards_reward WHERE run_id = p_run AND payments > counted
            ORDER BY payments - counted DESC, user_id LIMIT 10) g))
$$;

-- ------------------------------------------------------------------------------------------------ paying
-- The one reference of a person's reward: the first half is the run's, which sorts by time, so that the journal's key stays dense
-- at its right edge; the second is the person.
CREATE FUNCTION rewards_reference(p_run uuid, p_user bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (left(replace(p_run::text, '-', ''), 16) || '8' || lpad(to_hex(p_user), 15, '0'))::uuid
$$;

-- Those whose turn it is, under the lock of the run's row. Whoever finds it taken, held or done leaves: nobody waits.
CREATE FUNCTION rewards_turn(p_run bigint, p_limit int)
RETURNS TABLE (user_id bigint, account bigint, amount bigint, reference uuid, closed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r rewards_run;
BEGIN
    SELECT * INTO r FROM rewards_run u WHERE u.id = p_run AND u.state = 'distributing' AND NOT u.held FOR NO KEY UPDATE SKIP LOCKED;
    RETURN QUERY
        SELECT w.user_id, w.account, w.amount, rewards_reference(r.reference, w.user_id), a.status = 3
        FROM (SELECT * FROM rewards_reward x WHERE x.run_id = r.id AND x.user_id > r.posted_through AND x.amount > 0
              ORDER BY x.user_id LIMIT p_limit) w JOIN ledger_account a ON a.id = w.account ORDER BY w.user_id;
END $$;

-- One chunk in one commit: post, move on, say so. How many it was about; 0 at the end, which ends the distribution; NULL when it
-- was not ours to do. A closed account cannot be credited: it stays owed. Raises PY109 where the ledger refuses a row of it.
CREATE FUNCTION rewards_post(p_run bigint, p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids uuid[]; accounts bigint[]; amounts bigint[]; closed bigint[];
    first bigint; last bigint;
    n int;
BEGIN
    SELECT count(*), min(t.user_id), max(t.user_id), array_agg(t.reference) FILTER (WHERE NOT t.closed),
           array_agg(t.account) FILTER (WHERE NOT t.closed), array_agg(t.amount) FILTER (WHERE NOT t.closed),
           array_agg(t.user_id) FILTER (WHERE t.closed)
        INTO n, first, last, ids, accounts, amounts, closed FROM rewards_turn(p_run, p_limit) t;
    IF n = 0 THEN
        UPDATE rewards_run SET state = 'distributed', distributed_at = core_now()
            WHERE id = p_run AND state = 'distributing' AND NOT held
              AND NOT EXISTS (SELECT FROM rewards_reward x WHERE x.run_id = p_run AND x.user_id > posted_through AND x.amount > 0);
        RETURN CASE WHEN FOUND THEN 0 END;
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM ledger_post_out(26::smallint, 80, ids, accounts, amounts);
    END IF;
    PERFORM rewards_passed(p_run, first, last, closed);
    RETURN n;
END $$;

-- The distribution has gone past these people; `p_owed` of them could not be credited.
CREATE FUNCTION rewards_passed(p_run bigint, p_first bigint, p_last bigint, p_owed bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE rewards_reward SET owed_since = core_now() WHERE run_id = p_run AND user_id = ANY (p_owed) AND owed_since IS NULL;
    UPDATE rewards_run SET posted_through = p_last WHERE id = p_run AND posted_through < p_first;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'these people have had their turn' USING ERRCODE = 'PY110';
    END IF;
    INSERT INTO core_outbox (topic, payload)
        VALUES ('rewards.credited', jsonb_build_object('run', p_run, 'first', p_first, 'last', p_last));
END $$;

-- What is owed and could be credited now; a closed account is closed for ever.
CREATE FUNCTION rewards_owed(p_limit int) RETURNS TABLE (run_id bigint, user_id bigint, account bigint, amount bigint, reference uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT r.run_id, r.user_id, r.account, r.amount, rewards_reference(u.reference, r.user_id)
    FROM rewards_reward r JOIN rewards_run u ON u.id = r.run_id JOIN ledger_account a ON a.id = r.account
    WHERE r.owed_since IS NOT NULL AND r.settled_at IS NULL AND a.status < 3 AND NOT u.held LIMIT p_limit
$$;

-- The people of a chunk who were credited: whom to tell.
CREATE FUNCTION rewards_credited(p_run bigint, p_first bigint, p_last bigint) RETURNS TABLE (user_id bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT r.user_id FROM rewards_reward r
    WHERE r.run_id = p_run AND r.user_id BETWEEN p_first AND p_last AND r.amount > 0 AND (r.owed_since IS NULL OR r.settled_at IS NOT NULL)
$$;

-- ------------------------------------------------------------------------------------------------ the running week
-- Who would be active if the week ended now. Only what changed since the last look is written.
CREATE FUNCTION rewards_estimate_people(p_monday date, p_week text, p_until timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    people bigint[];
BEGIN
    SELECT coalesce(array_agg(user_id), '{}') INTO people FROM rewards_judged(p_monday, p_until) WHERE reason = 'active';
    DELETE FROM rewards_estimatedperson WHERE week <> p_week;
    DELETE FROM rewards_estimatedperson e WHERE NOT EXISTS (SELECT FROM unnest(people) u WHERE u = e.user_id);
    INSERT INTO rewards_estimatedperson (user_id, week) SELECT u, p_week FROM unnest(people) u ON CONFLICT DO NOTHING;
    RETURN cardinality(people);
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION rewards_hold(p_week text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('rewards.hold', p_week, 'Held the rewards of ' || p_week || '.', p_reason);
    UPDATE rewards_run SET held = true WHERE week = p_week AND state IN ('closed', 'distributing') AND NOT held;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is nothing to hold: these rewards are held, or out, or the week is not closed.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_week;
END $$;

-- Reviewed: it goes out with the next beat.
CREATE FUNCTION rewards_release(p_week text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('rewards.release', p_week, 'Released the rewards of ' || p_week || '.', p_reason);
    UPDATE rewards_run SET held = false, distribute_at = least(distribute_at, core_now())
        WHERE week = p_week AND state IN ('closed', 'distributing') AND (held OR distribute_at > core_now());
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is nothing to release: these rewards go out by themselves, or are out.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_week;
END $$;

-- From the first week that is not closed yet, for so many weeks.
CREATE FUNCTION rewards_mark_ineligible(p_person text, p_weeks int, p_reason text) RETURNS date LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    person bigint;
    running date := date_trunc('week', core_now() AT TIME ZONE 'UTC')::date;
    first date;
BEGIN
    PERFORM console_acted('rewards.ineligible', p_person, format('Left out of the rewards for %s weeks.', p_weeks), p_reason);
    SELECT id INTO person FROM users_user WHERE public_id = p_person AND kind = 'person';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123';
    ELSIF p_weeks NOT BETWEEN 1 AND 520 THEN
        RAISE EXCEPTION 'Name from 1 to 520 weeks.' USING ERRCODE = 'PY124';
    END IF;
    SELECT least(coalesce(max(starts_on) + 7, running), running) INTO first FROM rewards_run;
    PERFORM pg_advisory_xact_lock(420601, hashtext(p_person));  -- the second click waits, and finds what the first one did
    IF EXISTS (SELECT FROM rewards_ineligibility
               WHERE user_id = person AND lifted_at IS NULL AND since <= first AND until >= first + 7 * p_weeks) THEN
        RAISE EXCEPTION 'This person is left out for that long already.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO rewards_ineligibility (user_id, since, until, reason, marked_by_id)
        VALUES (person, first, first + 7 * p_weeks, trim(p_reason), core_actor());
    RETURN first + 7 * p_weeks;
END $$;

CREATE FUNCTION rewards_lift_ineligibility(p_id bigint, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('rewards.eligible', p_id::text, 'Counts again from the next week that is closed.', p_reason);
    -- All that still leaves this person out: a longer time was added to a shorter one.
    UPDATE rewards_ineligibility SET lifted_at = core_now() WHERE lifted_at IS NULL
        AND user_id = (SELECT m.user_id FROM rewards_ineligibility m WHERE m.id = p_id AND m.lifted_at IS NULL);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This was lifted before.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_id;
END $$;

-- One reward goes back into the pool, by the ledger's reversal: once, and only as long as the wallet has that much.
CREATE FUNCTION rewards_reverse(p_week text, p_person text, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w record;
    posted uuid;
BEGIN
    PERFORM console_acted('rewards.reverse', p_week || ':' || p_person, format('Reversed the reward of %s.', p_week), p_reason);
    SELECT r.run_id, r.user_id, r.amount, r.reversed_at, u.reference INTO w
        FROM rewards_reward r JOIN rewards_run u ON u.id = r.run_id JOIN users_user p ON p.id = r.user_id
        WHERE u.week = p_week AND p.public_id = p_person FOR NO KEY UPDATE OF r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This person has no reward of that week.' USING ERRCODE = 'PY123';
    END IF;
    posted := rewards_reference(w.reference, w.user_id);
    BEGIN
        PERFORM ledger_reverse(md5('reward-reversed:' || posted)::uuid, posted);
    EXCEPTION
        WHEN SQLSTATE 'PY102' THEN RAISE EXCEPTION 'The wallet does not have that much any more.' USING ERRCODE = 'PY124';
        WHEN SQLSTATE 'PY104' THEN RAISE EXCEPTION 'The wallet is closed.' USING ERRCODE = 'PY124';
        WHEN SQLSTATE 'PY105' THEN RAISE EXCEPTION 'This reward was not paid.' USING ERRCODE = 'PY124';
    END;
    IF w.reversed_at IS NOT NULL THEN
        RAISE EXCEPTION 'This reward was reversed before.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE rewards_reward SET reversed_at = core_now() WHERE run_id = w.run_id AND user_id = w.user_id;
    INSERT INTO core_outbox (topic, payload)
        VALUES ('wallet.changed', jsonb_build_object('user', w.user_id, 'kind', 'reward_reversed', 'ref', p_week));
    RETURN w.amount;
END $$;

CREATE FUNCTION rewards_answer_appeal(p_appeal text, p_answer text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    person bigint;
    of_week text;
BEGIN
    PERFORM console_acted('rewards.answer', p_appeal, 'Answered the appeal.', p_reason);
    UPDATE rewards_appeal SET answer = trim(p_answer), answered_at = core_now(), answered_by_id = core_actor()
        WHERE public_id = p_appeal AND answered_at IS NULL RETURNING user_id, week INTO person, of_week;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This appeal was answered before.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO core_outbox (topic, payload)
        VALUES ('wallet.changed', jsonb_build_object('user', person, 'kind', 'appeal_answered', 'ref', of_week));
    RETURN p_appeal;
END $$;

-- For weeks that begin on that day or later. A week that has begun is closed by the rules that it began with.
CREATE FUNCTION rewards_change_settings(
    p_from date, p_share int, p_age int, p_path int, p_circle int, p_review int, p_strategy text, p_reason text
) RETURNS date LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('rewards.settings', 'rewards', 'Other rules for the rewards from ' || to_char(p_from, 'DD Mon YYYY') || '.', p_reason);
    IF p_from <= (core_now() AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'Rules are changed for weeks that have not begun: choose a later day.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO rewards_setting (in_force_from, operations_share, min_age_days, path_length, circle_hours, review_hours, strategy, reason, chosen_by_id)
        VALUES (p_from, p_share, p_age, p_path, p_circle, p_review, p_strategy, trim(p_reason), core_actor());
    RETURN p_from;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY124';
END $$;

-- ------------------------------------------------------------------------------------------------ who may do what
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'rewards\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
    END LOOP;
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.proname LIKE 'rewards\_%' LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION rewards_setting_for(date) TO paya_web, paya_worker, paya_staff;
GRANT EXECUTE ON FUNCTION rewards_reference(uuid, bigint) TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT EXECUTE ON FUNCTION rewards_totals(timestamptz), rewards_first_posting(), rewards_unposted(), rewards_was_there(),
    rewards_payers(timestamptz, timestamptz, int, interval), rewards_judged(date, timestamptz), rewards_allot(bigint, bigint[]),
    rewards_weigh(text, date, bigint[], bigint[]), rewards_claim(date, uuid), rewards_list(bigint, bigint), rewards_digest(bigint),
    rewards_outliers(bigint), rewards_turn(bigint, int), rewards_post(bigint, int), rewards_passed(bigint, bigint, bigint, bigint[]),
    rewards_owed(int), rewards_credited(bigint, bigint, bigint), rewards_estimate_people(date, text, timestamptz) TO paya_worker;
GRANT EXECUTE ON FUNCTION rewards_hold(text, text), rewards_release(text, text), rewards_mark_ineligible(text, int, text),
    rewards_lift_ineligibility(bigint, text), rewards_reverse(text, text, text), rewards_answer_appeal(text, text, text),
    rewards_change_settings(date, int, int, int, int, int, text, text) TO paya_staff;

GRANT SELECT ON rewards_setting, rewards_run, rewards_reward, rewards_ineligibility, rewards_appeal, rewards_estimatedperson, rewards_estimate
    TO paya_engine, paya_worker, paya_auditor;
GRANT SELECT ON rewards_setting, rewards_run, rewards_reward, rewards_appeal, rewards_estimatedperson, rewards_estimate TO paya_web;
GRANT SELECT (id, user_id, since, until, lifted_at) ON rewards_ineligibility TO paya_web;
GRANT SELECT ON rewards_setting, rewards_run, rewards_estimate TO paya_staff;
GRANT INSERT ON rewards_setting, rewards_run, rewards_reward, rewards_ineligibility, rewards_estimatedperson TO paya_engine;
GRANT UPDATE (state, held, distribute_at, distributed_at, posted_through) ON rewards_run TO paya_engine;
GRANT UPDATE (owed_since, reversed_at) ON rewards_reward TO paya_engine;
GRANT UPDATE (lifted_at) ON rewards_ineligibility TO paya_engine;
GRANT UPDATE (answer, answered_at, answered_by_id) ON rewards_appeal TO paya_engine;
GRANT DELETE ON rewards_estimatedperson TO paya_engine;
GRANT USAGE ON SEQUENCE rewards_setting_id_seq, rewards_run_id_seq, rewards_ineligibility_id_seq TO paya_engine;
GRANT UPDATE ON rewards_run TO paya_worker;
GRANT UPDATE (settled_at) ON rewards_reward TO paya_worker;
GRANT INSERT, UPDATE, DELETE ON rewards_estimate TO paya_worker;
GRANT INSERT (public_id, user_id, week, message) ON rewards_appeal TO paya_web, paya_worker;
GRANT USAGE ON SEQUENCE rewards_appeal_id_seq TO paya_web, paya_worker;
